//! Numbers that stand for states among those visited, as in TLC: two states meet in one of 2^64 with a chance of less
//! than one in a hundred thousand for ten million states.

use std::hash::{BuildHasherDefault, Hasher};

/// A set or map whose keys are fingerprints, which are hashed already.
pub(crate) type Build = BuildHasherDefault<AsIs>;

#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Makes a fingerprint of whatever can be hashed, eight bytes at a time.
pub(crate) struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        let hash = (self.0 ^ self.0 >> 29).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ hash >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let hash = (self.0 ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        self.0 = hash ^ hash >> 29;
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }
}
