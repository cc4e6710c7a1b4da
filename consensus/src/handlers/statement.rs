//! R10: questions of validators without memory, and the answers.

use alloc::boxed::Box;

use crate::event::Now;
use crate::message::{Message, Statement, StatementRequest};
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;

impl Replica {
    /// Answers with the current view, signed over the nonce; at most once per peer and half of the
    /// resend interval, since each answer costs a signature.
    pub(crate) fn on_statement_request(
        &mut self,
        now: Now,
        request: &StatementRequest,
        out: &mut Outbox,
    ) {
        let last = self.amnesiacs.get(&request.signer).copied();
        let pause = self.config.resend_interval / 2;
        if last.is_some_and(|last| now.mono < last.saturating_add(pause)) {
            return;
        }
        self.amnesiacs.insert(request.signer, now.mono);
        let Some(safety) = self.safety.as_ref() else {
            return;
        };
        if let Ok(statement) = safety.sign_statement(request, &self.known) {
            out.send(request.signer, Message::Statement(Box::new(statement)));
        }
    }

    /// Takes an answer, if this replica has asked.
    pub(crate) fn on_statement(&mut self, statement: &Statement, out: &mut Outbox) {
        let Some(learner) = self.learner.as_mut() else {
            // Answers that come after the readmission.
            return;
        };
        if !learner.on_statement(statement, &self.ctx.validators) {
            out.reject(Some(statement.signer), Rejection::WrongNonce);
        }
    }

    /// Asks, or asks again.
    pub(crate) fn ask_statements(&mut self, now: Now, out: &mut Outbox) {
        let every = self.config.resend_interval;
        if let Some(request) = self.learner.as_mut().and_then(|l| l.ask(now.mono, every)) {
            out.broadcast(Message::StatementRequest(request));
        }
    }

    /// Signs again once there is a CC above m + 1 and a QC not below it.
    pub(crate) fn try_readmit(&mut self) -> bool {
        let above = self.learner.as_ref().and_then(|learner| learner.above());
        let (Some(above), Some(safety)) = (above, self.safety.as_mut()) else {
            return false;
        };
        if safety.readmit(above, &self.known).is_err() {
            return false;
        }
        self.learner = None;
        true
    }
}
