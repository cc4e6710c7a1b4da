//! The first step of a run: where the last one left off.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::action::EntryReason;
use crate::event::Now;
use crate::message::{Message, Proposal};
use crate::outbox::Outbox;
use crate::replica::Replica;

impl Replica {
    /// Enters the view of the highest certificate and sends the last messages of it again, identical:
    /// nothing at or below the marks is signed anew.
    pub(crate) fn on_started(&mut self, now: Now, out: &mut Outbox) {
        self.enter_view(now, EntryReason::Start, out);
        self.repeat_proposal(out);
        let view = self.pacemaker.view();
        let Some(state) = self.safety.as_ref().and_then(|safety| safety.state()).cloned() else {
            return;
        };
        if let Some(vote) = state.last_prepare.filter(|vote| vote.view == view) {
            self.prepare_votes.insert(vote.clone());
            out.broadcast(Message::PrepareVote(vote));
        }
        let root_view = self.tree.root().view;
        if let Some((vote, qc)) = state.last_commit.filter(|(vote, _)| vote.view > root_view) {
            self.commit_votes.insert(vote.clone());
            out.broadcast(Message::CommitVote { vote, qc });
        }
        if let Some(timeout) = state.last_timeout.filter(|timeout| timeout.view == view) {
            self.timeouts.insert(&timeout);
            self.repeat_timeout(now, out);
        }
    }

    /// The own proposal of the current view, put together again from the stored block.
    fn repeat_proposal(&mut self, out: &mut Outbox) {
        let view = self.pacemaker.view();
        let proposed = self.safety.as_ref().and_then(|safety| safety.proposed_block());
        let Some((_, hash, signature)) = proposed.filter(|(of, _, _)| *of == view) else {
            return;
        };
        let Some(node) = self.tree.get(&hash) else {
            return;
        };
        let qc = node.qc.clone();
        let tc = self.known.high_tc().filter(|_| qc.view.next() != view).cloned();
        let block = Arc::unwrap_or_clone(Arc::clone(&node.block));
        self.proposals.accept(hash, tc.clone());
        out.broadcast(Message::Proposal(Box::new(Proposal { block, qc, tc, signature })));
    }
}
