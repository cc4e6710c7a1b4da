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

#[cfg(test)]
mod tests {
    use logothete_primitives::{BlockHash, Epoch, Signature, ValidatorIndex, View};

    use super::EvidencePool;
    use crate::evidence::{Equivocation, SignedTimeout};
    use crate::message::CommitVote;

    const SIGNATURE: Signature = Signature::from_bytes([0; 64]);

    fn commits(signer: u16, view: u64) -> Equivocation {
        let vote = CommitVote {
            epoch: Epoch::ZERO,
            view: View::new(view),
            block: BlockHash::ZERO,
            signer: ValidatorIndex::new(signer),
            signature: SIGNATURE,
        };
        Equivocation::CommitVote { first: vote.clone(), second: vote }
    }

    fn timeouts(signer: u16, view: u64) -> Equivocation {
        let (signer, view) = (ValidatorIndex::new(signer), View::new(view));
        let timeout = SignedTimeout { view, qc_view: View::ZERO, signer, signature: SIGNATURE };
        Equivocation::Timeout { first: timeout.clone(), second: timeout }
    }

    /// R8: kept once per author and kind, told once per view.
    #[test]
    fn keeps_the_first_and_tells_of_each_later_view() {
        let mut pool = EvidencePool::default();
        for (evidence, told) in [
            (commits(1, 5), true),
            (commits(1, 5), false),
            (commits(1, 4), false),
            (commits(1, 6), true),
            (commits(1, 6), false),
            (commits(1, 5), false),
            (timeouts(1, 5), true),
            (commits(2, 3), true),
        ] {
            assert_eq!(pool.insert(&evidence), told, "{evidence:?}");
        }
        let kept: Vec<_> = pool.iter().cloned().collect();
        assert_eq!(kept, [commits(1, 5), timeouts(1, 5), commits(2, 3)]);
    }
}
