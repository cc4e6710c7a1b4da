//! A look at the write-ahead logs before RocksDB reads them: a tail that was never synced is cut off, damage of what
//! was synced is refused.
//!
//! A loss of power may leave anything where the last sync had not come yet: a part of a record, a sector of zeros or of
//! noise, a whole record behind a hole. RocksDB takes a record that ends too early for such a tail, and refuses any
//! other fault, so that a power cut could stop a validator, or all of them, for good. Whether a fault lies in the tail
//! is told by what follows it:
//!
//! - the safety state is the only thing that is written with a sync, and the one thread that writes waits for it;
//! - so a whole record that follows a safety state proves that this safety state, and all before it, was synced;
//! - a fault before that is damage, and what is lost may be a vote: refused. Any other fault begins the tail.
//!
//! Damage of the last synced records cannot be told from a tail. If it took a vote back, the marks file says so (R10).
//!
//! A log is blocks of 32 KiB. A record is one or more fragments, each within one block: checksum 4 ‖ length 2 ‖ kind 1 ‖
//! content, little endian; what is left of a block and too short for a head is not used. RocksDB 11.8 reads for ever
//! when a flipped bit turns a fragment into one of a recycled log. Our logs are never recycled: it is a fault.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crc::{CRC_32_ISCSI, Crc, Table};

use super::StoreError;
use super::schema::SAFETY_STATE;

const BLOCK_BYTES: usize = 32 * 1024;
const HEAD_BYTES: usize = 7;
/// Sequence number and count of a write, before its first change.
const WRITE_HEAD_BYTES: usize = 12;
/// What is wrong with a log that lost what was synced.
const BEFORE_A_VOTE: &str = "damage before a vote that was synced";
/// Enough of a record to see whether it is a safety state.
const START_BYTES: usize = 32;

/// Refuses a database whose log lost what was synced, or could not be read to its end; for reading only, so that nothing
/// is cut.
pub(super) fn check_logs(database: &Path) -> Result<(), StoreError> {
    for path in logs_of(database)? {
        let mut scan = Scan::default();
        read_blocks(&path, |block, at| scan.block(block, at))?;
        if let Some(fault) = scan.fault.filter(|fault| fault.is_recycled) {
            return Err(damaged(&path, fault.at, "a record of a recycled log"));
        }
    }
    Ok(())
}

/// Cuts off what was never synced, durably, or refuses the database.
pub(super) fn mend_logs(database: &Path) -> Result<(), StoreError> {
    let logs = logs_of(database)?;
    // A fault in one log makes all later ones part of the tail, or of the proof that there is none.
    let mut scan = Scan::default();
    let mut faulty = None;
    for (position, path) in logs.iter().enumerate() {
        read_blocks(path, |block, at| scan.block(block, at))?;
        scan.end_of_log();
        if let (None, Some(fault)) = (faulty, scan.fault) {
            faulty = Some((position, fault.at));
        }
    }
    let Some((position, at)) = faulty else { return Ok(()) };
    if scan.was_synced {
        return Err(damaged(&logs[position], at, BEFORE_A_VOTE));
    }
    // Newest first: a crash on the way leaves the fault in place, for the next start to find.
    for (later, path) in logs.iter().enumerate().skip(position).rev() {
        cut(path, if later == position { at } else { 0 })?;
    }
    Ok(())
}

/// How many bytes of a log count, by the same rules, when it is the only one: for logs that are no files.
pub(super) fn judge(log: &[u8]) -> Result<usize, StoreError> {
    let mut scan = Scan::default();
    for (number, block) in log.chunks(BLOCK_BYTES).enumerate() {
        scan.block(block, (number * BLOCK_BYTES) as u64);
    }
    scan.end_of_log();
    match scan.fault {
        None => Ok(log.len()),
        Some(fault) if scan.was_synced => Err(damaged(Path::new("log"), fault.at, BEFORE_A_VOTE)),
        Some(fault) => Ok(usize::try_from(fault.at).expect("an offset into a slice")),
    }
}

