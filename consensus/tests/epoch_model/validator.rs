//! What honest validators have signed and remember, in each epoch.

use std::hash::{Hash, Hasher};

use logothete_primitives::Epoch;

use super::fingerprint::Fingerprint;
use super::scope::View;
use super::sets::{EpochAt, NAMES, Sets};
use super::state::{Marks, Member};

/// An honest validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Validator {
    /// What it did and knows, by epoch.
    pub(crate) lives: [Member; 2],
    /// The end of the first epoch on which it has begun the second: a place.
    pub(crate) began: Option<u8>,
    /// It remembers that it signed in the second epoch, and its chain no longer knows that the first has ended.
    pub(crate) is_ahead: bool,
    /// An older state of its database.
    pub(crate) older: Option<Database>,
}

/// What a rollback brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Database {
    pub(crate) began: Option<u8>,
    pub(crate) marks: [Marks; 2],
    /// The certificates that are stored with the marks lead here.
    pub(crate) views: [View; 2],
}

impl Validator {
    pub(crate) const FRESH: Self =
        Self { lives: [Member::FRESH; 2], began: None, is_ahead: false, older: None };

    pub(crate) const fn database(&self) -> Database {
        let [first, second] = self.lives;
        let (marks, views) = ([first.marks, second.marks], [first.view, second.view]);
        Database { began: self.began, marks, views }
    }
}

impl Database {
    pub(crate) const fn epoch(&self) -> EpochAt {
        if self.began.is_some() { 1 } else { 0 }
    }

    /// Its marks as the production code has them; of an epoch, or of any.
    pub(crate) fn marks(&self, names_epoch: bool) -> logothete_consensus::Marks {
        let marks = self.marks[self.epoch()];
        let view = |view| logothete_primitives::View::new(u64::from(view));
        logothete_consensus::Marks {
            epoch: if names_epoch { Epoch::new(self.epoch() as u64) } else { Epoch::ZERO },
            prepared: view(marks.prepared),
            timed_out: view(marks.timed_out),
            committed: view(marks.committed),
            proposed: view(0),
            high_qc: view(marks.high_qc),
        }
    }
}

/// All of them, and whether the one misfortune of a run has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) validators: [Validator; NAMES],
    pub(crate) is_copied: bool,
    pub(crate) is_struck: bool,
}

impl State {
    pub(crate) const START: Self =
        Self { validators: [Validator::FRESH; NAMES], is_copied: false, is_struck: false };

    /// Those who are in the same epochs are alike, so one order stands for all.
    pub(crate) fn sorted(mut self, sets: &Sets) -> Self {
        for role in sets.roles() {
            self.validators[role].sort_unstable();
        }
        self
    }

    /// Stands for the state among those visited.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = Fingerprint::default();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
