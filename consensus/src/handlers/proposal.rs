//! A proposal arrives.

use alloc::sync::Arc;

use logothete_primitives::TimestampMs;

use crate::block_tree::PayloadCheck;
use crate::event::Now;
use crate::evidence::{Equivocation, SignedHeader};
use crate::message::Proposal;
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;
use crate::vote_collector::Inserted;

impl Replica {
    /// R1, R8: holds the first proposal of each author for the current view. Its certificates have
    /// brought this replica to its view, so none is ahead.
    pub(crate) fn on_proposal(&mut self, now: Now, proposal: Proposal, out: &mut Outbox) {
        let (header, current) = (&proposal.block.header, self.pacemaker.view());
        let (view, proposer) = (header.view, header.proposer);
        if view < current {
            self.on_late_proposal(proposal, out);
            return;
        }
        assert!(view == current, "R0: the certificates of a proposal lead into its view");
        let signed = SignedHeader { header: header.clone(), signature: proposal.signature };
        if let Err(rejection) = self.check_clock(now, header.timestamp) {
            out.reject(Some(proposer), rejection);
            return;
        }
        if let Inserted::Conflict(first) = self.proposals.insert(proposal) {
            self.on_equivocation(Equivocation::Proposal { first, second: signed }, out);
        }
    }

    /// The view went on without it. If its block was certified meanwhile, it spares the fetch.
    fn on_late_proposal(&mut self, proposal: Proposal, out: &mut Outbox) {
        let header = &proposal.block.header;
        let (view, proposer) = (header.view, header.proposer);
        if self.fetches.is_wanted(&header.hash()) {
            self.tree.insert(Arc::new(proposal.block), proposal.qc, PayloadCheck::Unasked);
        } else {
            out.stale(Some(proposer), view, self.pacemaker.view());
        }
    }

    /// R2: within the drift of the own clock, either way, when it arrives.
    fn check_clock(&self, now: Now, got: TimestampMs) -> Result<(), Rejection> {
        let (clock, drift_ms) = (TimestampMs::new(now.unix_ms), self.config.max_clock_drift_ms);
        if got.get().abs_diff(clock.get()) <= drift_ms {
            Ok(())
        } else {
            Err(Rejection::TimestampDrift { got, clock, drift_ms })
        }
    }
}
