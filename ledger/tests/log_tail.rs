//! The write-ahead log of a real database, cut at every byte and flipped at every byte.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use logothete_ledger::store::{
    Applied, BlockRecord, Budget, CommittedBlock, ExecutedRoots, Marks, MarksCheck, MarksFile,
    RocksStore, Store, StoreError,
};
use logothete_primitives::{
    BatchHash, BlockHash, ChainId, Digest, Epoch, Height, ReceiptsRoot, StateRoot, View,
};

/// What a database holds after one of its writes, and how long its log was then.
#[derive(Clone, Debug, PartialEq)]
struct Moment {
    log_bytes: u64,
    /// View of the last vote in the safety state.
    voted: u64,
    committed: Height,
    uncommitted: Vec<BlockRecord>,
    /// Which of the two batches are there.
    batches: [bool; 2],
}

/// A database that was killed, with every moment of its log.
struct Killed {
    _directory: tempfile::TempDir,
    files: Vec<(String, Vec<u8>)>,
    log: String,
    bytes: Vec<u8>,
    /// Oldest first; the first is that of the last flush.
    moments: Vec<Moment>,
    /// The one that was synced last.
    synced: usize,
    marks: MarksFile,
}

/// Small, because it is opened some thousand times.
const BUDGET: Budget =
    Budget { cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20, log_bytes: 1 << 20 };

fn chain() -> ChainId {
    ChainId::new(Digest::new([7; 32]))
}

fn block(number: u8) -> BlockRecord {
    let (height, view) = (Height::new(u64::from(number)), View::new(u64::from(number)));
    let (block, justify) = (vec![number; 20], vec![number; 10]);
    BlockRecord { height, hash: BlockHash::new(Digest::new([number; 32])), view, block, justify }
}

fn batch_hash(number: u8) -> BatchHash {
    BatchHash::new(Digest::new([100 + number; 32]))
}

fn apply_genesis(store: &dyn Store) {
    let (state_root, receipts_root) = (StateRoot::ZERO, ReceiptsRoot::ZERO);
    let executed = ExecutedRoots { height: Height::ZERO, state_root, receipts_root };
    store.apply(&Applied { executed, changes: &[], transactions: &[] }).unwrap();
}

fn log_of(database: &Path) -> PathBuf {
    let files = fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension() == Some("log".as_ref())).max().unwrap()
}

fn moment(store: &dyn Store, log: &Path) -> Moment {
    let safety = store.safety().unwrap().unwrap();
    Moment {
        log_bytes: fs::metadata(log).unwrap().len(),
        voted: u64::from_be_bytes(safety.try_into().unwrap()),
        committed: store.committed_height(),
        uncommitted: store.uncommitted_blocks().unwrap(),
        batches: [1, 2].map(|number| store.has_batch(&batch_hash(number)).unwrap()),
    }
}

fn marks(voted: u64) -> Marks {
    Marks { voted: View::new(voted), ..Marks::fresh(Epoch::ZERO) }
}

/// Two heights: block, batch, vote, commit, with the last commit and a block not synced.
fn killed() -> Killed {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let mut marks_file = MarksFile::open(&directory.path().join("marks"), chain()).unwrap();
    let store = RocksStore::open_with(&path, chain(), BUDGET).unwrap();
    apply_genesis(&store);
    store.persist(&0_u64.to_be_bytes()).unwrap();
    store.flush().unwrap();
    let log = log_of(&path);
    let mut moments = vec![moment(&store, &log)];
    let mut synced = 0;
    for number in 1..=2 {
        let record = block(number);
        let batches = [batch_hash(number)];
        let committed = CommittedBlock {
            height: record.height,
            hash: record.hash,
            batches: &batches,
            evidence: &[],
        };
        store.put_block(&record).unwrap();
        moments.push(moment(&store, &log));
        store.put_batch(&batches[0], b"batch").unwrap();
        moments.push(moment(&store, &log));
        store.persist(&u64::from(number).to_be_bytes()).unwrap();
        marks_file.write(&marks(u64::from(number))).unwrap();
        synced = moments.len();
        moments.push(moment(&store, &log));
        store.commit(&[committed], b"certificate").unwrap();
        moments.push(moment(&store, &log));
    }
    store.put_block(&block(3)).unwrap();
    moments.push(moment(&store, &log));
    let files: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    let name = log.file_name().unwrap().to_str().unwrap().to_owned();
    let bytes = fs::read(&log).unwrap();
    Killed { _directory: directory, files, log: name, bytes, moments, synced, marks: marks_file }
}

impl Killed {
    /// Lays the database down with this log.
    fn lay(&self, log: &[u8], place: &Path) {
        let _ = fs::remove_dir_all(place);
        fs::create_dir_all(place).unwrap();
        for (name, bytes) in &self.files {
            let bytes = if *name == self.log { log } else { bytes };
            fs::write(place.join(name), bytes).unwrap();
        }
    }

    /// The database with this log, opened as a node opens it.
    fn open_with_log(&self, log: &[u8], place: &Path) -> Result<Moment, StoreError> {
        self.lay(log, place);
        let store = RocksStore::open_with(place, chain(), BUDGET)?;
        for number in 1..=u8::try_from(store.committed_height().get()).unwrap() {
            let found = store.block_by_height(Height::new(u64::from(number))).unwrap();
            assert_eq!(found, Some(block(number)), "a height is whole");
            let batch = store.batch(&batch_hash(number)).unwrap();
            assert_eq!(batch.as_deref(), Some(&b"batch"[..]), "with its batches");
        }
        assert_eq!(store.applied_height(), Some(Height::ZERO), "results are not logged");
        Ok(Moment { log_bytes: 0, ..moment(&store, &place.join("CURRENT")) })
    }

