//! Time has passed.

use crate::event::Now;
use crate::outbox::Outbox;
use crate::replica::Replica;

impl Replica {
    /// R5, R7: whatever is due now; what is not stays for the next deadline. Fetches and questions
    /// are looked after at the end of every step.
    pub(crate) fn on_tick(&mut self, now: Now, out: &mut Outbox) {
        self.expire_idle(now, out);
        let forget = self.config.resend_interval.saturating_mul(10);
        self.amnesiacs.retain(|_, last| now.mono.saturating_sub(*last) <= forget);
        if self.has_unfinished() && now.mono >= self.pacemaker.repeat_deadline() {
            self.repeat(now, out);
        }
        let deadline = self.pacemaker.deadline(&self.config).filter(|_| self.is_active());
        if deadline.is_some_and(|deadline| now.mono >= deadline) {
            self.give_up_view(now, out);
        }
    }
}
