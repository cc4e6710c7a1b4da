//! R1: a leader asks for a payload when its view begins, and proposes once.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use logothete_primitives::{TimestampMs, View};

use crate::action::Action;
use crate::block::{Block, BlockHeader, Executed, payload_hash};
use crate::block_tree::PayloadCheck;
use crate::certificate::{QuorumCert, TimeoutCert};
use crate::event::Now;
use crate::message::Message;
use crate::outbox::Outbox;
use crate::proposals::Building;
use crate::rejection::{PayloadFault, Rejection};
use crate::replica::Replica;
use crate::safety_rules::SafetyRefusal;

impl Replica {
    /// Asks for a payload, if this replica leads the current view and has not proposed in it.
    pub(crate) fn try_build(&mut self, now: Now, out: &mut Outbox) {
        let view = self.pacemaker.view();
        let marks = self.safety.as_ref().and_then(|safety| safety.marks());
        let (Some(marks), Some(own)) = (marks, self.index()) else {
            return;
        };
        if self.building.is_some() || marks.proposed >= view || marks.timed_out >= view {
            return;
        }
        for (qc, tc) in self.justifications(view) {
            if self.leader_on(view, &qc) == Some(own) {
                let idle_expired = now.mono >= self.pacemaker.idle_deadline(&self.config);
                self.building = Some(Building { view, qc, tc, idle_expired });
                self.ask_payload(out);
                return;
            }
        }
    }

    /// What a block of `view` may stand on: QC(view − 1); or with TC(view − 1) the highest QC, or
    /// else the one in the TC, from which others compute the leader.
    fn justifications(&self, view: View) -> Vec<(QuorumCert, Option<TimeoutCert>)> {
        let high_qc = self.known.high_qc();
        if high_qc.view.next() == view {
            return [(high_qc.clone(), None)].into();
        }
        let Some(tc) = self.known.high_tc().filter(|tc| tc.view.next() == view) else {
            return Vec::new();
        };
        let mut choices = Vec::from([(high_qc.clone(), Some(tc.clone()))]);
        if tc.high_qc.view < high_qc.view {
            choices.push((tc.high_qc.clone(), Some(tc.clone())));
        }
        choices
    }

    /// Tells the driver that the idle interval is over, if it was not told.
    pub(crate) fn expire_idle(&mut self, now: Now, out: &mut Outbox) {
        let over = now.mono >= self.pacemaker.idle_deadline(&self.config);
        if let Some(building) = self.building.as_mut()
            && over
            && !building.idle_expired
        {
            building.idle_expired = true;
            self.ask_payload(out);
        }
    }

    fn ask_payload(&self, out: &mut Outbox) {
        let Some(Building { view, qc, idle_expired, .. }) = &self.building else {
            return;
        };
        let parent =
            self.tree.header(&qc.block).expect("its chain was at hand to elect the leader");
        out.push(Action::BuildPayload {
            view: *view,
            parent: qc.block,
            ancestors: self.tree.chain(&qc.block).expect("as above"),
            must_be_empty: false,
            executed_min: parent.executed.height,
            idle_expired: *idle_expired,
        });
    }

    /// Proposes what the application built, and takes the own proposal like any other.
    pub(crate) fn on_payload_built(
        &mut self,
        now: Now,
        (view, payload, executed): (View, Vec<u8>, Executed),
        out: &mut Outbox,
    ) {
        let Some(building) = self.building.clone().filter(|building| building.view == view) else {
            return;
        };
        if let Err(rejection) = self.propose(now, building, (payload, executed), out) {
            out.reject(self.index(), rejection);
        }
    }

    fn propose(
        &mut self,
        now: Now,
        building: Building,
        (payload, executed): (Vec<u8>, Executed),
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        let Building { view, qc, tc, .. } = building;
        let (Some(own), Some(parent)) = (self.index(), self.tree.header(&qc.block)) else {
            return Ok(());
        };
        let payload_id = payload_hash(&payload);
        let payload = payload.try_into().map_err(|_| PayloadFault::TooLarge)?;
        let header = BlockHeader {
            epoch: self.ctx.epoch(),
            view,
            height: qc.height.next(),
            parent: qc.block,
            parent_view: qc.view,
            timestamp: TimestampMs::new(now.unix_ms).max(parent.timestamp.next()),
            proposer: own,
            payload: payload_id,
            executed,
            next_set: None,
        };
        check_on_parent(&header, parent)?;
        let block = Block { header, payload };
        let safety = self.safety.as_mut().expect("only a validator builds");
        let proposal = match safety.sign_proposal(block, qc, tc, &self.known) {
            Ok(proposal) => proposal,
            Err(SafetyRefusal::Unjustified(rejection)) => return Err(rejection),
            Err(_) => return Ok(()),
        };
        self.building = None;
        let hash = proposal.block.hash();
        let block = Arc::new(proposal.block.clone());
        self.tree.insert(block, proposal.qc.clone(), PayloadCheck::Good);
        self.store_block(&hash, out);
        self.proposals.accept(hash, proposal.tc.clone());
        out.broadcast(Message::Proposal(Box::new(proposal)));
        Ok(())
    }
}

/// R2: what a header must satisfy against its parent's, besides what its certificates say.
pub(crate) fn check_on_parent(header: &BlockHeader, parent: &BlockHeader) -> Result<(), Rejection> {
    if header.timestamp <= parent.timestamp {
        let (got, parent) = (header.timestamp, parent.timestamp);
        return Err(Rejection::TimestampNotAfterParent { got, parent });
    }
    let (got, before) = (header.executed.height, parent.executed.height);
    if got > parent.height {
        return Err(Rejection::ExecutedAhead { got, parent: parent.height });
    }
    if got < before {
        return Err(Rejection::ExecutedBehind { got, parent: before });
    }
    if got == before && header.executed != parent.executed {
        return Err(Rejection::ExecutedContradicts { height: got });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