    /// The database with this byte of its log changed is refused as damaged, or ends before the byte.
    fn assert_flip(&self, at: usize, flip: u8, place: &Path) {
        let mut log = self.bytes.clone();
        log[at] ^= flip;
        let found = match self.open_with_log(&log, place) {
            Ok(found) => found,
            Err(error) => return assert!(error.is_corruption(), "byte {at}: {error}"),
        };
        let reached = self.place_of(&found);
        let before = self.moments.iter().rposition(|moment| moment.log_bytes <= at as u64);
        assert!(reached.is_some() && reached <= before, "byte {at} is damaged and yet believed");
        let check = self.marks.check(&marks(found.voted));
        let forgot = reached < Some(self.synced);
        assert_eq!(matches!(check, MarksCheck::DatabaseOlder { .. }), forgot, "byte {at}");
        assert_eq!(check.permits_signing(), !forgot, "byte {at}: {check:?}");
    }

    /// Which moment this is.
    fn place_of(&self, found: &Moment) -> Option<usize> {
        let same =
            |known: &Moment| Moment { log_bytes: found.log_bytes, ..known.clone() } == *found;
        self.moments.iter().rposition(same)
    }
}

/// A directory without a disk behind it, where there is one: what is tested is what RocksDB makes of
/// the bytes, and every opening syncs a dozen files.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Opens the database once for each place, on all cores.
fn at_each(places: &[usize], check: impl Fn(usize, &Path) + Sync) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for part in places.chunks(places.len().div_ceil(threads)) {
            let check = &check;
            scope.spawn(move || {
                let directory = scratch();
                part.iter().for_each(|place| check(*place, &directory.path().join("db")));
            });
        }
    });
}

/// Every byte from `tail` on, and some before.
fn places(tail: u64, end: u64) -> Vec<usize> {
    let (tail, end) = (usize::try_from(tail).unwrap(), usize::try_from(end).unwrap());
    (0..tail).step_by(29).chain(tail..end).collect()
}

/// A power loss cuts the log anywhere after the last synced write. What opens is exactly what the
/// whole records in it say, so nothing that was synced is lost and no height is there by half.
#[test]
fn a_log_cut_at_any_byte_opens_as_it_was_after_the_last_whole_write() {
    let killed = killed();
    let synced = killed.moments[killed.synced].log_bytes;
    let end = killed.bytes.len();
    let mut cuts = places(synced, end as u64);
    cuts.push(end);
    at_each(&cuts, |cut, place| {
        let found = killed.open_with_log(&killed.bytes[..cut], place).unwrap();
        let expected = killed.moments.iter().rposition(|m| m.log_bytes <= cut as u64).unwrap();
        assert_eq!(killed.place_of(&found), Some(expected), "cut at {cut}");
    });
}

/// Damage is refused with a typed error, or it looks like a torn tail and the log ends before it. The
/// latter may take a vote back; then the marks file outside the database says so (R10).
#[test]
fn a_log_flipped_at_any_byte_is_refused_or_ends_there() {
    let killed = killed();
    let last_vote = killed.moments[killed.synced - 1].log_bytes;
    at_each(&places(last_vote, killed.bytes.len() as u64), |at, place| {
        killed.assert_flip(at, 1 << (at % 8), place);
    });
}

/// The head of a record is where one bit decides how far RocksDB reads on: every bit of it.
#[test]
fn a_record_whose_head_is_damaged_is_refused_or_the_log_ends_there() {
    let killed = killed();
    let heads = [1, killed.synced - 1, killed.moments.len() - 2];
    let heads = heads.map(|moment| usize::try_from(killed.moments[moment].log_bytes).unwrap());
    let bits: Vec<usize> = heads.iter().flat_map(|head| (head + 4) * 8..(head + 7) * 8).collect();
    at_each(&bits, |bit, place| killed.assert_flip(bit / 8, 1 << (bit % 8), place));
}

/// Found by the test above: RocksDB reads such a log for ever.
#[test]
fn a_record_of_a_recycled_log_is_not_read() {
    let killed = killed();
    let directory = scratch();
    let place = directory.path().join("db");
    for moment in &killed.moments[..killed.moments.len() - 1] {
        let kind = usize::try_from(moment.log_bytes).unwrap() + 6;
        assert_eq!(killed.bytes[kind], 1, "a whole record");
        killed.assert_flip(kind, 1 ^ 5, &place);
        let mut log = killed.bytes.clone();
        log[kind] = 5;
        killed.lay(&log, &place);
        let error = RocksStore::open_read_only(&place, directory.path()).unwrap_err();
        assert!(error.is_corruption() && error.to_string().contains("recycled"), "{error}");
    }
}

/// Found by power failing under real nodes: RocksDB refuses a database whose last record has its length and not its content.
#[test]
fn a_tail_of_zeros_or_noise_is_cut_off() {
    let killed = killed();
    let synced = killed.moments[killed.synced].log_bytes;
    let synced = usize::try_from(synced).unwrap();
    let tail: Vec<usize> = (synced..killed.bytes.len()).step_by(3).collect();
    at_each(&tail, |start, place| {
        for noise in [0, 0xa5] {
            let mut log = killed.bytes.clone();
            log[start..].fill(noise);
            let found = killed.open_with_log(&log, place).unwrap();
            let expected = killed.moments.iter().rposition(|m| m.log_bytes <= start as u64);
            assert_eq!(killed.place_of(&found), expected, "{noise} from {start}");
        }
    });
}
