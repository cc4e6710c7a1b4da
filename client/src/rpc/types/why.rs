//! Why a node or its chain stands still.

use logothete_primitives::{PublicKey, TimestampMs, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Anchor;
use super::node::{Attendance, SyncView};

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Nodes refuse each other because they are of different chains: another genesis file.
    OtherChain,
    /// Nodes refuse each other because they speak different versions of the protocol.
    OtherVersion,
    /// Another node uses the same key.
    KeyInUse,
    /// Clocks differ by more than a network explains.
    ClockSkew,
    /// A part of this node is busy with one piece of work for too long.
    StageStuck,
    /// More validators than may fail lost their safety state (rule R10).
    Amnesia,
    /// The validators that are missing cannot be reached: the network is cut, or machines are down.
    Partition,
    /// The validators that vote have less power than decides.
    NoQuorum,
    /// A quorum is present, but view after view times out.
    ViewsTimeOut,
    /// This validator lost its safety state and may not vote yet (rule R10).
    Learning,
    /// There is nobody to follow.
    NoPeers,
    /// The node fetches what the others have.
    CatchingUp,
    /// The disk of this node is nearly full; a node whose disk is full ends.
    DiskFull,
    /// The disk of this node takes long to make a vote durable.
    SlowDisk,
    /// Validators are missing, and the others are enough.
    ValidatorsMissing,
    /// Validators are connected and far behind this node.
    PeersLag,
    /// The mempool of this node takes nothing more.
    MempoolFull,
    /// Transactions waited here until they expired.
    TransactionsExpire,
}

/// What a trouble does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The chain stands still.
    Stalled,
    /// The chain goes on, and this node does not take its full part.
    Behind,
    /// All goes on, and something is wrong.
    Degraded,
}

/// What kind of thing a trouble comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CulpritKind {
    /// A validator, by its name in the genesis file.
    Validator,
    /// The node that answers.
    ThisNode,
    /// Another node, by its address.
    Peer,
    /// A transaction, by its hash.
    Transaction,
}

/// Who or what a trouble comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Culprit {
    /// What it is.
    pub kind: CulpritKind,
    /// Its name, address or hash.
    pub name: String,
    /// What is known of it, for people.
    pub detail: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// What it is.
    pub obstacle: Obstacle,
    /// What it does.
    pub effect: Effect,
    /// One sentence for people.
    pub summary: String,
    /// Who or what it comes from.
    pub culprits: Vec<Culprit>,
    /// What to do next.
    pub advice: String,
}

/// What happens when a timer of consensus runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The node gives the view up (rules R5, R7).
    ViewTimeout,
    /// The node sends again what has not done its work (rule R5).
    Resend,
    /// The node proposes an empty block.
    EmptyBlock,
    /// The node asks the others for their views again (rule R10).
    AskStatements,
    /// The node asks for missing blocks again.
    FetchBlocks,
}

/// The timer that runs out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextTimer {
    /// What happens then.
    pub kind: TimerKind,
    /// In how many milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub in_ms: u64,
}

/// A node that was not let in, or did not let this one in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedPeer {
    /// Its name, when it is a validator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its key, if it has shown one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PublicKey>,
    /// Where it is.
    pub address: String,
    /// The reason in one word: `version`, `chain`, `genesis`, `not_a_validator`, `own_key`, `full`, `banned`,
    /// `malformed`, `timeout`, `closed` or `wrong_key`.
    pub reason: String,
    /// The reason for people.
    pub detail: String,
    /// When it happened last.
    pub last_at: TimestampMs,
    /// How often in a row.
    pub times: u32,
}

/// A part of the node and whether it makes progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// False when it has been busy with one piece of work for too long.
    pub ok: bool,
    /// What was found, for people.
    pub detail: String,
}

/// Why the node or its chain stands still, as far as the node can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeWhy {
    /// Its name in the genesis file; absent for followers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// True when the chain makes progress and the node takes its part in it.
    pub healthy: bool,
    /// What is wrong, the most decisive first; its obstacle, summary and advice are those below.
    pub troubles: Vec<Trouble>,
    /// The first trouble, if there is one.
    #[serde(default)]
    pub obstacle: Option<Obstacle>,
    /// One sentence for people: what it does, or what it waits for.
    pub summary: String,
    /// What to do next.
    pub advice: String,
    /// The latest final block whose results are served.
    pub at: Anchor,
    /// How long ago its proposer stamped that block, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub head_age_ms: u64,
    /// The current view.
    pub view: View,
    /// How long it has lasted, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub view_age_ms: u64,
    /// Views that timed out in a row before it.
    pub failed_views: u32,
    /// The timer of consensus that runs out first.
    #[serde(default)]
    pub next_timer: Option<NextTimer>,
    /// Synchronization.
    pub sync: SyncView,
    /// The validators whose votes are awaited and do not come.
    pub missing: Vec<Attendance>,
    /// Voting power of the validators that are not missing.
    #[serde(with = "super::common::Decimal")]
    pub power_present: u64,
    /// Voting power that decides.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
    /// Voting power that is short of a quorum.
    #[serde(with = "super::common::Decimal")]
    pub power_short: u64,
    /// Nodes that were refused within the last minute, by either side, and are not connected.
    pub refused: Vec<RefusedPeer>,
    /// The parts of the node.
    pub stages: Vec<StageView>,
}
