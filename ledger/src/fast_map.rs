//! Hash maps keyed by 32-byte digests and addresses, with a seeded hash of a few instructions.
//!
//! Peers choose addresses, so the hash folds all 32 bytes with secrets of the process: nobody outside can
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
        Self {
            secrets: [0u8, 1, 2, 3].map(|index| random.hash_one(index)),
        }
    }
}

impl BuildHasher for FoldState {
    type Hasher = FoldHasher;

    fn build_hasher(&self) -> FoldHasher {
        FoldHasher {
            secrets: self.secrets,
            hash: 0,
        }
    }
}

/// Folds 16 bytes at a time by a 64 × 64 → 128 bit product.
#[derive(Debug)]
pub(crate) struct FoldHasher {
    secrets: [u64; 4],
    hash: u64,
}

impl FoldHasher {
    fn fold(left: u64, right: u64) -> u64 {
        let product = u128::from(left) * u128::from(right);
        let [low, high] = [product & u128::from(u64::MAX), product >> 64];
        u64::try_from(low ^ high).expect("both halves have 64 bits")
    }
}

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut secrets = self.secrets.iter().cycle();
        for chunk in bytes.chunks(16) {
            let mut padded = [0; 16];
            padded[..chunk.len()].copy_from_slice(chunk);
            let number = u128::from_le_bytes(padded);
            let [low, high] = [number & u128::from(u64::MAX), number >> 64]
                .map(|half| u64::try_from(half).expect("half of 128 bits"));
            let mut secret = || secrets.next().expect("the cycle never ends");
            self.hash = self.hash.rotate_left(23) ^ Self::fold(low ^ secret(), high ^ secret());
        }
    }

    /// The length prefix of an array says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}
