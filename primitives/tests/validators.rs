//! Quorum arithmetic for every size and for power near the limit (bug class 4), and signer sets.

#![allow(clippy::unwrap_used)]

use logothete_primitives::limits::{MAX_TOTAL_POWER, MAX_VALIDATORS};
use logothete_primitives::{
    BoundedString, Epoch, PublicKey, SecretKey, SignerSet, Validator, ValidatorIndex, ValidatorSet,
    ValidatorSetError, VerifyingKey,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn validator(index: usize, power: u64) -> Validator {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(index as u64 + 1).to_le_bytes());
    Validator {
        key: PublicKey::from_bytes(key),
        power,
        name: BoundedString::try_from(format!("v{index}")).unwrap(),
    }
}

fn set(powers: &[u64]) -> Result<ValidatorSet, ValidatorSetError> {
    let validators = powers.iter().enumerate().map(|(index, power)| validator(index, *power));
    ValidatorSet::new(Epoch::ZERO, validators.collect())
}

/// What the proofs of the protocol use, in numbers that cannot overflow.
fn assert_quorums(set: &ValidatorSet) {
    let [total, quorum, faulty, amplify] =
        [set.total_power(), set.quorum(), set.max_faulty(), set.amplify()].map(u128::from);
    assert!(3 * faulty < total && 3 * (faulty + 1) >= total, "f is the largest below a third");
    assert!(3 * quorum > 2 * total && 3 * (quorum - 1) <= 2 * total, "q is the least above 2W/3");
    assert!(2 * quorum - total > faulty, "two quorums share an honest member");
    assert!(quorum <= total - faulty, "the honest alone make a quorum");
    assert_eq!(amplify, faulty + 1);
    assert!(amplify <= quorum);
}

#[test]
fn quorums_of_equal_validators() {
    for (n, quorum, faulty) in [
        (1, 1, 0),
        (2, 2, 0),
        (3, 3, 0),
        (4, 3, 1),
        (5, 4, 1),
        (6, 5, 1),
        (7, 5, 2),
        (10, 7, 3),
        (100, 67, 33),
        (200, 134, 66),
    ] {
        let set = set(&vec![1; n]).unwrap();
        assert_eq!((set.quorum(), set.max_faulty()), (quorum, faulty), "n = {n}");
    }
    for n in 1..=MAX_VALIDATORS {
        for power in [1, 2, 3, 7, MAX_TOTAL_POWER / 200] {
            assert_quorums(&set(&vec![power; n]).unwrap());
        }
    }
}

#[test]
fn quorums_at_the_limit_of_power() {
    for below in 0..9 {
        assert_quorums(&set(&[MAX_TOTAL_POWER - below]).unwrap());
        assert_quorums(&set(&[MAX_TOTAL_POWER - 9, 9 - below]).unwrap());
    }
    assert_eq!(set(&[MAX_TOTAL_POWER, 1]), Err(ValidatorSetError::TooMuchPower));
    assert_eq!(set(&[u64::MAX, u64::MAX]), Err(ValidatorSetError::TooMuchPower));
    assert_eq!(set(&[u64::MAX]), Err(ValidatorSetError::TooMuchPower));
}

