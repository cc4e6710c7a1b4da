//! What is wrong, found in what the node measures, the most decisive first.
//!
//! Whatever it is, it is said with the name of who it comes from and with what to do. A node that refuses
//! or skips something elsewhere counts it; here it is told.

mod own;
mod peers;
mod votes;

use std::time::Duration;

use logothete_client::rpc::types::{
    Culprit, CulpritKind, Effect, Obstacle, StageView, SyncView, Trouble,
};
use logothete_consensus::Status;
use logothete_ledger::mempool::MempoolStats;
use logothete_primitives::{Power, ValidatorIndex, ValidatorSet};

use super::attendance::Roll;
use crate::absent::Refusal;
use crate::mempool::Expiries;

/// Views that may time out in a row before the chain counts as standing still.
const FAILED_VIEWS_MAX: u32 = 3;

/// All that is looked at.
pub(super) struct Scene<'a> {
    pub(super) set: &'a ValidatorSet,
    pub(super) status: &'a Status,
    pub(super) roll: &'a Roll,
    pub(super) sync: &'a SyncView,
    /// Whether the node is behind the tip.
    pub(super) behind: bool,
    /// Whether anybody is connected.
    pub(super) connected: bool,
    /// Who was refused lately and is not connected.
    pub(super) refusals: &'a [Refusal],
    /// By validator: by how many milliseconds its clock is ahead of ours.
    pub(super) clock_ahead_ms: &'a [Option<i64>],
    /// How far the time of a proposal may be from the clock of who votes for it.
    pub(super) clock_drift_ms_max: u64,
    /// Connected validators that are far behind, and by how many blocks.
    pub(super) lagging: &'a [(ValidatorIndex, u64)],
    pub(super) stages: &'a [StageView],
    /// The median of the last minute's syncs of the safety state.
    pub(super) sync_took: Option<Duration>,
    /// Bytes that the disk has left.
    pub(super) disk_free: Option<u64>,
    pub(super) mempool: &'a MempoolStats,
    /// What expired in the mempool in the last minute.
    pub(super) expired: &'a Expiries,
}

impl Scene<'_> {
    /// What is wrong. Of equal effect, causes come before what they cause.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let found = [
            self.other_network(),
            self.clocks(),
            self.stuck(),
            self.slow_disk(),
            self.absence(),
            self.failing_views(),
            self.learning(),
            self.nobody(),
            self.catching_up(),
            self.nearly_full_disk(),
            self.laggards(),
            self.full_mempool(),
            self.expiries(),
        ];
        let mut found: Vec<Trouble> = found.into_iter().flatten().collect();
        found.sort_by_key(|trouble| trouble.effect);
        found
    }

    /// Whether the chain stands still, as seen from here.
    fn is_stalled(&self) -> bool {
        self.roll.power_present < self.set.quorum() || self.views_fail()
    }

    /// Whether views fail although a quorum is there.
    fn views_fail(&self) -> bool {
        self.status.failed_views >= FAILED_VIEWS_MAX
    }

    /// Whether so much power is more than that of all others.
    fn is_majority(&self, power: Power) -> bool {
        power > self.set.total_power() / 2
    }

    fn name(&self, index: ValidatorIndex) -> String {
        self.set.get(index).map_or_else(|| index.to_string(), |member| member.name.to_string())
    }

    fn validator(&self, index: ValidatorIndex, detail: String) -> Culprit {
        Culprit { kind: CulpritKind::Validator, name: self.name(index), detail }
    }

    /// This node, by its name where it has one.
    fn this_node(&self, detail: String) -> Culprit {
        let own = self.status.index.map(|index| self.name(index));
        let name = own.unwrap_or_else(|| "this node".to_owned());
        Culprit { kind: CulpritKind::ThisNode, name, detail }
    }
}

/// Names as a list for people.
fn names(culprits: &[Culprit]) -> String {
    let names: Vec<&str> = culprits.iter().map(|culprit| culprit.name.as_str()).collect();
    names.join(", ")
}

fn degraded(
    obstacle: Obstacle,
    culprits: Vec<Culprit>,
    (summary, advice): (String, &str),
) -> Trouble {
    Trouble { obstacle, effect: Effect::Degraded, summary, culprits, advice: advice.to_owned() }
}

#[cfg(test)]
mod tests;
