//! `node_why`: what is in the way, and what to do about it.

use std::time::Duration;

use logothete_client::rpc::types::{
    Effect, NextTimer, NodeWhy, RefusedPeer, StageView, SyncView, TimerKind, Trouble,
};
use logothete_consensus as consensus;
use logothete_primitives::{TimestampMs, ValidatorIndex};

use super::NodeApi;
use super::attendance::Roll;
use super::health::{Check, Health};
use super::node::{fine, is_far, millis, mode};
use super::troubles::Scene;
use crate::absent::Refusal;

/// How far back expired transactions count.
const EXPIRED_LATELY: Duration = Duration::from_secs(60);

impl NodeApi {
    pub(super) fn describe_trouble(&self) -> NodeWhy {
        let (service, set) = (self.service(), self.validators());
        let (lookup, status, roll) = (self.lookup(), self.consensus_status(), self.roll());
        let sync = self.describe_sync(lookup.head());
        let troubles = self.troubles(&sync, &roll);
        let first = troubles.first();
        let own = status.index.and_then(|index| set.get(index));
        let stamped = lookup.head().timestamp.get();
        let refused = self.refusals().into_iter().map(|refusal| self.refused_peer(refusal));
        NodeWhy {
            name: own.map(|member| member.name.to_string()),
            healthy: is_healthy(&troubles),
            obstacle: first.map(|trouble| trouble.obstacle),
            summary: sentence(&status, &troubles),
            advice: first.map_or("nothing to do", |trouble| &trouble.advice).to_owned(),
            at: lookup.anchor(),
            head_age_ms: service.clock.unix_ms().saturating_sub(stamped),
            view: status.view,
            view_age_ms: millis(service.metrics.consensus.view_age()),
            failed_views: status.failed_views,
            next_timer: status.next_timer.map(|timer| self.next_timer(timer)),
            power_present: roll.power_present,
            quorum: set.quorum(),
            power_short: set.quorum().saturating_sub(roll.power_present),
            refused: refused.collect(),
            stages: self.stages(),
            sync,
            missing: roll.members.into_iter().filter(|member| member.missing).collect(),
            troubles,
        }
    }

    /// What is wrong, the most decisive first.
    pub(super) fn troubles(&self, sync: &SyncView, roll: &Roll) -> Vec<Trouble> {
        let service = self.service();
        let votes = service.votes.borrow().clone();
        let syncs = service.metrics.store.recent_syncs().percentiles();
        Scene {
            set: self.validators(),
            status: &self.consensus_status(),
            roll,
            sync,
            behind: self.is_behind(sync),
            connected: !service.network.peers().is_empty(),
            refusals: &self.refusals(),
            clock_ahead_ms: &votes.clock_ahead_ms,
            clock_drift_ms_max: service.spec.params.clock_drift_ms_max,
            lagging: &self.laggards(),
            stages: &self.stages(),
            sync_took: syncs.map(|(median, _)| median),
            disk_free: service.metrics.store.disk_free(),
            mempool: &service.mempool.stats(),
            expired: &service.mempool.expired_within(EXPIRED_LATELY),
        }
        .troubles()
    }

    /// Who was refused lately, but for those that were let in by another connection.
    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let service = self.service();
        let connected = service.network.peers();
        let mut refusals = service.absent.refusals(service.clock.unix_ms());
        refusals.retain(|refusal| connected.iter().all(|peer| Some(peer.key) != refusal.key));
        refusals
    }

    fn refused_peer(&self, refusal: Refusal) -> RefusedPeer {
        let set = self.validators();
        let member = refusal.key.and_then(|key| set.get(set.index_of(&key)?));
        RefusedPeer {
            name: member.map(|member| member.name.to_string()),
            key: refusal.key,
            address: refusal.address,
            reason: refusal.reason.name().to_owned(),
            detail: refusal.reason.to_string(),
            last_at: TimestampMs::new(refusal.last_ms),
            times: refusal.times,
        }
    }

    /// Connected validators that lack more than a moment's blocks.
    fn laggards(&self) -> Vec<(ValidatorIndex, u64)> {
        let (set, lookup) = (self.validators(), self.lookup());
        let peers = self.service().network.peers().into_iter();
        let behind = peers.filter_map(|peer| {
            let index = set.index_of(&peer.key)?;
            let lag = lookup.head().height.since(peer.height);
            // The block that it lacks first was made how long ago?
            let lacks = || lookup.header(peer.height.next()).ok();
            (is_far(lag) && lacks().is_some_and(|header| self.is_old(header.timestamp)))
                .then_some((index, lag))
        });
        behind.collect()
    }

    fn stages(&self) -> Vec<StageView> {
        let stage = |check: Check| StageView {
            name: check.name.to_owned(),
            ok: check.ok,
            detail: check.detail,
        };
        self.live().into_iter().map(stage).collect()
    }

    fn next_timer(&self, timer: consensus::Timer) -> NextTimer {
        let kind = match timer.kind {
            consensus::TimerKind::View => TimerKind::ViewTimeout,
            consensus::TimerKind::Repeat => TimerKind::Resend,
            consensus::TimerKind::EmptyBlock => TimerKind::EmptyBlock,
            consensus::TimerKind::Statements => TimerKind::AskStatements,
            consensus::TimerKind::Fetch => TimerKind::FetchBlocks,
        };
        NextTimer { kind, in_ms: millis(timer.at.saturating_sub(self.service().clock.now().mono)) }
    }
}

/// Whether nothing keeps the chain or this node from going on.
pub(super) fn is_healthy(troubles: &[Trouble]) -> bool {
    troubles.iter().all(|trouble| trouble.effect == Effect::Degraded)
}

/// One sentence: what the node does, and what is wrong first.
pub(super) fn sentence(status: &consensus::Status, troubles: &[Trouble]) -> String {
    match troubles.first() {
        None => fine(mode(status)),
        Some(trouble) if is_healthy(troubles) => {
            format!("{}; {}", fine(mode(status)), trouble.summary)
        }
        Some(trouble) => trouble.summary.clone(),
    }
}
