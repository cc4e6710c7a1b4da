//! Why a node or its chain stands still.

use logothete_primitives::View;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Anchor;
use super::node::{Attendance, SyncView};

/// What keeps a node from being healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// The validators that vote have less power than decides.
    NoQuorum,
    /// This validator lost its safety state and may not vote yet (rule R10).
    Learning,
    /// A quorum is present, but view after view times out.
    ViewsTimeOut,
    /// There is nobody to follow.
    NoPeers,
    /// The node fetches what the others have.
    CatchingUp,
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
    /// True when nothing is in the way.
    pub healthy: bool,
    /// What is in the way, if something is.
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
    /// The parts of the node.
    pub stages: Vec<StageView>,
}
