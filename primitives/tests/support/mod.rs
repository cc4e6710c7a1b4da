//! Crafted signatures: what a dishonest signer can make, with the verdict the rule gives.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // Each test binary uses its part.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use logothete_primitives::{PublicKey, Signature, VerifyingKey};
use sha2::{Digest, Sha512};

/// The order of the base point, little endian.
pub const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A message with what is said to be its signature.
#[derive(Clone, Debug)]
pub struct Crafted {
    pub name: String,
    pub key: [u8; 32],
    pub message: Vec<u8>,
    pub signature: [u8; 64],
}

impl Crafted {
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.key)
    }

    pub fn signature(&self) -> Signature {
        Signature::from_bytes(self.signature)
    }

    /// The library's verdict, alone.
    pub fn accepted(&self) -> bool {
        VerifyingKey::try_from(&self.public())
            .is_ok_and(|key| key.verify(&self.message, &self.signature()).is_ok())
    }

    /// The rule of ADR 1 in the plainest words, slow and apart from the library's way.
    pub fn accepted_by_rule(&self) -> bool {
        let (r, s) = halves(&self.signature);
        let (Some(a), Some(commitment)) = (canonical_point(&self.key), canonical_point(&r)) else {
            return false;
        };
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else {
            return false;
        };
        let k = challenge(&r, &self.key, &self.message);
        times8(a) != EdwardsPoint::identity()
            && times8(B * s - a * k - commitment) == EdwardsPoint::identity()
    }

    /// Whether the equation holds with and without the cofactor, whatever the encodings.
    pub fn equations(&self) -> (bool, bool) {
        let (r, s) = halves(&self.signature);
        let k = challenge(&r, &self.key, &self.message);
        self.equations_with(k, &r, s)
    }

    pub fn equations_with(&self, k: Scalar, r: &[u8; 32], s: [u8; 32]) -> (bool, bool) {
        let a = CompressedEdwardsY(self.key).decompress().unwrap();
        let commitment = CompressedEdwardsY(*r).decompress().unwrap();
        let rest = B * Scalar::from_bytes_mod_order(s) - a * k - commitment;
        (times8(rest) == EdwardsPoint::identity(), rest == EdwardsPoint::identity())
    }
}

pub fn halves(signature: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    (signature[..32].try_into().unwrap(), signature[32..].try_into().unwrap())
}

pub fn times8(point: EdwardsPoint) -> EdwardsPoint {
    let twice = point + point;
    let four = twice + twice;
    four + four
}

/// The point of an encoding that is the one `compress` makes of it.
pub fn canonical_point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let point = CompressedEdwardsY(*bytes).decompress()?;
    (point.compress().to_bytes() == *bytes).then_some(point)
}

pub fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&digest.into())
}

/// A scalar from a small number, spread over all bits.
pub fn scalar(seed: u64) -> Scalar {
    let digest = Sha512::new().chain_update(b"scalar").chain_update(seed.to_le_bytes()).finalize();
    Scalar::from_bytes_mod_order_wide(&digest.into())
}

/// A torsion point; index 0 is the identity, odd ones have order 8.
pub fn torsion(index: usize) -> EdwardsPoint {
    EIGHT_TORSION[index]
}

/// Signs under a = secret·B + torsion with R = nonce·B + torsion, both encoded as usual.
pub fn sign(secret: Scalar, ta: usize, nonce: Scalar, tr: usize, message: &[u8]) -> Crafted {
    let key = (B * secret + torsion(ta)).compress().to_bytes();
    let r = (B * nonce + torsion(tr)).compress().to_bytes();
    let s = nonce + challenge(&r, &key, message) * secret;
    crafted("signed", key, message, r, s.to_bytes())
}

pub fn crafted(name: &str, key: [u8; 32], message: &[u8], r: [u8; 32], s: [u8; 32]) -> Crafted {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(&s);
    Crafted { name: name.into(), key, message: message.to_vec(), signature }
}

/// Every encoding of a point of small order that a lenient decoder takes, canonical ones included.
pub fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut all = Vec::new();
    for low in 0..=255u8 {
        for (middle, high) in [(0, 0), (0, 0x80), (0xff, 0x7f), (0xff, 0xff)] {
            let mut bytes = [middle; 32];
            bytes[0] = low;
            bytes[31] = high;
            all.push(bytes);
        }
    }
    all.extend(EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()));
    all.retain(|bytes| {
        CompressedEdwardsY(*bytes).decompress().is_some_and(|point| point.is_small_order())
    });
    all.sort_unstable();
    all.dedup();
    all
}

/// s + count·L, if it fits into 32 bytes.
pub fn add_order(s: [u8; 32], count: usize) -> Option<[u8; 32]> {
    let mut sum = s;
    for _ in 0..count {
        let mut carry = 0u16;
        for (byte, order) in sum.iter_mut().zip(ORDER) {
            let total = u16::from(*byte) + u16::from(order) + carry;
            *byte = total.to_le_bytes()[0];
            carry = total >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(sum)
}

/// A pool of every kind, good and bad, for composing batches.
pub fn pool() -> Vec<Crafted> {
    let mut pool = Vec::new();
    for (ta, tr) in (0..8).flat_map(|ta| (0..8).map(move |tr| (ta, tr))) {
        let message = [u8::try_from(ta * 8 + tr).unwrap(); 5];
        // A few secrets only, so that batches hold several signatures of one key.
        let good = sign(scalar(ta as u64 % 3), ta, scalar(100 + tr as u64), tr, &message);
        let mut wrong_message = good.clone();
        wrong_message.message.push(0);
        let mut wrong_scalar = good.clone();
        wrong_scalar.signature[32] ^= 1;
        let mut high_scalar = good.clone();
        let s = add_order(halves(&good.signature).1, 1).unwrap();
        high_scalar.signature[32..].copy_from_slice(&s);
        pool.extend([good.clone(), good.clone(), good, wrong_message, wrong_scalar, high_scalar]);
    }
    for r in small_order_encodings() {
        let (secret, message) = (scalar(7), b"small commitment");
        let key = (B * secret + torsion(1)).compress().to_bytes();
        let s = challenge(&r, &key, message) * secret;
        pool.push(crafted("small R", key, message, r, s.to_bytes()));
    }
    pool
}
