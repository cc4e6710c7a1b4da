//! A look at the write-ahead log before RocksDB reads it.
//!
//! RocksDB 11.8 reads for ever, on one core and without a word, when one flipped bit turns a record
//! into one of a recycled log. Our logs are never recycled, so such a record is damage, and refused.
//!
//! A log is blocks of 32 KiB. A record lies within one block: checksum 4 ‖ length 2 ‖ kind 1 ‖ content,
//! little endian; what is left of a block and too short for a record is not used.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::StoreError;

const BLOCK_BYTES: u64 = 32 * 1024;
const HEAD_BYTES: usize = 7;

/// Refuses a database with a record in its log that is never written.
pub(super) fn check_logs(database: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::io(database, error);
    for entry in fs::read_dir(database).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension() == Some("log".as_ref()) {
            check_log(&path)?;
        }
    }
    Ok(())
}

fn check_log(path: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::io(path, error);
    let mut file = File::open(path).map_err(io)?;
    let mut block = Vec::new();
    let mut start = 0;
    loop {
        block.clear();
        file.by_ref().take(BLOCK_BYTES).read_to_end(&mut block).map_err(io)?;
        if block.is_empty() {
            return Ok(());
        }
        if let Some(at) = find_recycled(&block) {
            let place = start + at as u64;
            let fault = format!("{}: a record of a recycled log at offset {place}", path.display());
            return Err(StoreError::CorruptedFile(fault));
        }
        start += BLOCK_BYTES;
    }
}

/// Where the first record of a recycled log begins. Ends at a record that is not whole: what that
/// means is for RocksDB to say.
fn find_recycled(block: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some([.., low, high, kind]) = block.get(at..at + HEAD_BYTES) {
        if is_recycled(*kind) {
            return Some(at);
        }
        at += HEAD_BYTES + usize::from(u16::from_le_bytes([*low, *high]));
    }
    None
}

/// Whole, first, middle and last parts of records, and two kinds of notes.
const fn is_recycled(kind: u8) -> bool {
    matches!(kind, 5..=8 | 11 | 131)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u16) -> Vec<u8> {
        let [low, high] = length.to_le_bytes();
        [vec![5, 5, 5, 5, low, high, kind], vec![6; usize::from(length)]].concat()
    }

    #[test]
    fn finds_a_recycled_record_behind_whole_ones() {
        let log = [record(1, 20), record(2, 0), record(5, 3)].concat();
        assert_eq!(find_recycled(&log), Some(27 + 7));
        assert_eq!(find_recycled(&log[..log.len() - 3]), Some(27 + 7), "its content is torn");
    }

    #[test]
    fn passes_over_contents_torn_tails_and_zeros() {
        let whole = [record(1, 20), record(4, 9)].concat();
        for cut in 0..=whole.len() {
            assert_eq!(find_recycled(&whole[..cut]), None, "cut at {cut}");
        }
        assert_eq!(find_recycled(&[0; 100]), None);
        assert_eq!(find_recycled(&[record(1, 300), vec![5; 50]].concat()[..200]), None);
    }
}