/// Appends a record to a log, in as many fragments as it needs.
pub(super) fn append(log: &mut Vec<u8>, record: &[u8]) {
    let (mut rest, mut begins) = (record, true);
    loop {
        let room = BLOCK_BYTES - log.len() % BLOCK_BYTES;
        if room < HEAD_BYTES {
            log.resize(log.len() + room, 0);
            continue;
        }
        let (content, after) = rest.split_at(rest.len().min(room - HEAD_BYTES));
        let kind = match (begins, after.is_empty()) {
            (true, true) => FULL,
            (true, false) => FIRST,
            (false, false) => MIDDLE,
            (false, true) => LAST,
        };
        push_fragment(log, kind, content);
        if after.is_empty() {
            return;
        }
        (rest, begins) = (after, false);
    }
}

fn push_fragment(log: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).expect("a fragment is shorter than a block");
    log.extend_from_slice(&mask(checksum(kind, content)).to_le_bytes());
    log.extend_from_slice(&length.to_le_bytes());
    log.push(kind);
    log.extend_from_slice(content);
}

/// The logs of a database, oldest first.
fn logs_of(database: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let io = |error| StoreError::io(database, error);
    let mut logs = Vec::new();
    for entry in fs::read_dir(database).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension() == Some("log".as_ref()) {
            logs.push(path);
        }
    }
    // Their names are numbers of equal length.
    logs.sort();
    Ok(logs)
}

fn damaged(path: &Path, at: u64, what: &str) -> StoreError {
    StoreError::CorruptedFile(format!("{}: {what} at offset {at}", path.display()))
}

fn cut(path: &Path, length: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(length).and_then(|()| file.sync_all()))
        .map_err(|error| StoreError::io(path, error))
}

fn read_blocks(path: &Path, mut visit: impl FnMut(&[u8], u64)) -> Result<(), StoreError> {
    let io = |error| StoreError::io(path, error);
    let mut file = File::open(path).map_err(io)?;
    let (mut block, mut start) = (Vec::with_capacity(BLOCK_BYTES), 0);
    loop {
        block.clear();
        file.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block).map_err(io)?;
        if block.is_empty() {
            return Ok(());
        }
        visit(&block, start);
        start += BLOCK_BYTES as u64;
    }
}

/// Where the first fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    /// Offset at which the record begins that is not whole.
    at: u64,
    is_recycled: bool,
}

/// What was seen of one or more logs.
#[derive(Debug, Default)]
struct Scan {
    /// A record whose last fragment is yet to come: where it begins, and its first bytes.
    open: Option<(u64, Vec<u8>)>,
    fault: Option<Fault>,
    /// Whether a safety state was seen at the fault or after it.
    vote_after_fault: bool,
    /// Whether a record followed that safety state.
    was_synced: bool,
}

