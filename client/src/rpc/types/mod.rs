//! Parameters and results of every method.
//!
//! Conventions: 64-bit integers and amounts are decimal strings, hashes lowercase hex, addresses
//! bech32m. Parameters refuse names they do not know; results may gain fields. A list is
//! `{items, next_cursor}`, newest first. A read says at which block it was answered.

mod account;
mod admin;
mod block;
mod common;
mod convert;
mod discover;
mod event;
mod evidence;
mod node;
mod record;
mod state;
mod transaction;
mod why;

pub use account::{
    AccountGet, AccountHistory, AccountProof, AccountView, AddressActivity, FaucetDrip,
};
pub use admin::{
    AdminBackup, AdminBackupVerified, AdminPeers, BackupCreated, BackupVerified, BanView, LogLevel,
    Stopping,
};
pub use block::{
    BatchView, BlockCertificate, BlockGet, BlockSelector, BlockSummary, BlockView, ExecutedView,
    HeaderView, Missed, MissedWhy, SignerView, WhichBlock,
};
pub use common::{
    Anchor, AtLeast, Decimal, DecimalOption, Empty, HexBytes, Page, PageRequest, ValidatorRef,
};
pub use discover::{OpenRpc, OpenRpcInfo};
pub use event::{
    AccountEvents, Event, EventKind, ExecutedTx, ExecutedTxs, Notice, Participation, Position,
    PositionError, Subscribe, Subscribed, SubscriptionId, Told, Unsubscribed,
};
pub use evidence::{EvidenceView, OffenceKind, SignedClaim};
pub use node::{
    Absence, Attendance, ChainInfo, ChainParamsView, ConsensusState, MempoolStats, Mode, NodePeers,
    NodeStatus, PeerView, Percentiles, Role, SyncState, SyncView, ValidatorView, ValidatorsList,
    VoteSlot,
};
pub use record::{
    SeenVotes, Uptime, UptimeGet, ValidatorsUptime, ViewBlock, ViewEnd, ViewOutcome, ViewRecord,
    ViewSeen,
};
pub use state::{StateProofGet, StateProofView, WhichState};
pub use transaction::{
    BodyView, FailureView, ReceiptProof, ReceiptView, SubmitOutcome, Submitted, SubmittedEach,
    TxBytes, TxDetails, TxEncode, TxEncoded, TxGet, TxPlace, TxProof, TxSimulated, TxState,
    TxStatus, TxStatusGet, TxSubmitBatch, TxView, TxWait,
};
pub use why::{
    Culprit, CulpritKind, Effect, NextTimer, NodeWhy, Obstacle, RefusedPeer, StageView, TimerKind,
    Trouble,
};

#[cfg(test)]
mod tests;