proptest! {
    #[test]
    fn quorums_of_any_powers(powers in vec(1..=MAX_TOTAL_POWER / 200, 1..=200)) {
        assert_quorums(&set(&powers).unwrap());
    }

    #[test]
    fn power_of_signers_is_the_sum_of_the_distinct(
        powers in vec(1..1_000_000u64, 1..=200), members in vec(0..250u16, 0..300),
    ) {
        let set = set(&powers).unwrap();
        let mut signers = SignerSet::new(powers.len());
        let mut expected = std::collections::BTreeSet::new();
        for member in members {
            let new = usize::from(member) < powers.len() && expected.insert(member);
            prop_assert_eq!(signers.insert(ValidatorIndex::new(member)), new);
        }
        let listed: Vec<u16> = signers.iter().map(ValidatorIndex::get).collect();
        prop_assert_eq!(&listed, &expected.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(signers.count(), expected.len());
        prop_assert_eq!(signers.is_empty(), expected.is_empty());
        let power: u64 = expected.iter().map(|member| powers[usize::from(*member)]).sum();
        prop_assert_eq!(set.power_of(&signers), power);
        prop_assert_eq!(set.missing(&signers).len(), powers.len() - expected.len());
    }
}

#[test]
fn refuses_what_is_no_set() {
    assert_eq!(set(&[]), Err(ValidatorSetError::Empty));
    assert_eq!(set(&[1; 201]), Err(ValidatorSetError::TooMany { count: 201 }));
    assert_eq!(set(&[1, 0]), Err(ValidatorSetError::NoPower { index: 1 }));
    let twins = vec![validator(0, 1), validator(1, 1), validator(0, 2)];
    let error = ValidatorSet::new(Epoch::ZERO, twins).unwrap_err();
    assert_eq!(error, ValidatorSetError::DuplicateKey { index: 2 });
}

#[test]
fn finds_members_by_place_and_key() {
    let set = set(&[5, 6, 7]).unwrap();
    for (index, member) in set.iter() {
        assert_eq!(set.get(index), Some(member));
        assert_eq!(set.index_of(&member.key), Some(index));
        assert_eq!(set.power(index), member.power);
    }
    assert_eq!((set.len(), set.total_power()), (3, 18));
    let members: Vec<Validator> = set.iter().map(|(_, validator)| validator.clone()).collect();
    assert_eq!(ValidatorSet::new(Epoch::new(7), members).unwrap().epoch(), Epoch::new(7));
    let outside = ValidatorIndex::new(3);
    assert_eq!((set.get(outside), set.power(outside)), (None, 0));
    assert_eq!(set.index_of(&PublicKey::from_bytes([9; 32])), None);
}

/// A certificate of another set counts nothing (bug class 21).
#[test]
fn signers_of_another_set_have_no_power() {
    let set = set(&[1; 4]).unwrap();
    for size in [0, 3, 5, 200] {
        let mut signers = SignerSet::new(size);
        let inserted = (0..4).filter(|index| signers.insert(ValidatorIndex::new(*index))).count();
        assert_eq!(inserted, size.min(4));
        assert!(!signers.well_formed(4));
        assert_eq!(set.power_of(&signers), 0);
    }
}

#[test]
fn hash_covers_everything() {
    let base = vec![validator(0, 1), validator(1, 2)];
    let hash = |epoch, validators: &[Validator]| {
        ValidatorSet::new(Epoch::new(epoch), validators.to_vec()).unwrap().hash()
    };
    let mut hashes = vec![hash(0, &base), hash(1, &base), hash(0, &base[..1])];
    hashes.push(hash(0, &[base[1].clone(), base[0].clone()]));
    let mut changed = base.clone();
    changed[0].power = 3;
    hashes.push(hash(0, &changed));
    changed = base.clone();
    changed[1].name = BoundedString::try_from("other").unwrap();
    hashes.push(hash(0, &changed));
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
    assert_eq!(hash(0, &base), hashes[0]);
}

#[test]
fn keys_are_checked_on_demand() {
    let mut members = vec![validator(0, 1), validator(1, 1)];
    members[0].key = SecretKey::from_seed([1; 32]).public();
    members[1].key = PublicKey::from_bytes([0xff; 32]);
    let set = ValidatorSet::new(Epoch::ZERO, members).unwrap();
    assert!(matches!(set.check_keys(), Err(ValidatorSetError::UnusableKey { index: 1, .. })));
}

#[test]
fn verifying_keys_are_equal_by_their_encoding() {
    let key = |seed| VerifyingKey::try_from(&SecretKey::from_seed([seed; 32]).public()).unwrap();
    assert_eq!(key(1), key(1));
    assert_ne!(key(1), key(2));
}
