//! The chain, this node, its peers, its consensus, its mempool.

use logothete_primitives::{
    Address, Amount, BlockHash, ChainId, Digest, Epoch, Height, PublicKey, TimestampMs, View,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::block::ExecutedView;
use super::common::{Anchor, ValidatorRef};

/// The chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainInfo {
    /// Hash of the genesis file's content; every signature covers it.
    pub chain_id: ChainId,
    /// Name for people.
    pub chain_name: String,
    /// Hash of the block at height 0.
    pub genesis_block: BlockHash,
    /// Version of the rules all nodes must share.
    pub protocol_version: u32,
    /// Version of this node's program.
    pub software_version: String,
    /// Whether this is a development chain: public keys, faucet.
    pub dev: bool,
    /// The parameters of the chain.
    pub params: ChainParamsView,
    /// Number of validators.
    pub validators: u32,
    /// Their voting power together.
    #[serde(with = "super::common::Decimal")]
    pub total_power: u64,
    /// Voting power that decides.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
    /// Voting power that may fail or lie without harm.
    #[serde(with = "super::common::Decimal")]
    pub max_faulty: u64,
    /// The latest final block whose results are served.
    pub head: Anchor,
    /// Time of that block.
    pub head_timestamp: TimestampMs,
}

/// The parameters of a chain that a user needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainParamsView {
    /// The smallest fee that is accepted.
    pub min_fee: Amount,
    /// Where the fees go.
    pub fee_account: Address,
    /// Largest transaction, in bytes.
    pub max_tx_bytes: u32,
    /// Time between blocks when nothing happens, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub empty_block_interval_ms: u64,
}

/// What a node does on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It votes.
    Validator,
    /// It follows and serves reads.
    Follower,
}

/// How a node takes part in consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It votes.
    Active,
    /// A validator without its safety state: it follows until it may vote again (rule R10).
    Learner,
    /// It does not vote.
    Follower,
}

/// Where synchronization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// It follows the tip.
    Following,
    /// It fetches blocks.
    Fetching,
    /// It knows nobody to fetch from.
    NoPeers,
}

/// Synchronization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncView {
    /// Where it stands.
    pub state: SyncState,
    /// The highest final height this node has heard of.
    pub target_height: Height,
    /// Blocks between the head and the target.
    #[serde(with = "super::common::Decimal")]
    pub lag: u64,
}

/// This node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// Its name in the genesis file; absent for followers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its public key.
    pub key: PublicKey,
    /// What it does.
    pub role: Role,
    /// How it takes part in consensus.
    pub mode: Mode,
    /// Version of its program.
    pub version: String,
    /// When it was started.
    pub started_at: TimestampMs,
    /// Its process.
    pub pid: u32,
    /// Height of the latest final block.
    pub height: Height,
    /// Hash of that block.
    pub block: BlockHash,
    /// Time of that block.
    pub timestamp: TimestampMs,
    /// Results of the latest height this node executed.
    pub executed: ExecutedView,
    /// The current view.
    pub view: View,
    /// Synchronization.
    pub sync: SyncView,
    /// Peers connected now.
    pub peers: u32,
    /// Transactions waiting.
    pub mempool: u32,
    /// Time from submission to finality over the last minute, when there was any.
    #[serde(default)]
    pub finality_ms: Option<Percentiles>,
    /// True when the node follows the tip and the chain makes progress.
    pub healthy: bool,
    /// One sentence for people: what it does, or what it waits for.
    pub summary: String,
    /// Each validator, and whether its votes are missing.
    pub validators: Vec<Attendance>,
    /// Voting power of the validators that are not missing.
    #[serde(with = "super::common::Decimal")]
    pub power_present: u64,
    /// Voting power that decides.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
}

impl NodeStatus {
    /// The validators whose votes are missing.
    pub fn missing(&self) -> impl Iterator<Item = &Attendance> {
        self.validators.iter().filter(|validator| validator.missing)
    }
}

/// A distribution in two numbers, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// Half of the values are at most this.
    pub p50: u32,
    /// Of a hundred values, ninety-nine are at most this.
    pub p99: u32,
}

