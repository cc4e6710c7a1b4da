//! Evidence kept by a replica: the first of each author and kind, and a note of each later view.

use alloc::collections::BTreeMap;

use logothete_primitives::{ValidatorIndex, View};

use crate::evidence::{Equivocation, Kind};

/// At most one equivocation per author and kind, so that a liar cannot fill the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvidencePool {
    kept: BTreeMap<(ValidatorIndex, Kind), (Equivocation, View)>,
}

impl EvidencePool {
    /// Takes note; whether the driver should hear of it: once per author, kind and view.
    pub(crate) fn insert(&mut self, evidence: &Equivocation) -> bool {
        let (key, view) = ((evidence.signer(), evidence.kind()), evidence.view());
        match self.kept.get_mut(&key) {
            None => {
                self.kept.insert(key, (evidence.clone(), view));
                true
            }
            Some((_, latest)) if view > *latest => {
                *latest = view;
                true
            }
            Some(_) => false,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Equivocation> {
        self.kept.values().map(|(evidence, _)| evidence)
    }
}