/// A fragment at the beginning of some bytes of a block.
enum Fragment<'a> {
    Whole { kind: u8, content: &'a [u8] },
    Faulty { kind: u8, content: &'a [u8] },
}

impl Scan {
    /// Goes on with the next block of a log, which begins at this offset.
    fn block(&mut self, block: &[u8], start: u64) {
        let mut at = 0;
        while at < block.len() && at + HEAD_BYTES <= BLOCK_BYTES {
            match fragment(&block[at..], BLOCK_BYTES - at) {
                Fragment::Whole { kind, content } => {
                    self.whole(kind, content, start + at as u64);
                    at += HEAD_BYTES + content.len();
                }
                Fragment::Faulty { kind, content } => {
                    self.faulty(kind, content, start + at as u64);
                    // Its length may be wrong: the next fragment is where there is one.
                    at += 1;
                }
            }
        }
    }

    fn whole(&mut self, kind: u8, content: &[u8], at: u64) {
        let begins = matches!(kind, FULL | FIRST);
        let continues = matches!(kind, MIDDLE | LAST);
        if continues && self.open.is_none() || begins && self.open.is_some() {
            let at = self.open.take().map_or(at, |(begin, _)| begin);
            self.fault.get_or_insert(Fault { at, is_recycled: false });
        }
        if begins {
            self.open = Some((at, Vec::new()));
        }
        if let Some((_, start)) = self.open.as_mut().filter(|_| begins || continues) {
            start.extend(content.iter().take(START_BYTES - start.len()));
        }
        if matches!(kind, FULL | LAST)
            && let Some((_, start)) = self.open.take()
        {
            self.record(&start);
        }
    }

    /// A record that is whole.
    fn record(&mut self, start: &[u8]) {
        if self.fault.is_some() {
            self.was_synced |= self.vote_after_fault;
            self.vote_after_fault |= is_safety_state(start);
        }
    }

    fn faulty(&mut self, kind: u8, content: &[u8], at: u64) {
        let (begin, mut start) = self.open.take().unwrap_or((at, Vec::new()));
        if self.fault.is_none() {
            self.fault = Some(Fault { at: begin, is_recycled: is_recycled(kind) });
            start.extend(content.iter().take(START_BYTES - start.len()));
            self.vote_after_fault = is_safety_state(&start);
        }
    }

    /// A record does not go on in another log.
    fn end_of_log(&mut self) {
        if let Some((at, _)) = self.open.take() {
            self.fault.get_or_insert(Fault { at, is_recycled: false });
        }
    }
}

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

const fn is_recycled(kind: u8) -> bool {
    matches!(kind, 5..=8 | 11 | 131)
}

/// Parts of records, and notes between them: compression, timestamps, the log before.
const fn is_written(kind: u8) -> bool {
    matches!(kind, FULL..=LAST | 9 | 10 | 130)
}

/// The fragment at the beginning of `bytes`, which may extend to `room`.
fn fragment(bytes: &[u8], room: usize) -> Fragment<'_> {
    let Some(([c0, c1, c2, c3, low, high, kind], rest)) = bytes.split_first_chunk::<HEAD_BYTES>()
    else {
        return Fragment::Faulty { kind: 0, content: &[] };
    };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let content = &rest[..length.min(rest.len())];
    let fits = length <= rest.len() && HEAD_BYTES + length <= room;
    if fits && is_written(*kind) {
        let checksum = checksum(*kind, content);
        if mask(checksum) == u32::from_le_bytes([*c0, *c1, *c2, *c3]) {
            return Fragment::Whole { kind: *kind, content };
        }
    }
    Fragment::Faulty { kind: *kind, content }
}

/// What RocksDB computes over a fragment: CRC-32C (RFC 3720) of its kind and its content.
fn checksum(kind: u8, content: &[u8]) -> u32 {
    static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
    let mut digest = CRC.digest();
    digest.update(&[kind]);
    digest.update(content);
    digest.finalize()
}

