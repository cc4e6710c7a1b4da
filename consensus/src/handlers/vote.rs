//! Votes arrive.

use logothete_primitives::View;

use crate::event::Now;
use crate::evidence::Equivocation;
use crate::message::{CommitVote, PrepareVote};
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;
use crate::vote_collector::Inserted;

/// R8: how far ahead of the current view prepare votes are kept.
pub(crate) const VIEWS_AHEAD: u64 = 2;
/// R8: for how many views commit votes are kept; each of them has a QC.
pub(crate) const COMMIT_VIEWS: usize = 16;
/// Votes for a view that ended this long ago show that the voter is left behind.
const VIEWS_BEHIND: u64 = 3;

impl Replica {
    /// R8: keeps the first prepare vote of each author for the current view and two ahead.
    pub(crate) fn on_prepare_vote(&mut self, now: Now, vote: PrepareVote, out: &mut Outbox) {
        let (view, current, from) = (vote.view, self.pacemaker.view(), vote.signer);
        if view < current {
            out.stale(Some(from), view, current);
            if current.since(view) >= VIEWS_BEHIND {
                self.answer_old(now, from, out);
            }
            return;
        }
        if view.since(current) > VIEWS_AHEAD {
            out.reject(Some(from), Rejection::TooFarAhead { view, current });
            return;
        }
        if let Inserted::Conflict(first) = self.prepare_votes.insert(vote.clone()) {
            self.on_equivocation(Equivocation::PrepareVote { first, second: vote }, out);
        }
    }

    /// R4, R8: keeps the first commit vote of each author for views from the highest CC on. Its QC
    /// has brought this replica past its view, so it is never ahead and never forged in bulk.
    pub(crate) fn on_commit_vote(&mut self, now: Now, vote: CommitVote, out: &mut Outbox) {
        let (view, current, from) = (vote.view, self.pacemaker.view(), vote.signer);
        if current.since(view) > VIEWS_BEHIND {
            self.answer_old(now, from, out);
        }
        let is_final = |than: View| self.known.high_cc().is_some_and(|cc| than < cc.view);
        if is_final(view) {
            return;
        }
        match self.commit_votes.insert(vote.clone()) {
            Inserted::New => {}
            // Said again, though the block is final here: the voter has missed that.
            Inserted::Known if is_final(view.minus(1)) => self.answer_old(now, from, out),
            Inserted::Known => {}
            Inserted::Conflict(first) => {
                self.on_equivocation(Equivocation::CommitVote { first, second: vote }, out);
            }
        }
        self.commit_votes.keep_highest(COMMIT_VIEWS);
    }
}
