//! Signatures and the one rule by which they are accepted, alone and in batches.
//!
//! A signature (R, s) of a message M under a key A is accepted if, and only if,
//! - A and R are canonical encodings of points of the curve, and A is not of small order;
//! - s is below the order L of the base point B;
//! - 8·(s·B − k·A − R) = 0, with k = SHA-512(R ‖ A ‖ M) mod L.
//!
//! The factor 8 removes what a dishonest signer may have added of small order. Without it the sum that
//! decides over a batch would depend on its other members, and two honest nodes could disagree about
//! the same bytes. `docs/adr/0001-signature-acceptance.md` has the alternatives and the figures.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest as _, Sha256, Sha512};

use crate::codec::{Decode, Encode};
use crate::domain::{Domain, SIGNATURE_BATCH};
use crate::identifiers::ChainId;
use crate::keys::{PublicKey, VerifyingKey, is_canonical_point};
use crate::text::text_as_hex;

/// At this size and below, signatures of a failed batch are checked one by one.
const BISECT_MIN: usize = 8;

/// A signature as it travels: R, then s. As text: 128 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Signature([u8; 64]);

text_as_hex!(Signature, "a signature of 128 hex digits");

impl Signature {
    /// The signature with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes: R, then s.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// s is not below the group order: a changed copy of another signature.
    #[error("the signature's scalar is not canonical")]
    ScalarNotCanonical,
    /// R is not the canonical encoding of a point.
    #[error("the signature's point is not canonical")]
    PointNotCanonical,
    /// The equation does not hold: another key, another message or a forgery.
    #[error("the signature does not match key and message")]
    Mismatch,
}

/// The bytes that are signed: domain tag (16), chain id (32), body.
#[must_use]
pub fn signing_message(domain: Domain, chain: &ChainId, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(48 + body.len());
    message.extend_from_slice(domain.as_bytes());
    message.extend_from_slice(chain.as_bytes());
    message.extend_from_slice(body);
    message
}

impl VerifyingKey {
    /// Whether `signature` is this key's over `message`.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        Prepared::new(&BatchItem { key: self, message, signature })?.verify()
    }
}

/// One signature of a batch.
#[derive(Clone, Copy)]
pub struct BatchItem<'a> {
    /// Who is said to have signed.
    pub key: &'a VerifyingKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

impl fmt::Debug for BatchItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.signature, self.key.public())
    }
}

