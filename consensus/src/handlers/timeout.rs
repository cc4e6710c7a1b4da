//! A timeout arrives.

use crate::event::Now;
use crate::evidence::{Equivocation, SignedTimeout};
use crate::message::Timeout;
use crate::outbox::Outbox;
use crate::replica::Replica;
use crate::vote_collector::Inserted;

impl Replica {
    /// R6, R8: keeps the first timeout of each author for the current view. Whoever is stuck in an
    /// older one is sent what closed it; none is ahead, for its entry certificate came first (R0).
    pub(crate) fn on_timeout(&mut self, now: Now, timeout: &Timeout, out: &mut Outbox) {
        let (view, current) = (timeout.view, self.pacemaker.view());
        if view < current {
            self.answer_old(now, timeout.signer, out);
            return;
        }
        assert!(view == current, "R0: the certificates of a timeout lead into its view");
        if let Inserted::Conflict(first) = self.timeouts.insert(timeout) {
            let second = SignedTimeout {
                view,
                qc_view: timeout.high_qc.view,
                signer: timeout.signer,
                signature: timeout.signature,
            };
            self.on_equivocation(Equivocation::Timeout { first, second }, out);
        }
    }
}
