//! One rule, one verdict: alone, in a batch, and whatever else the batch holds.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::LazyLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT as B;
use logothete_primitives::{
    BatchItem, Ed25519Verifier, KeyError, PublicKey, SecretKey, Signature, Verifier, VerifyingKey,
    find_invalid, verify_batch,
};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{
    Crafted, ORDER, canonical_point, challenge, crafted, pool, scalar, sign, small_order_encodings,
    torsion,
};

/// The pool with the verdict of each alone, and its key, which all in the pool can use.
static POOL: LazyLock<Vec<(Crafted, VerifyingKey, Signature, bool)>> = LazyLock::new(|| {
    let known = |case: Crafted| {
        let key = VerifyingKey::try_from(&case.public()).unwrap();
        let (signature, accepted) = (case.signature(), case.accepted());
        (case, key, signature, accepted)
    };
    pool().into_iter().map(known).collect()
});

fn batch(members: &[usize]) -> (Vec<BatchItem<'static>>, Vec<usize>) {
    let mut items = Vec::new();
    let mut refused = Vec::new();
    for (position, member) in members.iter().enumerate() {
        let (case, key, signature, accepted) = &POOL[member % POOL.len()];
        items.push(BatchItem { key, message: &case.message, signature });
        if !accepted {
            refused.push(position);
        }
    }
    (items, refused)
}

fn check(members: &[usize]) {
    let (items, refused) = batch(members);
    assert_eq!(verify_batch(&items).is_ok(), refused.is_empty(), "{items:?}");
    assert_eq!(find_invalid(&items), refused, "{items:?}");
}

#[test]
fn every_crafted_signature_gets_the_verdict_of_the_rule() {
    let mut accepted = 0;
    for (case, _, _, verdict) in POOL.iter() {
        assert_eq!(case.accepted_by_rule(), *verdict, "{case:?}");
        accepted += usize::from(*verdict);
    }
    assert!(accepted > 64 && accepted < POOL.len() - 64, "{accepted} of {}", POOL.len());
}

/// Cofactorless single verification and dalek's batch disagree on these (bug class 16).
#[test]
fn pool_holds_signatures_that_divide_other_verifiers() {
    let only_with_cofactor = POOL
        .iter()
        .filter(|(case, _, _, accepted)| *accepted && case.equations() == (true, false))
        .count();
    assert!(only_with_cofactor > 50, "{only_with_cofactor}");
}

