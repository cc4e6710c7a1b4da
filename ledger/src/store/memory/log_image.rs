//! A log as RocksDB would have written it, byte for byte.

use std::sync::Arc;

use super::tables::Change;
use crate::store::{StoreError, rocks_log};

/// Kinds of changes in a write: both name a family.
const REMOVE: u8 = 4;
const PUT: u8 = 5;

/// The bytes of a log, and where each write ends.
#[derive(Debug)]
pub(super) struct LogImage {
    pub(super) bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl LogImage {
    /// The log of these writes.
    pub(super) fn new(writes: &[Arc<[Change]>]) -> Self {
        let mut image = Self { bytes: Vec::new(), ends: Vec::with_capacity(writes.len()) };
        let mut sequence = 1;
        for write in writes {
            rocks_log::append(&mut image.bytes, &encode(sequence, write));
            image.ends.push(image.bytes.len());
            sequence += write.len() as u64;
        }
        image
    }

    /// The number of writes that count, by the look that a start takes at a log.
    pub(super) fn counted(&self) -> Result<usize, StoreError> {
        let kept = rocks_log::judge(&self.bytes)?;
        Ok(self.ends.partition_point(|end| *end <= kept))
    }
}

/// A write: sequence number 8 ‖ number of changes 4 ‖ changes, each kind 1 ‖ family ‖ key and, unless it removes, value.
fn encode(sequence: u64, write: &[Change]) -> Vec<u8> {
    let count = u32::try_from(write.len()).expect("a write is bounded");
    let mut bytes = [&sequence.to_le_bytes()[..], &count.to_le_bytes()].concat();
    for (family, key, value) in write {
        bytes.push(if value.is_some() { PUT } else { REMOVE });
        // Number zero is the default family, which is not used.
        push_number(&mut bytes, family.position() + 1);
        for part in [Some(key), value.as_ref()].into_iter().flatten() {
            push_number(&mut bytes, part.len());
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

/// Seven bits a byte, lowest first; the eighth says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}
