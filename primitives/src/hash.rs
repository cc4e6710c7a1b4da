//! SHA-256 with domain separation.

use sha2::Digest as _;
use sha2::block_api::compress256;

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
    if bytes.len() <= SHORT_MAX {
        return hash_short(domain, bytes);
    }
    Hasher::new(domain).update(bytes).finish()
}

/// Bytes that fill two blocks of SHA-256 together with the tag, the end mark and the length.
const SHORT_MAX: usize = 128 - 16 - 9;

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Nodes of trees are what is hashed most: padding them here (FIPS 180-4, section 5.1.1), without the buffer of
/// a streaming hasher, saves a third of the time.
fn hash_short(domain: Domain, bytes: &[u8]) -> Digest {
    let tag = domain.as_bytes();
    let length = tag.len() + bytes.len();
    let mut blocks = [[0; 64]; 2];
    let padded = blocks.as_flattened_mut();
    padded[..tag.len()].copy_from_slice(tag);
    padded[tag.len()..length].copy_from_slice(bytes);
    padded[length] = 0x80;
    let end = if length < 56 { 64 } else { 128 };
    padded[end - 8..end].copy_from_slice(&(8 * length as u64).to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, &blocks[..end / 64]);
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    Digest(digest)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain;

    #[test]
    fn short_and_long_inputs_hash_alike() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            let bytes = &bytes[..length];
            let streamed = Hasher::new(domain::BATCH).update(bytes).finish();
            assert_eq!(hash(domain::BATCH, bytes), streamed, "{length} bytes");
        }
    }
}
