//! Who validates in an epoch, with what voting power, and how much of it is enough.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::bounded::BoundedString;
use crate::codec::{Decode, Encode, encode_into};
use crate::domain::VALIDATOR_SET;
use crate::hash::{Digest, hash};
use crate::keys::{KeyError, PublicKey, VerifyingKey};
use crate::limits::{MAX_NAME_BYTES, MAX_TOTAL_POWER, MAX_VALIDATORS};
use crate::numbers::{Epoch, ValidatorIndex};
use crate::signer_set::SignerSet;

/// Voting power.
pub type Power = u64;

/// A member of a validator set.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Validator {
    /// Verifies what the member signs, and names it to its peers.
    pub key: PublicKey,
    /// Voting power, above 0.
    #[serde(with = "crate::text::decimal")]
    pub power: Power,
    /// For people only; need not be distinct.
    pub name: BoundedString<MAX_NAME_BYTES>,
}

/// Why validators do not make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// There is none.
    #[error("a validator set needs a member")]
    Empty,
    /// There are more than [`MAX_VALIDATORS`].
    #[error("{count} validators are more than {MAX_VALIDATORS}")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// Two members have the same key.
    #[error("validator {index} has the key of an earlier one")]
    DuplicateKey {
        /// The later one.
        index: usize,
    },
    /// A member has no power.
    #[error("validator {index} has no voting power")]
    NoPower {
        /// The member.
        index: usize,
    },
    /// The total is above [`MAX_TOTAL_POWER`].
    #[error("the voting power of all is above 2^62")]
    TooMuchPower,
    /// The key of a member can verify nothing.
    #[error("validator {index}: {error}")]
    UnusableKey {
        /// The member.
        index: usize,
        /// What is wrong with its key.
        error: KeyError,
    },
}

/// The validators of an epoch, in the order in which they were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    epoch: Epoch,
    validators: Vec<Validator>,
    places: BTreeMap<PublicKey, ValidatorIndex>,
    total_power: Power,
    hash: Digest,
}

impl ValidatorSet {
    /// A set of 1 to [`MAX_VALIDATORS`] members with distinct keys and bounded power.
    pub fn new(epoch: Epoch, validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() {
            return Err(ValidatorSetError::Empty);
        }
        if validators.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::TooMany { count: validators.len() });
        }
        let mut places = BTreeMap::new();
        let mut total_power: Power = 0;
        for ((index, validator), place) in validators.iter().enumerate().zip(0u16..) {
            if validator.power == 0 {
                return Err(ValidatorSetError::NoPower { index });
            }
            if places.insert(validator.key, ValidatorIndex::new(place)).is_some() {
                return Err(ValidatorSetError::DuplicateKey { index });
            }
            total_power = total_power
                .checked_add(validator.power)
                .filter(|total| *total <= MAX_TOTAL_POWER)
                .ok_or(ValidatorSetError::TooMuchPower)?;
        }
        let hash = Self::hash_of(epoch, &validators);
        Ok(Self { epoch, validators, places, total_power, hash })
    }

    /// Epoch, number of members as a `u32`, members.
    fn hash_of(epoch: Epoch, validators: &[Validator]) -> Digest {
        let count = u32::try_from(validators.len()).expect("at most MAX_VALIDATORS");
        let mut bytes = Vec::new();
        encode_into(&epoch, &mut bytes);
        encode_into(&count, &mut bytes);
        for validator in validators {
            encode_into(validator, &mut bytes);
        }
        hash(VALIDATOR_SET, &bytes)
    }

    /// Whether the keys of all members can verify; a set with one that cannot has dead power.
    pub fn check_keys(&self) -> Result<(), ValidatorSetError> {
        for (index, validator) in self.validators.iter().enumerate() {
            VerifyingKey::try_from(&validator.key)
                .map_err(|error| ValidatorSetError::UnusableKey { index, error })?;
        }
        Ok(())
    }

    /// The epoch in which this set validates.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The number of members, at least 1.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // A set without a member cannot be made.
    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ValidatorIndex, &Validator)> {
        let place = |(index, validator)| {
            let index = u16::try_from(index).expect("at most MAX_VALIDATORS");
            (ValidatorIndex::new(index), validator)
        };
        self.validators.iter().enumerate().map(place)
    }

    /// The member at a place, if the set has the place.
    #[must_use]
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.validators.get(index.as_usize())
    }

    /// The place of a key, if it is a member's.
    #[must_use]
    pub fn index_of(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        self.places.get(key).copied()
    }

    /// The power at a place; 0 if the set has no such place.
    #[must_use]
    pub fn power(&self, index: ValidatorIndex) -> Power {
        self.get(index).map_or(0, |validator| validator.power)
    }

    /// The power of all members together, W.
    #[must_use]
    pub const fn total_power(&self) -> Power {
        self.total_power
    }

    /// The power that makes a certificate: ⌊2W/3⌋ + 1. Any two such quorums share an honest member.
    #[must_use]
    pub const fn quorum(&self) -> Power {
        // W is at most 2^62, so twice it fits.
        2 * self.total_power / 3 + 1
    }

    /// The most power that may be faulty: the largest f with 3f < W.
    #[must_use]
    pub const fn max_faulty(&self) -> Power {
        (self.total_power - 1) / 3
    }

    /// The power among which one member is honest: f + 1 (R6).
    #[must_use]
    pub const fn amplify(&self) -> Power {
        self.max_faulty() + 1
    }

    /// Names the set: epoch, keys, powers, names and order.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// The power of those who signed; 0 if the signers are of a set of another size.
    #[must_use]
    pub fn power_of(&self, signers: &SignerSet) -> Power {
        if !signers.well_formed(self.len()) {
            return 0;
        }
        signers.iter().map(|index| self.power(index)).sum()
    }

    /// The members that are not among the signers, for telling whose votes are missing.
    #[must_use]
    pub fn missing(&self, signers: &SignerSet) -> BTreeSet<ValidatorIndex> {
        self.iter().map(|(index, _)| index).filter(|index| !signers.contains(*index)).collect()
    }
}
