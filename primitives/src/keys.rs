//! Ed25519 keys: bytes as they travel, the point that verifies, and the secret that signs.

use core::fmt;
use core::str::FromStr;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use crate::address::{self, AddressError};
use crate::codec::{Decode, Encode};
use crate::signature::Signature;
use crate::text::serde_as_text;

/// Human-readable prefix of a validator's or node's key.
const KEY_PREFIX: &str = "lgtval";

/// The encoding of a public key; whether it is one is found out by [`VerifyingKey::try_from`].
///
/// As text: bech32m, `lgtval1…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct PublicKey([u8; 32]);

serde_as_text!(PublicKey, "a key that begins with lgtval1");

impl PublicKey {
    /// The key with this encoding.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The encoding.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        address::write_bech32m(f, KEY_PREFIX, &self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        address::parse_bech32m(KEY_PREFIX, text).map(Self)
    }
}

/// Why bytes are not a key that can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the encoding of a point of the curve.
    #[error("the key is not a point of the curve")]
    NotAPoint,
    /// A point, but not in its one canonical encoding.
    #[error("the key is not in canonical form")]
    NonCanonical,
    /// A point of small order, under which signatures mean nothing.
    #[error("the key has small order")]
    SmallOrder,
}

/// A public key ready to verify: canonical, on the curve, not of small order.
///
/// Making one costs about a tenth of a verification, so keep it; cloning copies 192 bytes.
#[derive(Clone, Copy)]
pub struct VerifyingKey {
    public: PublicKey,
    point: EdwardsPoint,
}

impl VerifyingKey {
    /// The encoding of the key.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    pub(crate) const fn point(&self) -> &EdwardsPoint {
        &self.point
    }
}

impl TryFrom<&PublicKey> for VerifyingKey {
    type Error = KeyError;

    fn try_from(public: &PublicKey) -> Result<Self, KeyError> {
        if !is_canonical_point(&public.0) {
            return Err(KeyError::NonCanonical);
        }
        let point = CompressedEdwardsY(public.0).decompress().ok_or(KeyError::NotAPoint)?;
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self { public: *public, point })
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.public, f)
    }
}

/// Whether 32 bytes can be the canonical encoding of a point: y below p, and no negative zero for x.
pub(crate) fn is_canonical_point(bytes: &[u8; 32]) -> bool {
    const fn little_endian(first: u8, last: u8) -> [u8; 32] {
        let mut bytes = [0xff; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
    /// y = -1 with the sign bit: x is 0, which has no negative.
    const MINUS_ONE_SIGNED: [u8; 32] = little_endian(0xec, 0xff);
    /// y = 1 with the sign bit: the same.
    const ONE_SIGNED: [u8; 32] = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes[31] = 0x80;
        bytes
    };
    let not_reduced = bytes[0] >= 0xed
        && bytes[1..31].iter().all(|byte| *byte == 0xff)
        && bytes[31] & 0x7f == 0x7f;
    !not_reduced && *bytes != MINUS_ONE_SIGNED && *bytes != ONE_SIGNED
}

/// The secret half of a key. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key of this seed (RFC 8032 calls it the private key).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs bytes that were made by [`signing_message`](crate::signature::signing_message).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public())
    }
}
