//! R5 and "durable before sent": the last messages of the own are sent again, identical, until they
//! have done their work: on a timer, and after a restart.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::certificate::QuorumCert;
use crate::event::Now;
use crate::message::{CommitVote, Message, PrepareVote, Proposal, Timeout};
use crate::outbox::Outbox;
use crate::replica::Replica;
use crate::safety_state::SafetyState;

impl Replica {
    /// Whether any of the last messages has not led to a certificate that everybody has.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.unfinished_prepare().is_some()
            || self.unfinished_commit().is_some()
            || self.unfinished_timeout().is_some()
            || self.unfinished_proposal().is_some()
    }

    /// Sends them again.
    pub(crate) fn repeat(&mut self, now: Now, out: &mut Outbox) {
        self.pacemaker.on_repeated(&self.config, now.mono);
        let proposal = self.unfinished_proposal().map(|p| Message::Proposal(Box::new(p)));
        let prepare = self.unfinished_prepare().cloned().map(Message::PrepareVote);
        let commit = self.unfinished_commit().cloned();
        let commit = commit.map(|(vote, qc)| Message::CommitVote { vote, qc });
        let timeout = self.unfinished_timeout().cloned().map(|t| Message::Timeout(Box::new(t)));
        for message in [proposal, prepare, commit, timeout].into_iter().flatten() {
            out.broadcast(message);
        }
    }

    fn signed(&self) -> Option<&SafetyState> {
        self.safety.as_ref().and_then(|safety| safety.state())
    }

    /// The prepare vote of the current view: there is no QC yet.
    pub(crate) fn unfinished_prepare(&self) -> Option<&PrepareVote> {
        let vote = self.signed()?.last_prepare.as_ref()?;
        (vote.view == self.pacemaker.view()).then_some(vote)
    }

    /// The last commit vote, with its QC, while its block is not final here.
    pub(crate) fn unfinished_commit(&self) -> Option<&(CommitVote, QuorumCert)> {
        let vote = self.signed()?.last_commit.as_ref()?;
        (vote.0.view > self.tree.root().view).then_some(vote)
    }

    /// The timeout of the current view.
    pub(crate) fn unfinished_timeout(&self) -> Option<&Timeout> {
        let timeout = self.signed()?.last_timeout.as_ref()?;
        (timeout.view == self.pacemaker.view()).then_some(timeout)
    }

    /// The proposal of the current view, put together again from the stored block.
    pub(crate) fn unfinished_proposal(&self) -> Option<Proposal> {
        let view = self.pacemaker.view();
        let mark = self.signed()?.last_proposal.as_ref().filter(|mark| mark.view == view)?;
        let node = self.tree.get(&mark.block)?;
        let qc = node.qc.clone();
        let tc = self.known.high_tc().filter(|_| qc.view.next() != view).cloned();
        let block = Arc::unwrap_or_clone(Arc::clone(&node.block));
        Some(Proposal { block, qc, tc, signature: mark.signature })
    }
}
