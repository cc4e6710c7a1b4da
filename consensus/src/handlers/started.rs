//! The first step of a run: where the last one left off.

use crate::action::EntryReason;
use crate::event::Now;
use crate::outbox::Outbox;
use crate::replica::Replica;

impl Replica {
    /// Enters the view of the highest certificate and sends the last messages of it again, identical:
    /// nothing at or below the marks is signed anew.
    pub(crate) fn on_started(&mut self, now: Now, out: &mut Outbox) {
        self.enter_view(now, EntryReason::Start, out);
        if let Some(proposal) = self.unfinished_proposal() {
            self.proposals.accept(proposal.block.hash(), proposal.tc);
        }
        if let Some(vote) = self.unfinished_prepare().cloned() {
            self.prepare_votes.insert(vote);
        }
        if let Some((vote, _)) = self.unfinished_commit().cloned() {
            self.commit_votes.insert(vote);
        }
        if let Some(timeout) = self.unfinished_timeout().cloned() {
            self.timeouts.insert(&timeout);
            self.pacemaker.on_timeout_sent(&self.config, now.mono);
        }
        self.repeat(now, out);
    }
}
