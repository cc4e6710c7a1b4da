//! `node_why`: what is in the way, and what to do about it.

use logothete_client::rpc::types::{NodeWhy, Obstacle, StageView, SyncState, SyncView};

use super::NodeApi;
use super::attendance::{Roll, learning};
use super::health::Health;
use super::node::{fine, millis, mode};

/// Views that may time out in a row before the chain counts as standing still.
const FAILED_VIEWS_MAX: u32 = 3;

/// What keeps a node from being healthy.
pub(super) struct Trouble {
    pub(super) obstacle: Obstacle,
    /// One sentence: what is waited for.
    pub(super) summary: String,
}

impl NodeApi {
    pub(super) fn describe_trouble(&self) -> NodeWhy {
        let (service, set) = (self.service(), self.validators());
        let (lookup, status, roll) = (self.lookup(), self.consensus_status(), self.roll());
        let sync = self.describe_sync(lookup.head());
        let trouble = self.trouble(&sync, &roll);
        let stage = |check: super::Check| StageView {
            name: check.name.to_owned(),
            ok: check.ok,
            detail: check.detail,
        };
        let stamped = lookup.head().timestamp.get();
        NodeWhy {
            healthy: trouble.is_none(),
            obstacle: trouble.as_ref().map(|trouble| trouble.obstacle),
            advice: advice(trouble.as_ref().map(|trouble| trouble.obstacle)).to_owned(),
            summary: trouble.map_or_else(|| fine(mode(&status)), |trouble| trouble.summary),
            at: lookup.anchor(),
            head_age_ms: service.clock.unix_ms().saturating_sub(stamped),
            view: status.view,
            view_age_ms: millis(service.metrics.consensus.view_age()),
            failed_views: status.failed_views,
            sync,
            missing: roll.members.into_iter().filter(|member| member.missing).collect(),
            power_present: roll.power_present,
            quorum: set.quorum(),
            stages: self.live().into_iter().map(stage).collect(),
        }
    }

    /// What keeps the node from being healthy.
    pub(super) fn trouble(&self, sync: &SyncView, roll: &Roll) -> Option<Trouble> {
        let (set, status) = (self.validators(), self.consensus_status());
        let trouble = |obstacle, summary| Some(Trouble { obstacle, summary });
        if roll.power_present < set.quorum() {
            let summary = format!(
                "the chain stands still in view {}: missing {}; power {} of {} is present, {} decides",
                status.view,
                roll.missing().join(", "),
                roll.power_present,
                set.total_power(),
                set.quorum()
            );
            return trouble(Obstacle::NoQuorum, summary);
        }
        if let Some(waits) = learning(set, &status) {
            return trouble(Obstacle::Learning, waits);
        }
        if status.failed_views >= FAILED_VIEWS_MAX {
            let summary = format!(
                "a quorum is present, but {} views in a row timed out, the last is {}",
                status.failed_views, status.view
            );
            return trouble(Obstacle::ViewsTimeOut, summary);
        }
        if sync.state == SyncState::NoPeers {
            return trouble(Obstacle::NoPeers, "no peers: nobody to follow".to_owned());
        }
        if self.is_behind(sync) {
            let summary = format!("catching up: {} blocks behind", sync.lag);
            return trouble(Obstacle::CatchingUp, summary);
        }
        None
    }
}

/// What to do next.
fn advice(obstacle: Option<Obstacle>) -> &'static str {
    match obstacle {
        None => "nothing to do",
        Some(Obstacle::NoQuorum) => {
            "start the missing validators, or mend the network between them and this node"
        }
        Some(Obstacle::Learning) => {
            "wait; if it names the recovery procedure, docs/storage.md has it"
        }
        Some(Obstacle::ViewsTimeOut) => {
            "look at the round trips of node_peers and the logs of the leaders of consensus_views"
        }
        Some(Obstacle::NoPeers) => {
            "check the bootstrap addresses and that their ports are reachable"
        }
        Some(Obstacle::CatchingUp) => "wait, or read from another node meanwhile",
    }
}
