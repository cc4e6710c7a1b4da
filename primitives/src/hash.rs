//! SHA-256 with domain separation.

use sha2::Digest as _;

use crate::codec::{self, Decode, Encode};
use crate::domain::Domain;
use crate::text::text_as_hex;

/// The result of [`hash`]. As text: 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Digest([u8; 32]);

text_as_hex!(Digest, "a digest of 64 hex digits");

impl Digest {
    /// Stands for "none"; nothing is known to hash to it.
    pub const ZERO: Self = Self([0; 32]);

    /// A digest of these bytes, which came from a hash.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 of the domain tag followed by the bytes.
#[must_use]
pub fn hash(domain: Domain, bytes: &[u8]) -> Digest {
    Hasher::new(domain).update(bytes).finish()
}

/// [`hash`] of the encoding of a value.
#[must_use]
pub fn hash_value<T: Encode>(domain: Domain, value: &T) -> Digest {
    hash(domain, &codec::encode(value))
}

/// [`hash`] over bytes that come in pieces.
#[derive(Clone, Debug)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Starts with the tag of the domain.
    #[must_use]
    pub fn new(domain: Domain) -> Self {
        Self(sha2::Sha256::new_with_prefix(domain.as_bytes()))
    }

    /// Adds bytes. The boundaries between pieces do not count.
    #[must_use]
    pub fn update(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}