/// How RocksDB stores a checksum.
const fn mask(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Whether the first change of a write sets the one key of the safety state.
fn is_safety_state(start: &[u8]) -> bool {
    const PUT_IN_FAMILY: u8 = 5;
    let Some([PUT_IN_FAMILY, change @ ..]) = start.get(WRITE_HEAD_BYTES..) else { return false };
    // The number of the family, then the length of the key, then the key.
    let key = change.iter().position(|byte| byte & 0x80 == 0).map(|end| &change[end + 1..]);
    let length = u8::try_from(SAFETY_STATE.len()).expect("a short key");
    key.and_then(|key| key.strip_prefix(&[length])).is_some_and(|key| key.starts_with(SAFETY_STATE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fragment_of(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut fragment = Vec::new();
        push_fragment(&mut fragment, kind, content);
        fragment
    }

    fn block() -> Vec<u8> {
        fragment_of(FULL, &[6; 90])
    }

    fn vote() -> Vec<u8> {
        fragment_of(FULL, &[&[0; 12][..], &[5, 3, 5], b"state", &[7; 60]].concat())
    }

    fn noise(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * 37 % 251).unwrap()).collect()
    }

    /// The offset of the tail, or none if the log is refused.
    fn tail_of(parts: &[Vec<u8>]) -> Option<usize> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("000004.log");
        fs::write(&path, parts.concat()).unwrap();
        mend_logs(directory.path()).ok()?;
        Some(fs::read(&path).unwrap().len())
    }

    #[test]
    fn whole_logs_are_left_as_they_are() {
        let parts = [vote(), block(), vote()];
        assert_eq!(tail_of(&parts), Some(parts.concat().len()));
        assert_eq!(tail_of(&[]), Some(0));
        let long = [vec![block(); 400].concat(), vote()].concat();
        // A head does not fit at the end of the first block.
        assert_eq!(BLOCK_BYTES % 97, 79);
        let spread: Vec<u8> = long[..BLOCK_BYTES - 79].to_vec();
        let filled = [spread, fragment_of(FULL, &[6; 79 - 7 - 3]), vec![0; 3], vote()].concat();
        assert_eq!(tail_of(std::slice::from_ref(&filled)), Some(filled.len()));
    }

    #[test]
    fn a_torn_tail_is_cut_whatever_it_holds() {
        let synced = [vote(), block(), vote()].concat();
        for torn in [block(), vote()] {
            for cut in 0..torn.len() {
                for rest in [Vec::new(), vec![0; 30], vec![0xff; 30], noise(600)] {
                    let parts = [synced.clone(), torn[..cut].to_vec(), rest];
                    assert_eq!(tail_of(&parts), Some(synced.len()), "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_hole_before_the_last_vote_is_part_of_the_tail() {
        let synced = [block(), vote()].concat();
        let parts = [synced.clone(), vec![0; 97], block(), vote()];
        assert_eq!(tail_of(&parts), Some(synced.len()), "the sync of the last vote did not end");
        let parts = [synced.clone(), vec![0; 97], block()];
        assert_eq!(tail_of(&parts), Some(synced.len()), "no vote at all");
    }

    #[test]
    fn damage_before_a_vote_that_was_synced_is_refused() {
        let damaged = |at: usize| {
            let mut parts = [block(), vote(), block()].concat();
            parts[at] ^= 0x10;
            tail_of(&[parts])
        };
        let (first, second) = (block().len(), block().len() + vote().len());
        for at in 0..first {
            assert_eq!(damaged(at), None, "byte {at} was synced with the vote");
        }
        // The content of the vote, which its beginning and its length still give away.
        for at in first + HEAD_BYTES + 20..second {
            assert_eq!(damaged(at), None, "byte {at} is of a vote that a record follows");
        }
        for at in second..second + block().len() {
            assert_eq!(damaged(at), Some(second), "byte {at} was not synced");
        }
    }

    #[test]
    fn a_record_of_a_recycled_log_is_a_fault() {
        for kind in [5, 8, 11, 131] {
            let (recycled, synced) = (fragment_of(kind, &[1; 20]), vote());
            assert_eq!(tail_of(&[synced.clone(), recycled.clone()]), Some(synced.len()));
            assert_eq!(tail_of(&[synced.clone(), recycled, vote(), block()]), None);
        }
    }

    #[test]
    fn a_record_of_several_blocks_is_one_record() {
        let (first, last) = (vec![6; BLOCK_BYTES - HEAD_BYTES], vec![6; 500]);
        let record = [fragment_of(FIRST, &first), fragment_of(LAST, &last)].concat();
        assert_eq!(tail_of(&[record.clone(), vote()]), Some(record.len() + vote().len()));
        assert_eq!(tail_of(&[record[..BLOCK_BYTES].to_vec()]), Some(0));
        assert_eq!(tail_of(&[record[..BLOCK_BYTES + 100].to_vec()]), Some(0));
    }

    #[test]
    fn a_fault_in_one_log_is_judged_by_the_next() {
        let mend = |second: &[Vec<u8>]| {
            let directory = tempfile::tempdir().unwrap();
            let paths = ["000004.log", "000009.log"].map(|name| directory.path().join(name));
            fs::write(&paths[0], [vote(), block()[..50].to_vec()].concat()).unwrap();
            fs::write(&paths[1], second.concat()).unwrap();
            mend_logs(directory.path()).ok()?;
            Some(paths.map(|path| fs::read(path).unwrap().len()))
        };
        assert_eq!(mend(&[block(), vote()]), Some([vote().len(), 0]));
        assert_eq!(mend(&[vote(), block()]), None);
    }
}
