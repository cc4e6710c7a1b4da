//! `node_status`, `node_peers`, `consensus_state`, and the probes.

use std::time::Duration;

use logothete_client::rpc::types::{
    Anchor, ConsensusState, Mode, NodePeers, NodeStatus, Percentiles, Role, SyncState, SyncView,
    VoteSlot,
};
use logothete_consensus as consensus;
use logothete_p2p as p2p;
use logothete_primitives::{TimestampMs, ValidatorIndex};

use super::attendance::{Reach, Roll, Sight, learning};
use super::health::{Check, Health};
use super::refusal::milliseconds;
use super::validators::count;
use super::why::{is_healthy, sentence};
use super::{NodeApi, peers, views};
use crate::head::Head;

/// Blocks by which a node may be behind and still count as following the tip.
const LAG_MAX: u64 = 5;
/// A head as young as this is at the tip, however many blocks are made in that time.
const FRESH: Duration = Duration::from_secs(3);
/// How long a stage may be busy with one piece of work before the process counts as dead.
const STUCK_MAX: Duration = Duration::from_secs(20);

impl NodeApi {
    pub(super) fn describe_node(&self) -> NodeStatus {
        let (service, set) = (self.service(), self.validators());
        let (head, status, roll) = (service.head(), self.consensus_status(), self.roll());
        let sync = self.describe_sync(&head);
        let own = status.index.and_then(|index| set.get(index));
        let troubles = self.troubles(&sync, &roll);
        NodeStatus {
            name: own.map(|member| member.name.to_string()),
            key: service.network.local(),
            role: if own.is_some() { Role::Validator } else { Role::Follower },
            mode: mode(&status),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: TimestampMs::new(service.started_ms),
            pid: std::process::id(),
            height: head.height,
            block: head.hash,
            timestamp: head.timestamp,
            executed: views::executed_view(&head.executed),
            view: status.view,
            peers: count(service.network.peers().len()),
            mempool: count(service.mempool.stats().count),
            finality_ms: service
                .metrics
                .pipeline
                .recent()
                .percentiles()
                .map(|(p50, p99)| Percentiles { p50: milliseconds(p50), p99: milliseconds(p99) }),
            healthy: is_healthy(&troubles),
            summary: sentence(&status, &troubles),
            sync,
            validators: roll.members,
            power_present: roll.power_present,
            quorum: set.quorum(),
        }
    }

    pub(super) fn describe_peers(&self) -> NodePeers {
        NodePeers { items: peers::connected(self.service()) }
    }

    pub(super) fn describe_consensus(&self) -> ConsensusState {
        let (set, status) = (self.validators(), self.consensus_status());
        let slot = |index: ValidatorIndex| VoteSlot {
            validator: views::validator_ref(set, index),
            power: set.power(index),
            prepare: status.prepare_votes.contains(index),
            commit: status.commit_votes.contains(index),
            timeout: status.timeouts.contains(index),
        };
        ConsensusState {
            epoch: status.epoch,
            view: status.view,
            mode: mode(&status),
            leader: status.leader.map(|index| views::validator_ref(set, index)),
            high_qc_view: status.high_qc_view,
            committed: Anchor { height: status.committed_height, hash: status.committed_hash },
            view_age_ms: millis(self.service().metrics.consensus.view_age()),
            waits_for: learning(set, &status),
            votes: set.iter().map(|(index, _)| slot(index)).collect(),
            quorum: set.quorum(),
        }
    }

    pub(super) fn consensus_status(&self) -> std::sync::Arc<consensus::Status> {
        self.service().consensus.borrow().clone()
    }

    pub(super) fn roll(&self) -> Roll {
        let service = self.service();
        let votes = service.votes.borrow().clone();
        Roll::take(&Sight {
            set: self.validators(),
            status: &self.consensus_status(),
            votes: &votes,
            reach: &|index| self.reach(index),
            now_ms: service.clock.unix_ms(),
            started_ms: service.started_ms,
            idle: Duration::from_millis(service.spec.params.empty_block_interval_ms),
        })
    }

