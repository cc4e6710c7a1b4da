//! R0, R5, R6, R7: entering views by certificates, and leaving them by timeouts.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::action::{Action, EntryReason};
use crate::certificate::{Certificate, CommitCert, QuorumCert, TimeoutCert};
use crate::event::Now;
use crate::message::Message;
use crate::outbox::Outbox;
use crate::replica::{PassOn, Replica};

impl Replica {
    /// R0: takes note of a verified certificate, before the message that carries it is handled.
    pub(crate) fn learn(&mut self, certificate: &Certificate) {
        match certificate {
            Certificate::Quorum(qc) => self.learn_quorum(qc),
            Certificate::Timeout(tc) => self.learn_timeout(tc),
            Certificate::Commit(cc) => {
                self.learn_commit(cc);
            }
        }
    }

    pub(crate) fn learn_quorum(&mut self, qc: &QuorumCert) {
        self.known.raise_qc(qc);
    }

    pub(crate) fn learn_timeout(&mut self, tc: &TimeoutCert) {
        self.known.raise_tc(tc);
        self.known.raise_qc(&tc.high_qc);
    }

    /// R7: a CC resets the timeout. Whether it is higher than the one before.
    pub(crate) fn learn_commit(&mut self, cc: &CommitCert) -> bool {
        let higher = self.known.raise_cc(cc);
        if higher {
            self.pacemaker.on_commit();
        }
        higher
    }

    /// R0: the current view is one more than that of the highest certificate.
    pub(crate) fn try_enter_view(&mut self, now: Now, out: &mut Outbox) -> bool {
        let (view, reason) = (self.known.view(), self.known.reason());
        if view == self.pacemaker.view() {
            return false;
        }
        self.enter_view(now, reason, out);
        if reason == EntryReason::Qc {
            self.pass_on = PassOn::Quorum;
        }
        true
    }

    /// Begins the view that the certificates say is current.
    pub(crate) fn enter_view(&mut self, now: Now, reason: EntryReason, out: &mut Outbox) {
        let view = self.known.view();
        let waited = self.pacemaker.enter(&self.config, view, reason, now.mono);
        self.prepare_votes.prune_below(view);
        self.timeouts.reset(view);
        self.proposals.clear();
        self.building = None;
        let high_qc = self.known.high_qc().clone();
        let leader = self.leader_on(view, &high_qc);
        out.push(Action::EnteredView { view, leader, reason, waited });
    }

    /// R5: gives up the current view, once.
    pub(crate) fn give_up_view(&mut self, now: Now, out: &mut Outbox) -> bool {
        let Some(safety) = self.safety.as_mut() else {
            return false;
        };
        let Ok(timeout) = safety.sign_timeout(&self.known) else {
            return false;
        };
        self.pacemaker.on_timeout_sent(&self.config, now.mono);
        self.building = None;
        self.timeouts.insert(&timeout);
        out.broadcast(Message::Timeout(Box::new(timeout)));
        true
    }

    /// R6: f + 1 by power have given up the current view, so an honest one has.
    pub(crate) fn try_amplify(&mut self, now: Now, out: &mut Outbox) -> bool {
        let validators = &self.ctx.validators;
        self.timeouts.power(validators) >= validators.amplify() && self.give_up_view(now, out)
    }

    /// R6: a quorum of timeouts is a TC.
    pub(crate) fn try_timeout_cert(&mut self) -> bool {
        let validators = Arc::clone(&self.ctx.validators);
        let view = self.pacemaker.view();
        if self.known.high_tc().is_some_and(|tc| tc.view >= view) {
            return false;
        }
        let Some(tc) = self.timeouts.certificate(self.ctx.epoch(), &validators) else {
            return false;
        };
        self.learn_timeout(&tc);
        self.pass_on = PassOn::Timeout;
        true
    }

    /// R3: passes on what advances the others: a QC to all, unless the commit vote carries it; a TC
    /// assembled here to the next leader, who needs it first. Everybody else has it from there.
    pub(crate) fn pass_on(&mut self, out: &mut Outbox) {
        let pass_on = core::mem::replace(&mut self.pass_on, PassOn::Nothing);
        if self.safety.is_none() {
            return;
        }
        let view = self.pacemaker.view();
        let high_qc = self.known.high_qc().clone();
        match pass_on {
            PassOn::Quorum if high_qc.view.next() == view => {
                let certificate = Certificate::Quorum(high_qc);
                self.broadcast(Message::Certificate(Box::new(certificate)), out);
            }
            PassOn::Timeout => {
                let Some(entry @ Certificate::Timeout(_)) = self.known.entry() else {
                    return;
                };
                let message = Message::Certificate(Box::new(entry));
                match self.leader_on(view, &high_qc) {
                    Some(leader) if Some(leader) == self.index() => {}
                    Some(leader) => out.send(leader, message),
                    None => self.broadcast(message, out),
                }
            }
            PassOn::Quorum | PassOn::Nothing => {}
        }
    }
}
