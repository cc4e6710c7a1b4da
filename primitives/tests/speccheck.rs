//! The twelve edge cases of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, SSR 2020), made
//! anew by arithmetic. Each is first shown to be what its name says, then given to the rule.

#![allow(clippy::unwrap_used)]

mod support;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT as B;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use logothete_primitives::{
    BatchItem, Ed25519Verifier, KeyError, SignatureError, Verifier, VerifyingKey, verify_batch,
};
use support::{
    Crafted, add_order, canonical_point, challenge, crafted, halves, scalar, sign, times8, torsion,
};

/// The identity in a non-canonical encoding: y = 1 with the sign bit set.
const IDENTITY_NON_CANONICAL: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes[31] = 0x80;
    bytes
};

#[derive(Debug, PartialEq)]
enum Verdict {
    Accepted,
    Key(KeyError),
    Signature(SignatureError),
}

fn verdict(case: &Crafted) -> Verdict {
    let key = match VerifyingKey::try_from(&case.public()) {
        Ok(key) => key,
        Err(error) => return Verdict::Key(error),
    };
    let alone = key.verify(&case.message, &case.signature());
    let signature = case.signature();
    let item = BatchItem { key: &key, message: &case.message, signature: &signature };
    for size in [1, 2, 3, 50] {
        assert_eq!(verify_batch(&vec![item; size]), alone, "{}: in a batch of {size}", case.name);
    }
    match alone {
        Ok(()) => Verdict::Accepted,
        Err(error) => Verdict::Signature(error),
    }
}

/// Tries messages until one makes a case of the wanted kind.
fn search(mut make: impl FnMut(&[u8]) -> Crafted, wanted: impl Fn(&Crafted) -> bool) -> Crafted {
    (0u32..10_000).map(|i| make(&i.to_le_bytes())).find(wanted).expect("one in eight is")
}

fn expect(name: &str, case: &Crafted, expected: &Verdict) {
    assert_eq!(verdict(case), *expected, "{name}: {case:?}");
    assert_eq!(case.accepted_by_rule(), *expected == Verdict::Accepted, "{name}: rule");
    let verifier = Ed25519Verifier::new([]);
    let signature = case.signature();
    let items = [(case.public(), case.message.as_slice(), &signature)];
    assert_eq!(verifier.verify_all(&items), *expected == Verdict::Accepted, "{name}: verifier");
}

#[test]
fn case_0_small_key_and_small_commitment() {
    let key = torsion(1).compress().to_bytes();
    let make =
        |message: &[u8]| crafted("0", key, message, torsion(3).compress().to_bytes(), [0; 32]);
    let case = search(make, |case| case.equations() == (true, true));
    expect("0", &case, &Verdict::Key(KeyError::SmallOrder));
}

#[test]
fn case_1_small_key() {
    let key = torsion(1).compress().to_bytes();
    let nonce = scalar(1);
    let r = (B * nonce + torsion(1)).compress().to_bytes();
    let make = |message: &[u8]| crafted("1", key, message, r, nonce.to_bytes());
    let case = search(make, |case| case.equations() == (true, true));
    expect("1", &case, &Verdict::Key(KeyError::SmallOrder));
}

#[test]
fn case_2_small_commitment() {
    let make = |message: &[u8]| sign(scalar(2), 1, Scalar::ZERO, 3, message);
    let case = search(make, |case| case.equations() == (true, true));
    expect("2", &case, &Verdict::Accepted);
}

#[test]
fn case_3_mixed_and_without_cofactor_good() {
    let make = |message: &[u8]| sign(scalar(3), 1, scalar(4), 3, message);
    let case = search(make, |case| case.equations() == (true, true));
    expect("3", &case, &Verdict::Accepted);
}

#[test]
fn case_4_mixed_and_good_with_cofactor_only() {
    let make = |message: &[u8]| sign(scalar(3), 1, scalar(4), 3, message);
    let case = search(make, |case| case.equations() == (true, false));
    expect("4", &case, &Verdict::Accepted);
}

/// Fails if 8k is reduced before it multiplies the mixed key.
#[test]
fn case_5_mixed_key_and_prereduced_challenge() {
    let prereduced = |case: &Crafted| {
        let (r, s) = halves(&case.signature);
        let k8 = challenge(&r, &case.key, &case.message) * Scalar::from(8u8);
        let a = CompressedEdwardsY(case.key).decompress().unwrap();
        let commitment = CompressedEdwardsY(r).decompress().unwrap();
        let s8 = times8(B * Scalar::from_canonical_bytes(s).unwrap());
        s8 - a * k8 - times8(commitment) == EdwardsPoint::identity()
    };
    let make = |message: &[u8]| sign(scalar(5), 1, scalar(6), 0, message);
    let case = search(make, |case| case.equations() == (true, false) && !prereduced(case));
    expect("5", &case, &Verdict::Accepted);
}

#[test]
fn case_6_scalar_above_order() {
    let mut case = sign(scalar(7), 0, scalar(8), 0, b"malleable");
    expect("6 before", &case, &Verdict::Accepted);
    let s = add_order(halves(&case.signature).1, 1).unwrap();
    case.signature[32..].copy_from_slice(&s);
    assert_eq!(case.equations(), (true, true));
    expect("6", &case, &Verdict::Signature(SignatureError::ScalarNotCanonical));
}

#[test]
fn case_7_scalar_with_high_bits() {
    let mut case = sign(scalar(7), 0, scalar(8), 0, b"malleable");
    let s = (1..16).rev().find_map(|count| add_order(halves(&case.signature).1, count)).unwrap();
    assert!(s[31] & 0xe0 != 0, "no serialization of a reduced scalar has these bits");
    case.signature[32..].copy_from_slice(&s);
    assert_eq!(case.equations(), (true, true));
    expect("7", &case, &Verdict::Signature(SignatureError::ScalarNotCanonical));
}

/// R does not re-encode to its bytes; the signer hashed the canonical form (8) or the given one (9).
#[test]
fn cases_8_and_9_non_canonical_commitment() {
    let secret = scalar(9);
    let key = (B * secret + torsion(1)).compress().to_bytes();
    let r = IDENTITY_NON_CANONICAL;
    assert!(canonical_point(&r).is_none());
    let reduced = CompressedEdwardsY(r).decompress().unwrap().compress().to_bytes();
    for (name, hashed) in [("8", reduced), ("9", r)] {
        let make = |message: &[u8]| {
            let s = challenge(&hashed, &key, message) * secret;
            crafted(name, key, message, r, s.to_bytes())
        };
        let good = |case: &Crafted| {
            let (_, s) = halves(&case.signature);
            let k = challenge(&hashed, &case.key, &case.message);
            case.equations_with(k, &r, s) == (true, true)
        };
        let case = search(make, good);
        expect(name, &case, &Verdict::Signature(SignatureError::PointNotCanonical));
    }
}

/// A does not re-encode to its bytes; the signer hashed the canonical form (10) or the given one (11).
#[test]
fn cases_10_and_11_non_canonical_key() {
    let key = IDENTITY_NON_CANONICAL;
    let reduced = CompressedEdwardsY(key).decompress().unwrap().compress().to_bytes();
    let nonce = scalar(10);
    let r = (B * nonce).compress().to_bytes();
    for (name, hashed) in [("10", reduced), ("11", key)] {
        let case = crafted(name, key, b"any", r, nonce.to_bytes());
        let k = challenge(&r, &hashed, &case.message);
        assert_eq!(case.equations_with(k, &r, nonce.to_bytes()), (true, true));
        expect(name, &case, &Verdict::Key(KeyError::NonCanonical));
    }
}
