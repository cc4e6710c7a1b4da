//! Timeouts of the current view on their way to a TC: one slot per author (R6, R8).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use logothete_primitives::{Epoch, SignerSet, ValidatorIndex, ValidatorSet, View};

use crate::certificate::{QuorumCert, TimeoutCert, TimeoutEntry};
use crate::evidence::SignedTimeout;
use crate::message::Timeout;
use crate::vote_collector::Inserted;

/// The timeouts of one view. The highest QC among them is kept whole, of the others only the view.
#[derive(Clone, Debug, Default)]
pub struct TimeoutCollector {
    view: View,
    entries: BTreeMap<ValidatorIndex, TimeoutEntry>,
    high_qc: Option<QuorumCert>,
}

impl TimeoutCollector {
    /// Starts anew for another view.
    pub fn reset(&mut self, view: View) {
        *self = Self { view, ..Self::default() };
    }

    /// Puts a verified timeout of the collector's view into its slot.
    pub fn insert(&mut self, timeout: &Timeout) -> Inserted<SignedTimeout> {
        assert!(timeout.view == self.view, "only timeouts of the current view are collected");
        let qc_view = timeout.high_qc.view;
        if let Some(first) = self.entries.get(&timeout.signer) {
            return if first.qc_view == qc_view {
                Inserted::Known
            } else {
                Inserted::Conflict(SignedTimeout {
                    view: self.view,
                    qc_view: first.qc_view,
                    signer: first.signer,
                    signature: first.signature,
                })
            };
        }
        let entry = TimeoutEntry { signer: timeout.signer, qc_view, signature: timeout.signature };
        self.entries.insert(timeout.signer, entry);
        if self.high_qc.as_ref().is_none_or(|qc| qc_view > qc.view) {
            self.high_qc = Some(timeout.high_qc.clone());
        }
        Inserted::New
    }

    /// The power of those who timed out.
    #[must_use]
    pub fn power(&self, validators: &ValidatorSet) -> u64 {
        self.entries.keys().map(|index| validators.power(*index)).sum()
    }

    /// Who timed out, in a set of `size` validators.
    #[must_use]
    pub fn signers(&self, size: usize) -> SignerSet {
        let mut set = SignerSet::new(size);
        for index in self.entries.keys() {
            set.insert(*index);
        }
        set
    }

    /// R6: the TC, once a quorum timed out. Its QC is the maximum of all entries by construction.
    #[must_use]
    pub fn certificate(&self, epoch: Epoch, validators: &ValidatorSet) -> Option<TimeoutCert> {
        if self.power(validators) < validators.quorum() {
            return None;
        }
        let timeouts: Vec<TimeoutEntry> = self.entries.values().cloned().collect();
        Some(TimeoutCert {
            epoch,
            view: self.view,
            timeouts: timeouts.try_into().expect("one timeout per validator"),
            high_qc: self.high_qc.clone().expect("there is at least one timeout"),
        })
    }

    /// How many have timed out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests;