    /// What the network says of a validator.
    fn reach(&self, index: ValidatorIndex) -> Reach {
        let service = self.service();
        let Some(member) = self.validators().get(index) else { return Reach::Never };
        if let Some(peer) = service.network.peers().iter().find(|peer| peer.key == member.key) {
            return Reach::Connected { silent: peer.last_heard };
        }
        if self
            .refusals()
            .iter()
            .any(|refusal| refusal.key == Some(member.key) && refusal.reason.is_lasting())
        {
            return Reach::Refused;
        }
        match service.absent.departure(&member.key) {
            Some(p2p::DisconnectReason::Unresponsive) => Reach::Unreachable,
            Some(_) => Reach::Gone,
            None => Reach::Never,
        }
    }

    /// How many blocks this node has yet to catch up with, if it is not at the tip.
    pub(super) fn blocks_behind(&self) -> Option<u64> {
        let sync = self.describe_sync(&self.service().head());
        self.is_behind(&sync).then_some(sync.lag)
    }

    pub(super) fn describe_sync(&self, head: &Head) -> SyncView {
        let service = self.service();
        let sync = *service.sync.borrow();
        let committed = service.consensus.borrow().committed_height;
        let target = sync.target.max(committed).max(head.height);
        let lag = target.since(head.height);
        let alone = service.network.peers().is_empty() && self.validators().len() > 1;
        let state = if sync.active {
            SyncState::Fetching
        } else if alone {
            SyncState::NoPeers
        } else {
            SyncState::Following
        };
        SyncView { state, target_height: target, lag }
    }

    pub(super) fn is_behind(&self, sync: &SyncView) -> bool {
        is_far(sync.lag) && self.is_old(self.service().head().timestamp)
    }

    pub(super) fn is_old(&self, timestamp: TimestampMs) -> bool {
        let age = self.service().clock.unix_ms().saturating_sub(timestamp.get());
        Duration::from_millis(age) > FRESH
    }
}

impl Health for NodeApi {
    fn live(&self) -> Vec<Check> {
        let pulses = self.service().supervisor.pulses();
        let check = |pulse: &std::sync::Arc<crate::supervise::Pulse>| {
            let stuck = pulse.stuck().unwrap_or_default();
            let detail =
                format!("{} pieces of work, busy for {} ms", pulse.beats(), stuck.as_millis());
            Check::new(pulse.stage(), stuck <= STUCK_MAX, detail)
        };
        pulses.iter().map(check).collect()
    }

    fn ready(&self) -> Vec<Check> {
        let (service, set) = (self.service(), self.validators());
        let (head, roll) = (service.head(), self.roll());
        let sync = self.describe_sync(&head);
        let mempool = service.mempool.stats();
        let stopping = service.stop.is_cancelled();
        let missing = roll.missing();
        let quorum = if missing.is_empty() {
            "all validators vote".to_owned()
        } else {
            format!("missing {}", missing.join(", "))
        };
        let sync_ok = !self.is_behind(&sync) && sync.state != SyncState::NoPeers;
        let room = mempool.count < mempool.count_max && mempool.bytes < mempool.bytes_max;
        vec![
            Check::new("running", !stopping, if stopping { "stopping" } else { "not stopping" }),
            Check::new("sync", sync_ok, format!("height {}, {} behind", head.height, sync.lag)),
            Check::new("quorum", roll.power_present >= set.quorum(), quorum),
            Check::new("mempool", room, format!("{} transactions wait", mempool.count)),
        ]
    }
}

/// Whether so many blocks are more than the unavoidable few.
pub(super) const fn is_far(blocks: u64) -> bool {
    blocks > LAG_MAX
}

/// What a node does that nothing keeps from it.
pub(super) fn fine(mode: Mode) -> String {
    match mode {
        Mode::Active => "voting".to_owned(),
        Mode::Learner | Mode::Follower => "following the tip".to_owned(),
    }
}

pub(super) fn mode(status: &consensus::Status) -> Mode {
    match status.mode {
        consensus::Mode::Active => Mode::Active,
        consensus::Mode::Learner { .. } => Mode::Learner,
        consensus::Mode::Follower => Mode::Follower,
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