/// Why the votes of a validator do not come, as far as a node can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Its connection was closed and it is not back: its process ended, as far as one can see.
    Gone,
    /// Nothing comes from it, not even answers to pings: its machine is down or the network is cut.
    Unreachable,
    /// It is connected and does not vote.
    Silent,
    /// It lost its safety state and may not vote yet (rule R10).
    Learning,
    /// It is not let in, or does not let this node in: another chain, version or key.
    Refused,
    /// It was not reached since this node started.
    NeverReached,
}

impl Absence {
    /// Whether it may be that the validator runs and only the network is at fault.
    #[must_use]
    pub const fn is_of_the_network(self) -> bool {
        matches!(self, Self::Gone | Self::Unreachable | Self::NeverReached)
    }
}

/// A validator's part in the recent views, as this node saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attendance {
    /// Its position in the validator set.
    pub index: u16,
    /// Its name.
    pub name: String,
    /// Its voting power.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// The highest view in which a vote or timeout of it was seen.
    pub last_vote_view: View,
    /// When one was heard last, by the clock of the node; absent when none was since its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heard: Option<TimestampMs>,
    /// True when its votes are awaited and do not come.
    pub missing: bool,
    /// Why they do not come, when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<Absence>,
}

/// Peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodePeers {
    /// Those connected now, by key.
    pub items: Vec<PeerView>,
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerView {
    /// Its public key.
    pub key: PublicKey,
    /// Its name, when it is a validator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it does.
    pub role: Role,
    /// Where it is reached.
    pub addresses: Vec<String>,
    /// Version of its program.
    pub version: String,
    /// How long it has been connected, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub connected_ms: u64,
    /// Last measured round trip, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u32>,
    /// The height it last claimed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::common::DecimalOption"
    )]
    pub height: Option<u64>,
}

/// The validators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidatorsList {
    /// Validator-set period.
    pub epoch: Epoch,
    /// Hash of the set.
    pub set_hash: Digest,
    /// Their voting power together.
    #[serde(with = "super::common::Decimal")]
    pub total_power: u64,
    /// Voting power that decides.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
    /// Voting power that may fail or lie without harm.
    #[serde(with = "super::common::Decimal")]
    pub max_faulty: u64,
    /// The block at which the set was read.
    pub at: Anchor,
    /// The validators, in the order of the set.
    pub items: Vec<ValidatorView>,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidatorView {
    /// Its position in the set.
    pub index: u16,
    /// Its name.
    pub name: String,
    /// Its public key.
    pub key: PublicKey,
    /// Its voting power.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// Whether this node is connected to it, or is it.
    pub connected: bool,
}

/// Consensus as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsensusState {
    /// Validator-set period.
    pub epoch: Epoch,
    /// The current view.
    pub view: View,
    /// How this node takes part.
    pub mode: Mode,
    /// Who leads the current view, when the chain that decides it is at hand.
    #[serde(default)]
    pub leader: Option<ValidatorRef>,
    /// View of the highest quorum certificate known.
    pub high_qc_view: View,
    /// The latest final block.
    pub committed: Anchor,
    /// How long the current view has lasted, in milliseconds.
    #[serde(with = "super::common::Decimal")]
    pub view_age_ms: u64,
    /// What a learner waits for before it votes again (rule R10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// What each validator has sent for the current view.
    pub votes: Vec<VoteSlot>,
    /// Voting power that decides.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
}

/// What a validator has sent for the current view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoteSlot {
    /// The validator.
    pub validator: ValidatorRef,
    /// Its voting power.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// A prepare vote was seen.
    pub prepare: bool,
    /// A commit vote was seen.
    pub commit: bool,
    /// A timeout was seen.
    pub timeout: bool,
}

/// The mempool of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MempoolStats {
    /// Transactions in it.
    pub count: u32,
    /// Their bytes together.
    #[serde(with = "super::common::Decimal")]
    pub bytes: u64,
    /// Of them, those sealed in batches and not final yet.
    pub in_flight: u32,
    /// Accounts that have transactions in it.
    pub accounts: u32,
    /// Most transactions it holds.
    pub max_count: u32,
    /// Most bytes it holds.
    #[serde(with = "super::common::Decimal")]
    pub max_bytes: u64,
    /// A fee that is accepted now.
    pub min_fee: Amount,
}