#[test]
fn large_batches_agree_with_single_verification() {
    let good: Vec<usize> = (0..POOL.len()).filter(|index| POOL[*index].3).collect();
    let bad: Vec<usize> = (0..POOL.len()).filter(|index| !POOL[*index].3).collect();
    let mut members: Vec<usize> = good.iter().copied().cycle().take(600).collect();
    check(&members);
    members[599] = bad[3];
    check(&members);
    members[0] = bad[0];
    members[301] = bad[1];
    check(&members);
    check(&bad);
    check(&[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn batch_composition_never_changes_a_verdict(members in vec(0..POOL.len(), 0..40)) {
        check(&members);
    }

    /// Mostly good, for otherwise nearly every batch would fail for a plain reason.
    #[test]
    fn a_lone_bad_one_is_found(
        members in vec(0..POOL.len(), 1..48),
        bad in 0..POOL.len(),
        place in 0..48usize,
    ) {
        let mut members: Vec<usize> =
            members.into_iter().filter(|member| POOL[*member].3).collect();
        members.insert(place % (members.len() + 1), bad);
        check(&members);
    }

    #[test]
    fn torsion_of_any_kind_gives_one_verdict(
        ta in 0..8usize, tr in 0..8usize, secret in 0..u64::MAX, nonce in 0..u64::MAX,
        message in vec(any::<u8>(), 0..64),
    ) {
        let case = sign(scalar(secret), ta, scalar(nonce), tr, &message);
        prop_assert!(case.accepted() && case.accepted_by_rule());
    }

    #[test]
    fn any_changed_bit_is_refused(
        message in vec(any::<u8>(), 1..64), bit in 0..512usize, seed in any::<[u8; 32]>(),
    ) {
        let secret = SecretKey::from_seed(seed);
        let key = VerifyingKey::try_from(&secret.public()).unwrap();
        let signature = secret.sign(&message);
        prop_assert!(key.verify(&message, &signature).is_ok());
        let mut changed = *signature.as_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.verify(&message, &Signature::from_bytes(changed)).is_err());
        let mut other = message.clone();
        other[bit % message.len()] ^= 1;
        prop_assert!(key.verify(&other, &signature).is_err());
    }

    /// Any bytes at all: the rule in plain words and the library agree, and nothing panics.
    #[test]
    fn arbitrary_bytes_get_the_verdict_of_the_rule(
        key in any::<[u8; 32]>(), r in any::<[u8; 32]>(), s in any::<[u8; 32]>(),
    ) {
        let case = crafted("noise", key, b"message", r, s);
        prop_assert_eq!(case.accepted(), case.accepted_by_rule());
    }
}

/// All encodings of small order, as key and as commitment, with a scalar that solves the equation.
#[test]
fn special_encodings_get_the_verdict_of_the_rule() {
    let special = small_order_encodings();
    assert_eq!(special.len(), 14, "8 canonical encodings and 6 that are not");
    assert_eq!(special.iter().filter(|bytes| canonical_point(bytes).is_some()).count(), 8);
    for key in &special {
        let public = PublicKey::from_bytes(*key);
        let expected = match canonical_point(key) {
            Some(_) => KeyError::SmallOrder,
            None => KeyError::NonCanonical,
        };
        assert_eq!(VerifyingKey::try_from(&public).unwrap_err(), expected);
        for r in &special {
            assert!(!crafted("small", *key, b"any", *r, [0; 32]).accepted());
        }
    }
    for r in &special {
        let (secret, message) = (scalar(11), b"commitment");
        let key = (B * secret).compress().to_bytes();
        let s = challenge(r, &key, message) * secret;
        let case = crafted("small R", key, message, *r, s.to_bytes());
        assert_eq!(case.accepted(), canonical_point(r).is_some(), "{case:?}");
        assert_eq!(case.accepted(), case.accepted_by_rule());
    }
}

/// y from p to 2^255 - 1 and both signs: none is a key, whether on the curve or not.
#[test]
fn keys_with_unreduced_coordinates_are_refused() {
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            bytes[31] = high;
            let refused = VerifyingKey::try_from(&PublicKey::from_bytes(bytes)).unwrap_err();
            assert_eq!(refused, KeyError::NonCanonical);
        }
    }
}

#[test]
fn scalars_from_the_order_on_are_refused() {
    let key = VerifyingKey::try_from(&sign(scalar(1), 0, scalar(2), 0, b"").public()).unwrap();
    let r = (B * scalar(2)).compress().to_bytes();
    let mut below = ORDER;
    below[0] -= 1;
    let mut above = ORDER;
    above[0] += 1;
    for (s, canonical) in [(below, true), (ORDER, false), (above, false), ([0xff; 32], false)] {
        let signature = crafted("s", *key.public().as_bytes(), b"", r, s).signature();
        let error = key.verify(b"", &signature).unwrap_err();
        let scalar_error = logothete_primitives::SignatureError::ScalarNotCanonical;
        assert_eq!(error != scalar_error, canonical);
    }
}

#[test]
fn agrees_with_strict_dalek_on_honest_signatures_and_refuses_what_lacks_a_point() {
    for seed in 0..32u8 {
        let secret = SecretKey::from_seed([seed; 32]);
        let signature = secret.sign(&[seed]);
        let dalek = ed25519_dalek::VerifyingKey::from_bytes(secret.public().as_bytes()).unwrap();
        let theirs = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        assert!(dalek.verify_strict(&[seed], &theirs).is_ok());
        let key = VerifyingKey::try_from(&secret.public()).unwrap();
        assert!(key.verify(&[seed], &signature).is_ok());
    }
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let error = VerifyingKey::try_from(&PublicKey::from_bytes(no_point)).unwrap_err();
    assert_eq!(error, KeyError::NotAPoint);
}

#[test]
fn verifier_refuses_unusable_keys_known_or_not() {
    let unusable = PublicKey::from_bytes(torsion(1).compress().to_bytes());
    let secret = SecretKey::from_seed([1; 32]);
    let signature = secret.sign(b"m");
    for verifier in [Ed25519Verifier::default(), Ed25519Verifier::new([unusable, secret.public()])]
    {
        assert!(verifier.verify(&secret.public(), b"m", &signature));
        assert!(!verifier.verify(&unusable, b"m", &signature));
        let good = (secret.public(), b"m".as_slice(), &signature);
        assert!(verifier.verify_all(&[good, good]));
        assert!(!verifier.verify_all(&[good, (unusable, b"m", &signature)]));
        assert!(verifier.verify_all(&[]));
    }
}
