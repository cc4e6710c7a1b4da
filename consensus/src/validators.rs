//! Validators for tests of single parts.

use alloc::format;

use logothete_primitives::{Epoch, PublicKey, Validator, ValidatorSet};

/// Validators of these powers, each with a key that nobody has.
pub(crate) fn validators(powers: &[u64]) -> ValidatorSet {
    let member = |(power, index): (&u64, u8)| Validator {
        key: PublicKey::from_bytes([index; 32]),
        power: *power,
        name: format!("v{index}").try_into().expect("a short name"),
    };
    ValidatorSet::new(Epoch::ZERO, powers.iter().zip(1u8..).map(member).collect())
        .expect("some power each")
}
