//! R0: certificates first, then the message itself.

use alloc::boxed::Box;

use logothete_primitives::ValidatorIndex;

use crate::action::Action;
use crate::certificate::Certificate;
use crate::event::Now;
use crate::evidence::Equivocation;
use crate::message::Message;
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;

impl Replica {
    /// Takes a verified message.
    pub(crate) fn on_message(&mut self, now: Now, message: Message, out: &mut Outbox) {
        self.learn_all(&message);
        self.try_enter_view(now, out);
        if message.author().is_some() && message.author() == self.index() {
            // Everything of its own is counted when it is signed.
            return;
        }
        match message {
            Message::Proposal(proposal) => self.on_proposal(now, *proposal, out),
            Message::PrepareVote(vote) => self.on_prepare_vote(now, vote, out),
            Message::CommitVote { vote, .. } => self.on_commit_vote(now, vote, out),
            Message::Timeout(timeout) => self.on_timeout(now, &timeout, out),
            Message::Certificate(_) => {}
            Message::StatementRequest(request) => self.on_statement_request(now, &request, out),
            Message::Statement(statement) => self.on_statement(&statement, out),
        }
    }

    fn learn_all(&mut self, message: &Message) {
        match message {
            Message::Proposal(proposal) => {
                self.learn_quorum(&proposal.qc);
                proposal.tc.iter().for_each(|tc| self.learn_timeout(tc));
            }
            Message::CommitVote { qc, .. } => self.learn_quorum(qc),
            Message::Timeout(timeout) => {
                self.learn_quorum(&timeout.high_qc);
                timeout.entry.iter().for_each(|entry| self.learn(entry));
            }
            Message::Certificate(certificate) => self.learn(certificate),
            Message::Statement(statement) => {
                statement.entry.iter().for_each(|entry| self.learn(entry));
            }
            Message::PrepareVote(_) | Message::StatementRequest(_) => {}
        }
    }

    /// Somebody speaks of a view that is over: what closed it brings them here. At most once per
    /// peer and view, and again only after the resend interval.
    pub(crate) fn answer_old(&mut self, now: Now, to: ValidatorIndex, out: &mut Outbox) {
        let view = self.pacemaker.view();
        let every = self.config.resend_interval;
        let recent = self
            .answered
            .get(&to)
            .is_some_and(|(answered, at)| *answered == view && now.mono < at.saturating_add(every));
        if recent || self.safety.is_none() {
            return;
        }
        self.answered.insert(to, (view, now.mono));
        let entry = self.known.entry();
        let commit = self.known.high_cc().cloned().map(Certificate::Commit);
        let commit = commit.filter(|commit| Some(commit) != entry.as_ref());
        for certificate in entry.into_iter().chain(commit) {
            out.send(to, Message::Certificate(Box::new(certificate)));
        }
    }

    /// R8: keeps evidence, and refuses the second message.
    pub(crate) fn on_equivocation(&mut self, evidence: Equivocation, out: &mut Outbox) {
        let (signer, view) = (evidence.signer(), evidence.view());
        if self.evidence.insert(&evidence) {
            out.push(Action::Evidence(Box::new(evidence)));
        }
        out.reject(Some(signer), Rejection::Equivocation { signer, view });
    }
}
