//! Batches of opaque payloads: the bytes are ordered, and nobody looks into them.
//!
//! They have the layout of batches of transactions (author, sequence, count, then each payload behind its length), and
//! their hash covers the whole of it. Only `bench order` makes chains of them.

use bytes::Bytes;
use logothete_ledger::batch::{BATCH_ENTRY_BYTES, BATCH_PREFIX_BYTES, BatchRef};
use logothete_ledger::error::BatchError;
use logothete_primitives::codec::CodecError;
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_BATCH_TXS};
use logothete_primitives::{BatchHash, ValidatorIndex, domain, hash};

use super::held::HeldBatch;

/// Bytes of one payload, at most.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024;

/// Payloads that wait to be sealed, each behind its length, and room before them for what the seal adds.
#[derive(Clone, Debug)]
pub struct Unsealed {
    bytes: Vec<u8>,
    count: u32,
}

impl Default for Unsealed {
    fn default() -> Self {
        Self { bytes: vec![0; BATCH_PREFIX_BYTES], count: 0 }
    }
}

impl Unsealed {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes that they take with their lengths.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        self.bytes.len() - BATCH_PREFIX_BYTES
    }

    /// Adds payloads that [`measure`] found, unless the batch would become too large.
    #[must_use]
    pub fn add(&mut self, measured: Measured, entries: &[u8]) -> bool {
        let count = self.count.saturating_add(measured.count);
        let size = self.bytes.len() + measured.bytes;
        if size > MAX_BATCH_BYTES || usize::try_from(count).is_ok_and(|count| count > MAX_BATCH_TXS)
        {
            return false;
        }
        self.bytes.extend_from_slice(&entries[..measured.bytes]);
        self.count = count;
        true
    }

    /// The batch of all of them.
    #[must_use]
    pub fn seal(mut self, author: ValidatorIndex, sequence: u64) -> HeldBatch {
        self.bytes[0..2].copy_from_slice(&author.get().to_le_bytes());
        self.bytes[2..10].copy_from_slice(&sequence.to_le_bytes());
        self.bytes[10..14].copy_from_slice(&self.count.to_le_bytes());
        held(author, self.count, Bytes::from(self.bytes))
    }
}

/// Whole payloads at the front of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// How many.
    pub count: u32,
    /// Bytes that they take with their lengths.
    pub bytes: usize,
}

/// Measures the whole payloads at the front of `entries`, up to `bytes_max`.
///
/// # Errors
/// A payload longer than [`MAX_PAYLOAD_BYTES`].
pub fn measure(entries: &[u8], bytes_max: usize) -> Result<Measured, CodecError> {
    let mut measured = Measured::default();
    while let Some((length, rest)) = entries[measured.bytes..].split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_PAYLOAD_BYTES {
            return Err(CodecError::TooLong { len: length, max: MAX_PAYLOAD_BYTES });
        }
        let end = measured.bytes + BATCH_ENTRY_BYTES + length;
        if length > rest.len() || end > bytes_max {
            break;
        }
        measured = Measured { count: measured.count + 1, bytes: end };
    }
    Ok(measured)
}

/// Opens a batch as it was sent or stored.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn open(bytes: Bytes) -> Result<HeldBatch, BatchError> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(BatchError::TooLarge { max: MAX_BATCH_BYTES, got: bytes.len() });
    }
    let (prefix, entries) =
        bytes.split_first_chunk::<BATCH_PREFIX_BYTES>().ok_or(CodecError::Truncated)?;
    let [author_low, author_high, .., c0, c1, c2, c3] = *prefix;
    let author = ValidatorIndex::new(u16::from_le_bytes([author_low, author_high]));
    let count = u32::from_le_bytes([c0, c1, c2, c3]);
    let measured = measure(entries, entries.len())?;
    let is_within = usize::try_from(count).is_ok_and(|count| count <= MAX_BATCH_TXS);
    if measured.count != count || measured.bytes != entries.len() || !is_within {
        return Err(CodecError::Invalid("the payloads of a batch fill it and are counted").into());
    }
    if count == 0 {
        return Err(BatchError::Empty);
    }
    Ok(held(author, count, bytes))
}

fn held(author: ValidatorIndex, count: u32, bytes: Bytes) -> HeldBatch {
    let size = u32::try_from(bytes.len()).expect("a batch is bounded far below 2^32");
    let hash = BatchHash::new(hash(domain::BATCH, &bytes));
    let reference = BatchRef { hash, author, count, bytes: size };
    HeldBatch { reference, transactions: Vec::new(), bytes }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn entries(payloads: &[&[u8]]) -> Vec<u8> {
        let entry = |payload: &&[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
            [&length[..], payload].concat()
        };
        payloads.iter().flat_map(entry).collect()
    }

    fn sealed(payloads: &[&[u8]]) -> HeldBatch {
        let entries = entries(payloads);
        let mut unsealed = Unsealed::default();
        assert!(unsealed.add(measure(&entries, entries.len()).unwrap(), &entries));
        unsealed.seal(ValidatorIndex::new(3), 7)
    }

    #[test]
    fn a_sealed_batch_opens_to_what_was_sealed() {
        let sealed = sealed(&[b"one", b"", b"three"]);
        assert_eq!((sealed.reference.author, sealed.reference.count), (ValidatorIndex::new(3), 3));
        let opened = open(sealed.bytes.clone()).unwrap();
        assert_eq!(opened.reference, sealed.reference);
        assert!(opened.transactions.is_empty());
    }

    #[test]
    fn every_changed_byte_makes_another_batch_or_none() {
        let sealed = sealed(&[b"one", b"two"]);
        for position in 0..sealed.bytes.len() {
            let mut changed = sealed.bytes.to_vec();
            changed[position] ^= 1;
            let opened = open(Bytes::from(changed));
            assert!(!opened.is_ok_and(|opened| opened.hash() == sealed.hash()), "{position}");
        }
        for length in 0..sealed.bytes.len() {
            assert!(open(sealed.bytes.slice(..length)).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn only_whole_payloads_are_measured_and_long_ones_refused() {
        let stream = entries(&[b"one", b"three"]);
        for cut in 0..stream.len() {
            let found = measure(&stream[..cut], usize::MAX).unwrap();
            let whole = u32::from(cut >= 7);
            assert_eq!(found, Measured { count: whole, bytes: 7 * whole as usize }, "{cut}");
        }
        assert_eq!(measure(&stream, 15).unwrap().count, 1, "the second ends behind the bound");
        let long = u32::try_from(MAX_PAYLOAD_BYTES + 1).unwrap().to_le_bytes();
        assert!(measure(&long, usize::MAX).is_err());
    }

    #[test]
    fn a_batch_takes_no_more_than_the_protocol_allows() {
        let entry = entries(&[&[7; 128]]);
        let one = measure(&entry, entry.len()).unwrap();
        let mut unsealed = Unsealed::default();
        while unsealed.add(one, &entry) {}
        let held = unsealed.seal(ValidatorIndex::new(0), 0);
        assert!(held.bytes.len() <= MAX_BATCH_BYTES);
        assert!(held.bytes.len() + one.bytes > MAX_BATCH_BYTES);
        open(held.bytes).unwrap();
    }
}
