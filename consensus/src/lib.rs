//! The consensus protocol of Logothete as a pure value.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod action;
pub mod block;
pub mod certificate;
pub mod config;
pub mod context;
pub mod event;
pub mod evidence;
pub mod message;
pub mod rejection;
pub mod safety_state;
pub mod signing;
pub mod status;
pub mod verify;

pub use action::{Action, EntryReason};
pub use block::{Block, BlockHeader, Executed, payload_hash};
pub use certificate::{Certificate, CommitCert, QuorumCert, Signatures, TimeoutCert, TimeoutEntry};
pub use config::{CommittedRoot, Config, Recovered};
pub use context::Context;
pub use event::{Event, Now};
pub use evidence::{Equivocation, Kind, SignedHeader, SignedTimeout};
pub use message::{
    CommitVote, Message, PrepareVote, Proposal, Statement, StatementRequest, Timeout,
};
pub use rejection::{PayloadFault, Rejection};
pub use safety_state::{Marks, ProposalMark, SafetyState};
pub use status::{Mode, Status};
pub use verify::{
    CertificateCache, Verified, verify, verify_cached, verify_certificate, verify_commit,
    verify_quorum,
};
