//! Hash maps keyed by 32-byte digests and addresses, with a seeded hash of a few instructions; and the same hash of
//! other keys.
//!
//! Peers choose addresses, so the hash folds all bytes with secrets of the process: nobody outside can
//! aim for collisions. Iteration order differs between processes; whoever iterates must sort.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map from 32-byte keys.
pub(crate) type FastMap<K, V> = HashMap<K, V, FoldState>;

/// Secrets of one map.
#[derive(Clone, Debug)]
pub(crate) struct FoldState {
    secrets: [u64; 4],
}

impl Default for FoldState {
    fn default() -> Self {
        let random = RandomState::new();
        Self { secrets: [0u8, 1, 2, 3].map(|index| random.hash_one(index)) }
    }
}

impl FoldState {
    /// The hash of a key of any length.
    #[inline]
    pub(crate) fn hash_bytes(&self, key: &[u8]) -> u64 {
        let [a, b, c, d] = self.secrets;
        let (chunks, rest) = key.as_chunks::<16>();
        let fold = |hash: u64, chunk: &[u8; 16]| {
            let (words, _) = chunk.as_chunks::<8>();
            let [left, right] = [words[0], words[1]].map(u64::from_le_bytes);
            FoldHasher::fold(left ^ a ^ hash, right ^ b)
        };
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let hash = fold(chunks.iter().fold(c, fold), &last);
        // The length tells a short key from the same one with zeros behind it.
        FoldHasher::fold(hash ^ d, key.len() as u64 ^ c)
    }
}

impl BuildHasher for FoldState {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher { secrets: self.secrets, hash: 0 }
    }
}

/// Folds 16 bytes at a time by a 64 × 64 → 128 bit product.
#[derive(Debug)]
pub(crate) struct FoldHasher {
    secrets: [u64; 4],
    hash: u64,
}

impl FoldHasher {
    #[inline]
    fn fold(left: u64, right: u64) -> u64 {
        let product = u128::from(left) * u128::from(right);
        low_half(product) ^ low_half(product >> 64)
    }

    #[inline]
    fn fold_key(&self, key: &[u8; 32]) -> u64 {
        let [a, b, c, d] = self.secrets;
        let (words, _) = key.as_chunks::<8>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        let left = Self::fold(word(0) ^ a, word(1) ^ b);
        let right = Self::fold(word(2) ^ c, word(3) ^ d);
        Self::fold(left ^ d, right ^ a)
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
const fn low_half(number: u128) -> u64 {
    number as u64
}

impl Hasher for FoldHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let key = bytes.try_into().expect("the keys of a FastMap are 32 bytes long");
        self.hash = self.fold_key(key);
    }

    /// The length prefix of an array says nothing.
    #[inline]
    fn write_usize(&mut self, _: usize) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever chooses addresses must not find a part of them that the hash overlooks.
    #[test]
    fn every_bit_of_a_key_counts() {
        for _ in 0..8 {
            let state = FoldState::default();
            let key = [0x5a_u8; 32];
            assert_eq!(state.hash_one(key), state.hash_one(key));
            for bit in 0..256 {
                let mut other = key;
                other[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(state.hash_one(key), state.hash_one(other), "bit {bit}");
            }
        }
    }

    #[test]
    fn every_bit_and_the_length_of_any_key_count() {
        let state = FoldState::default();
        for length in 0..50 {
            let key = vec![0x5a_u8; length];
            assert_eq!(state.hash_bytes(&key), state.hash_bytes(&key));
            for bit in 0..8 * length {
                let mut other = key.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(state.hash_bytes(&key), state.hash_bytes(&other), "{length}, bit {bit}");
            }
            let longer = [&key[..], &[0]].concat();
            assert_ne!(state.hash_bytes(&key), state.hash_bytes(&longer), "{length} and a zero");
        }
    }

    /// The fold mixes as written: another operator in it would spread keys worse, which no map notices.
    #[test]
    fn known_secrets_give_a_known_hash() {
        let secrets = [
            0x9e37_79b9_7f4a_7c15,
            0xbf58_476d_1ce4_e5b9,
            0x94d0_49bb_1331_11eb,
            0xd6e8_feb8_6659_fd93,
        ];
        let key: [u8; 32] = std::array::from_fn(|place| u8::try_from(place).expect("below 32"));
        assert_eq!(FoldState { secrets }.hash_one(key), 0xfe56_7c48_644f_f5a2);
    }

    /// What collides in one process does not in another.
    #[test]
    fn each_map_has_its_own_secrets() {
        let hashes: Vec<u64> = (0..8).map(|_| FoldState::default().hash_one([0_u8; 32])).collect();
        assert!((1..8).all(|map| !hashes[..map].contains(&hashes[map])), "{hashes:?}");
    }
}
