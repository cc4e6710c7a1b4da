//! Who validates in which epoch, with quorums as the production code counts them.

use logothete_primitives::{Epoch, SecretKey, SignerSet, Validator, ValidatorIndex, ValidatorSet};

/// An epoch: the first or the second.
pub(crate) type EpochAt = usize;

/// Honest validators by name; each is in one epoch or in both.
pub(crate) const NAMES: usize = 6;

/// A set of them.
pub(crate) type People = u8;

/// How many of the three honest validators of the first epoch are in the second too. If there are any, so is the liar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    None,
    One,
    Some,
    All,
}

impl Shared {
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::One, Self::Some, Self::All];

    const fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::Some => 2,
            Self::All => 3,
        }
    }
}

/// Both sets.
pub(crate) struct Sets {
    pub(crate) shared: Shared,
    honest: [People; 2],
    /// By epoch and honest signers: whether they make a quorum together with the liar.
    enough: [Vec<bool>; 2],
    /// By epoch: how many honest signers that takes.
    needed: [usize; 2],
}

impl Sets {
    pub(crate) fn new(shared: Shared) -> Self {
        let second = 3 - shared.count();
        let honest = [0b111, 0b111 << second];
        let liars = [7, if shared == Shared::None { 8 } else { 7 }];
        let enough = [0, 1].map(|epoch| quorums(epoch, honest[epoch], liars[epoch]));
        let needed = [0, 1].map(|epoch| {
            let enough: &Vec<bool> = &enough[epoch];
            let counts = (0..1 << NAMES).filter(|signers: &usize| enough[*signers]);
            counts.map(|signers| signers.count_ones() as usize).min().unwrap()
        });
        Self { shared, honest, enough, needed }
    }

    pub(crate) const fn is_member(&self, epoch: EpochAt, name: usize) -> bool {
        self.honest[epoch] >> name & 1 == 1
    }

    /// Whether these can be shown as a certificate of that epoch.
    pub(crate) fn enough(&self, epoch: EpochAt, signers: People) -> bool {
        self.enough[epoch][usize::from(signers)]
    }

    pub(crate) const fn needed(&self, epoch: EpochAt) -> usize {
        self.needed[epoch]
    }

    /// Names that are alike: in the first epoch only, in both, in the second only.
    pub(crate) const fn roles(&self) -> [std::ops::Range<usize>; 3] {
        let second = 3 - self.shared.count();
        [0..second, second..3, 3..3 + second]
    }
}

/// Asks a production validator set of four about every set of honest signers, and the liar.
fn quorums(epoch: EpochAt, honest: People, liar: u8) -> Vec<bool> {
    let key = |name: u8| SecretKey::from_seed([name + 1; 32]).public();
    let names: Vec<u8> = (0..8).filter(|name| honest >> name & 1 == 1).chain([liar]).collect();
    let validator =
        |name: &u8| Validator { key: key(*name), power: 1, name: "member".try_into().unwrap() };
    let number = Epoch::new(epoch as u64);
    let set = ValidatorSet::new(number, names.iter().map(validator).collect()).unwrap();
    let is_quorum = |signers: u8| {
        let mut signed = SignerSet::new(set.len());
        for (place, name) in (0..).zip(&names) {
            if *name == liar || signers >> name & 1 == 1 {
                assert!(signed.insert(ValidatorIndex::new(place)));
            }
        }
        set.power_of(&signed) >= set.quorum()
    };
    (0..1 << NAMES).map(is_quorum).collect()
}
