//! What the chain says of the validators: their part in recent blocks, and what came of each view.

use logothete_primitives::{BlockHash, Height, TimestampMs, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Anchor, ValidatorRef};

/// The blocks to count over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UptimeGet {
    /// How many blocks, at most 1,000; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u32>,
    /// The last of them; the latest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Height>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// The part of the validators in some blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidatorsUptime {
    /// The last block that was counted.
    pub at: Anchor,
    /// The first.
    pub first_height: Height,
    /// How many blocks were counted.
    pub blocks: u32,
    /// How many views these blocks took: those that passed without a block count too.
    #[serde(with = "super::common::Decimal")]
    pub views: u64,
    /// The validators, in the order of the set.
    pub items: Vec<Uptime>,
}

/// The part of a validator in some blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uptime {
    /// The validator.
    pub validator: ValidatorRef,
    /// Its voting power.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// Blocks it proposed.
    pub proposed: u32,
    /// Blocks whose certificate has its signature.
    pub signed: u32,
    /// Blocks whose certificate does without it: it was away, or a quorum was faster.
    pub missed: u32,
    /// The last block it proposed, of those counted.
    #[serde(default)]
    pub last_proposed: Option<Height>,
    /// The last block whose certificate has its signature, of those counted.
    #[serde(default)]
    pub last_signed: Option<Height>,
}

/// A view and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewRecord {
    /// The view.
    pub view: View,
    /// Who led it, on this chain where it is decided.
    pub leader: ValidatorRef,
    /// What came of it on the chain.
    pub outcome: ViewOutcome,
    /// The block it brought; absent when it passed without one or is not decided.
    #[serde(default)]
    pub block: Option<ViewBlock>,
    /// How this node lived it: the last 200 views since its start.
    #[serde(default)]
    pub seen: Option<ViewSeen>,
}

/// What came of a view on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewOutcome {
    /// It brought a block that is final.
    Block,
    /// It passed without one.
    Passed,
    /// It is above the latest final block: nobody knows yet.
    Open,
}

/// What a view was left by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewEnd {
    /// A quorum of prepare votes: its block was certified.
    Votes,
    /// A quorum of timeouts.
    Timeouts,
    /// A final block of this or a later view, from others.
    FinalBlock,
}

/// A view as a node lived it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewSeen {
    /// When the node entered it.
    pub entered_at: TimestampMs,
    /// How long a view without progress lasted then, in milliseconds (rule R7). A leader with nothing to order may
    /// take the time between empty blocks besides.
    #[serde(with = "super::common::Decimal")]
    pub timer_ms: u64,
    /// What it was left by; absent while it lasts.
    #[serde(default)]
    pub ended: Option<ViewEnd>,
    /// After how many milliseconds it was left.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::common::DecimalOption"
    )]
    pub lasted_ms: Option<u64>,
    /// What came from each validator, in the order of the set, and when.
    pub votes: Vec<SeenVotes>,
}

/// After how many milliseconds in the view the messages of a validator arrived here; those that did not are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenVotes {
    /// Its prepare vote (rule R2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare_ms: Option<u32>,
    /// Its commit vote (rule R3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_ms: Option<u32>,
    /// Its timeout (rule R5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
}

/// The block a view brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewBlock {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Its time.
    pub timestamp: TimestampMs,
}
