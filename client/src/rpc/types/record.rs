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

/// A view of the chain and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewRecord {
    /// The view.
    pub view: View,
    /// Who led it on this chain.
    pub leader: ValidatorRef,
    /// The block it brought; absent when it passed without one.
    #[serde(default)]
    pub block: Option<ViewBlock>,
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