/// Whether all signatures are accepted. The verdict is that of [`VerifyingKey::verify`] on each.
pub fn verify_batch(items: &[BatchItem<'_>]) -> Result<(), SignatureError> {
    if let [item] = items {
        return item.key.verify(item.message, item.signature);
    }
    let prepared = items.iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
    if sum_vanishes(&prepared) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The positions of all signatures that are refused, ascending.
///
/// One batch check if all are good; otherwise halves, down to single checks.
#[must_use]
pub fn find_invalid(items: &[BatchItem<'_>]) -> Vec<usize> {
    let mut invalid = Vec::new();
    let mut prepared = Vec::with_capacity(items.len());
    let mut positions = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        match Prepared::new(item) {
            Ok(signature) => {
                prepared.push(signature);
                positions.push(position);
            }
            Err(_) => invalid.push(position),
        }
    }
    let mut mismatched = Vec::new();
    if !sum_vanishes(&prepared) {
        bisect(&prepared, 0, &mut mismatched);
    }
    invalid.extend(mismatched.into_iter().map(|index| positions[index]));
    invalid.sort_unstable();
    invalid
}

/// Looks for the bad ones in a part, which is known to hold at least one, that begins at `offset`.
fn bisect(part: &[Prepared<'_>], offset: usize, mismatched: &mut Vec<usize>) {
    if part.len() <= BISECT_MIN {
        let bad = part.iter().enumerate().filter(|(_, signature)| signature.verify().is_err());
        mismatched.extend(bad.map(|(index, _)| offset + index));
        return;
    }
    let middle = part.len() / 2;
    let (left, right) = part.split_at(middle);
    let left_good = sum_vanishes(left);
    if !left_good {
        bisect(left, offset, mismatched);
    }
    // If the left half is good, the right one is not: no need to ask.
    if left_good || !sum_vanishes(right) {
        bisect(right, offset + middle, mismatched);
    }
}

/// A signature whose parts were checked for canonical form.
struct Prepared<'a> {
    key: &'a VerifyingKey,
    commitment: EdwardsPoint,
    response: Scalar,
    challenge: Challenge,
}

/// SHA-512(R ‖ A ‖ M), before reduction.
struct Challenge([u8; 64]);

impl<'a> Prepared<'a> {
    fn new(item: &BatchItem<'a>) -> Result<Self, SignatureError> {
        let (commitment, response) = item.signature.0.split_at(32);
        let commitment: [u8; 32] = commitment.try_into().expect("half of 64 bytes");
        let response: [u8; 32] = response.try_into().expect("half of 64 bytes");
        let response = Option::from(Scalar::from_canonical_bytes(response))
            .ok_or(SignatureError::ScalarNotCanonical)?;
        if !is_canonical_point(&commitment) {
            return Err(SignatureError::PointNotCanonical);
        }
        let challenge = Sha512::new()
            .chain_update(commitment)
            .chain_update(item.key.public().as_bytes())
            .chain_update(item.message)
            .finalize();
        let commitment =
            CompressedEdwardsY(commitment).decompress().ok_or(SignatureError::PointNotCanonical)?;
        let challenge = Challenge(challenge.into());
        Ok(Self { key: item.key, commitment, response, challenge })
    }

    fn challenge(&self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.challenge.0)
    }

    fn verify(&self) -> Result<(), SignatureError> {
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(
            &self.challenge(),
            &-self.key.point(),
            &self.response,
        );
        let difference = expected - self.commitment;
        if difference.is_small_order() { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

/// Whether 8·Σ zᵢ(sᵢ·B − kᵢ·Aᵢ − Rᵢ) = 0 for coefficients zᵢ that the signers could not foresee.
///
/// Each difference that is not of small order leaves the sum at zero with probability 2^-128 only.
fn sum_vanishes(signatures: &[Prepared<'_>]) -> bool {
    if signatures.is_empty() {
        return true;
    }
    let mut base = Scalar::ZERO;
    let mut keys: Vec<&EdwardsPoint> = Vec::with_capacity(signatures.len());
    let mut key_scalars: Vec<Scalar> = Vec::with_capacity(signatures.len());
    let mut slots: BTreeMap<PublicKey, usize> = BTreeMap::new();
    let coefficients = coefficients(signatures);
    for (signature, coefficient) in signatures.iter().zip(&coefficients) {
        base += coefficient * signature.response;
        let weighted = coefficient * signature.challenge();
        let slot = *slots.entry(signature.key.public()).or_insert(keys.len());
        if slot == keys.len() {
            keys.push(signature.key.point());
            key_scalars.push(weighted);
        } else {
            key_scalars[slot] += weighted;
        }
    }
    let sum = EdwardsPoint::vartime_multiscalar_mul(
        coefficients.iter().copied().chain(key_scalars).chain([-base]),
        signatures
            .iter()
            .map(|signature| &signature.commitment)
            .chain(keys)
            .chain([&ED25519_BASEPOINT_POINT]),
    );
    sum.mul_by_cofactor().is_identity()
}

/// 128-bit coefficients that depend on every byte of every key, message and signature.
fn coefficients(signatures: &[Prepared<'_>]) -> Vec<Scalar> {
    let mut transcript = Sha256::new_with_prefix(SIGNATURE_BATCH.as_bytes());
    for signature in signatures {
        // The challenge stands for R, A and M.
        transcript.update(signature.challenge.0);
        transcript.update(signature.response.as_bytes());
    }
    let seed = Sha256::new_with_prefix(transcript.finalize());
    let blocks = (0u64..).map(|counter| -> [u8; 32] {
        seed.clone().chain_update(counter.to_le_bytes()).finalize().into()
    });
    let halves = blocks.flat_map(|block| {
        let (left, right) = block.split_at(16);
        [left, right].map(|half| <[u8; 16]>::try_from(half).expect("half of 32 bytes"))
    });
    halves.take(signatures.len()).map(|half| Scalar::from(u128::from_le_bytes(half))).collect()
}
