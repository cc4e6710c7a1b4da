//! Prepare and commit votes on their way to certificates: one slot per author and view (R8).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use logothete_primitives::{BlockHash, SignerSet, ValidatorIndex, ValidatorSet, View};

use crate::certificate::{CommitCert, QuorumCert, Signatures};
use crate::message::{CommitVote, PrepareVote};
use crate::signing::PrepareBody;

/// A vote that has a slot.
pub trait Vote: Clone + PartialEq {
    /// What must be equal for votes to count together.
    type Subject: Ord;
    /// The view of the slot.
    fn view(&self) -> View;
    /// The author of the slot.
    fn signer(&self) -> ValidatorIndex;
    /// What is voted for.
    fn subject(&self) -> Self::Subject;
}

impl Vote for PrepareVote {
    type Subject = PrepareBody;

    fn view(&self) -> View {
        self.view
    }

    fn signer(&self) -> ValidatorIndex {
        self.signer
    }

    fn subject(&self) -> PrepareBody {
        PrepareBody::from(self)
    }
}

impl Vote for CommitVote {
    type Subject = BlockHash;

    fn view(&self) -> View {
        self.view
    }

    fn signer(&self) -> ValidatorIndex {
        self.signer
    }

    fn subject(&self) -> BlockHash {
        self.block
    }
}

/// What became of a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted<V> {
    /// It took its slot.
    New,
    /// It says what the vote in the slot says.
    Known,
    /// The slot holds a different vote, which stays: evidence (R8).
    Conflict(V),
}

/// Slots by view, then by author. The first vote of an author stays.
#[derive(Clone, Debug)]
pub struct VoteCollector<V> {
    views: BTreeMap<View, BTreeMap<ValidatorIndex, V>>,
}

impl<V: Vote> VoteCollector<V> {
    /// No votes.
    #[must_use]
    pub const fn new() -> Self {
        Self { views: BTreeMap::new() }
    }

    /// Puts a verified vote into its slot. The caller has decided that the view is worth keeping.
    pub fn insert(&mut self, vote: V) -> Inserted<V> {
        let slots = self.views.entry(vote.view()).or_default();
        match slots.get(&vote.signer()) {
            None => {
                slots.insert(vote.signer(), vote);
                Inserted::New
            }
            Some(first) if first.subject() == vote.subject() => Inserted::Known,
            Some(first) => Inserted::Conflict(first.clone()),
        }
    }

    /// Drops the votes of views below `view`.
    pub fn prune_below(&mut self, view: View) {
        self.views = self.views.split_off(&view);
    }

    /// Keeps the votes of the highest `count` views.
    pub fn keep_highest(&mut self, count: usize) {
        while self.views.len() > count {
            self.views.pop_first();
        }
    }

    /// Whose votes of a view are at hand, in a set of `size` validators.
    #[must_use]
    pub fn signers(&self, view: View, size: usize) -> SignerSet {
        let mut set = SignerSet::new(size);
        for index in self.views.get(&view).into_iter().flat_map(BTreeMap::keys) {
            set.insert(*index);
        }
        set
    }

    /// How many views have votes.
    #[must_use]
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// The highest view above `above` in which a quorum voted for one thing, with those votes by
    /// author.
    #[must_use]
    pub fn quorum(&self, above: View, validators: &ValidatorSet) -> Option<Vec<&V>> {
        let views = self.views.range(above.next()..);
        views.rev().find_map(|(_, slots)| quorum_of(slots, validators))
    }
}

impl<V: Vote> Default for VoteCollector<V> {
    fn default() -> Self {
        Self::new()
    }
}

fn quorum_of<'a, V: Vote>(
    slots: &'a BTreeMap<ValidatorIndex, V>,
    validators: &ValidatorSet,
) -> Option<Vec<&'a V>> {
    let all: u64 = slots.keys().map(|index| validators.power(*index)).sum();
    if all < validators.quorum() {
        return None;
    }
    let mut powers: BTreeMap<V::Subject, u64> = BTreeMap::new();
    for (index, vote) in slots {
        let power = powers.entry(vote.subject()).or_default();
        *power += validators.power(*index);
    }
    let (subject, _) = powers.into_iter().find(|(_, power)| *power >= validators.quorum())?;
    Some(slots.values().filter(|vote| vote.subject() == subject).collect())
}

/// R3: a quorum of prepare votes for one block is its QC.
#[must_use]
pub fn quorum_cert(votes: &[&PrepareVote], size: usize) -> QuorumCert {
    let first = votes.first().expect("a quorum is not empty");
    let (signers, signatures) = gather(votes.iter().map(|v| (v.signer, v.signature)), size);
    QuorumCert {
        epoch: first.epoch,
        view: first.view,
        block: first.block,
        height: first.height,
        parent_view: first.parent_view,
        signers,
        signatures,
    }
}

/// R4: a quorum of commit votes for one block is its CC.
#[must_use]
pub fn commit_cert(votes: &[&CommitVote], size: usize) -> CommitCert {
    let first = votes.first().expect("a quorum is not empty");
    let (signers, signatures) = gather(votes.iter().map(|v| (v.signer, v.signature)), size);
    CommitCert { epoch: first.epoch, view: first.view, block: first.block, signers, signatures }
}

fn gather(
    votes: impl Iterator<Item = (ValidatorIndex, logothete_primitives::Signature)>,
    size: usize,
) -> (SignerSet, Signatures) {
    let mut signers = SignerSet::new(size);
    let mut signatures = Vec::new();
    for (signer, signature) in votes {
        signers.insert(signer);
        signatures.push(signature);
    }
    (signers, Signatures::try_from(signatures).expect("one vote per validator"))
}

#[cfg(test)]
mod tests;
