//! The highest certificates known. They alone say which view is current (R0).

use logothete_primitives::View;

use crate::action::EntryReason;
use crate::certificate::{Certificate, CommitCert, QuorumCert, TimeoutCert};

/// The highest QC, TC and CC a replica has seen. None of them ever goes down.
#[derive(Clone, Debug)]
pub struct Known {
    high_qc: QuorumCert,
    high_tc: Option<TimeoutCert>,
    high_cc: Option<CommitCert>,
}

impl Known {
    /// Knows the genesis alone.
    #[must_use]
    pub const fn new(genesis: QuorumCert) -> Self {
        Self { high_qc: genesis, high_tc: None, high_cc: None }
    }

    /// Takes note of a QC; whether it is higher than the one before.
    pub fn raise_qc(&mut self, qc: &QuorumCert) -> bool {
        let higher = qc.view > self.high_qc.view;
        if higher {
            self.high_qc = qc.clone();
        }
        higher
    }

    /// Takes note of a TC; whether it is higher than the one before. Its QC is for the caller.
    pub fn raise_tc(&mut self, tc: &TimeoutCert) -> bool {
        let higher = self.high_tc.as_ref().is_none_or(|old| tc.view > old.view);
        if higher {
            self.high_tc = Some(tc.clone());
        }
        higher
    }

    /// Takes note of a CC; whether it is higher than the one before.
    pub fn raise_cc(&mut self, cc: &CommitCert) -> bool {
        let higher = self.high_cc.as_ref().is_none_or(|old| cc.view > old.view);
        if higher {
            self.high_cc = Some(cc.clone());
        }
        higher
    }

    /// The highest QC.
    #[must_use]
    pub const fn high_qc(&self) -> &QuorumCert {
        &self.high_qc
    }

    /// The highest TC.
    #[must_use]
    pub const fn high_tc(&self) -> Option<&TimeoutCert> {
        self.high_tc.as_ref()
    }

    /// The highest CC.
    #[must_use]
    pub const fn high_cc(&self) -> Option<&CommitCert> {
        self.high_cc.as_ref()
    }

    /// R0: one more than the highest view of any certificate known.
    #[must_use]
    pub fn view(&self) -> View {
        self.closed().next()
    }

    /// The certificate by which the current view was entered; `None` in view 1, which nothing opens.
    #[must_use]
    pub fn entry(&self) -> Option<Certificate> {
        match self.reason() {
            EntryReason::Start => None,
            EntryReason::Qc => Some(Certificate::Quorum(self.high_qc.clone())),
            EntryReason::Tc => self.high_tc.clone().map(Certificate::Timeout),
            EntryReason::Cc => self.high_cc.clone().map(Certificate::Commit),
        }
    }

    /// The kind of that certificate. A QC is preferred, for a block can be built on it.
    #[must_use]
    pub fn reason(&self) -> EntryReason {
        let closed = self.closed();
        if closed == View::ZERO {
            EntryReason::Start
        } else if self.high_qc.view == closed {
            EntryReason::Qc
        } else if self.high_tc.as_ref().is_some_and(|tc| tc.view == closed) {
            EntryReason::Tc
        } else {
            EntryReason::Cc
        }
    }

    /// The CC, if nothing else led into the current view.
    #[must_use]
    pub fn cc_of_entry(&self) -> Option<&CommitCert> {
        if self.reason() == EntryReason::Cc { self.high_cc() } else { None }
    }

    fn closed(&self) -> View {
        let tc = self.high_tc.as_ref().map_or(View::ZERO, |tc| tc.view);
        let cc = self.high_cc.as_ref().map_or(View::ZERO, |cc| cc.view);
        self.high_qc.view.max(tc).max(cc)
    }
}
