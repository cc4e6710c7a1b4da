//! What three honest members have signed and remember. The fourth lies: it is in every quorum, so
//! that two honest signatures make a certificate.

use std::hash::{Hash, Hasher};

use super::fingerprint::Fingerprint;
use super::scope::View;

/// Places of blocks.
pub(crate) type Set = u32;

/// The members of a set.
pub(crate) fn places(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = set.trailing_zeros() as usize;
        let some = set != 0;
        set &= set.wrapping_sub(1);
        some.then_some(place)
    })
}

/// Whether two blocks of a set have one slot; there are no more than 32.
pub(crate) fn is_double(set: Set, slot: impl Fn(usize) -> usize) -> bool {
    let mut slots = 0u32;
    places(set).any(|place| {
        let bit = 1 << slot(place);
        let double = slots & bit != 0;
        slots |= bit;
        double
    })
}

/// One honest member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Member {
    /// Blocks it prepare-voted, ever.
    pub(crate) prepared: Set,
    /// Blocks it commit-voted, ever.
    pub(crate) committed: Set,
    /// Timeouts it signed, ever: bit `4 (view - 1) + view of the QC`.
    pub(crate) timeouts: u16,
    /// The current view.
    pub(crate) view: View,
    pub(crate) marks: Marks,
    /// Without memory (R10).
    pub(crate) lost: bool,
    /// m + 1, once it has asked.
    pub(crate) above: View,
}

/// What it remembers of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Marks {
    pub(crate) prepared: View,
    pub(crate) timed_out: View,
    pub(crate) committed: View,
    pub(crate) high_qc: View,
}

impl Member {
    pub(crate) const FRESH: Self = Self {
        prepared: 0,
        committed: 0,
        timeouts: 0,
        view: 1,
        marks: Marks { prepared: 0, timed_out: 0, committed: 0, high_qc: 0 },
        lost: false,
        above: 0,
    };

    pub(crate) const fn timeout_bit(view: View, high_qc: View) -> u16 {
        1 << (4 * (view - 1) + high_qc)
    }

    /// The lowest QC it claimed when it timed out of a view: the best that a liar can make of it.
    pub(crate) fn claimed(&self, view: View) -> Option<View> {
        let claims = self.timeouts >> (4 * (view - 1)) & 0xf;
        (claims != 0).then(|| View::try_from(claims.trailing_zeros()).unwrap())
    }

    pub(crate) fn claims(&self, view: View) -> u32 {
        (self.timeouts >> (4 * (view - 1)) & 0xf).count_ones()
    }
}

/// The honest are alike, so a state is sorted: one for up to six that differ in names alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) members: [Member; 3],
    /// Whether somebody lost its memory before.
    pub(crate) wiped: bool,
}

impl State {
    pub(crate) const START: Self = Self { members: [Member::FRESH; 3], wiped: false };

    pub(crate) fn sorted(mut self) -> Self {
        self.members.sort_unstable();
        self
    }

    /// Stands for the state among those visited.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = Fingerprint::default();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
