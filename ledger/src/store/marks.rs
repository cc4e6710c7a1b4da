//! A copy of the safety marks outside the database, which shows a database that was rolled back
//! (R10).
//!
//! The file has two slots of 512 bytes, one disk sector each, written in turn: a torn write damages
//! one slot and leaves the other. A write follows the synced write of the safety state, so the file
//! is never ahead of an honest database, and it is not synced itself: after a power loss it may be a
//! little behind, after a crash of the process it is exact. A database restored from an old copy is
//! behind the file.
//!
//! Slot: magic 8 ‖ sequence 8 ‖ chain 32 ‖ epoch 8 ‖ voted 8 ‖ timed out 8 ‖ commit-voted 8 ‖
//! proposed 8 ‖ checksum 32, all numbers big endian, the rest zero.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use logothete_primitives::{ChainId, Digest, Domain, Epoch, View, hash};

use super::StoreError;

const SLOTS: usize = 2;
const SLOT_BYTES: usize = 512;
const BODY_BYTES: usize = 88;
const MAGIC: &[u8; 8] = b"LGTMARK1";
const CHECKSUM: Domain = Domain::new("lgt/marks");

/// The highest views that a validator has signed for, by kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Epoch that the views belong to.
    pub epoch: Epoch,
    /// `lpv`: highest view prepare-voted (R2).
    pub voted: View,
    /// `htv`: highest view timed out (R5).
    pub timed_out: View,
    /// Highest view commit-voted (R3).
    pub commit_voted: View,
    /// Highest view proposed in (R1).
    pub proposed: View,
}

impl Marks {
    /// Marks of a validator that never signed.
    #[must_use]
    pub fn fresh(epoch: Epoch) -> Self {
        let none = View::ZERO;
        Self { epoch, voted: none, timed_out: none, commit_voted: none, proposed: none }
    }

    fn views(&self) -> [View; 4] {
        [self.voted, self.timed_out, self.commit_voted, self.proposed]
    }

    /// True when everything that `earlier` knows to be signed is known here too.
    #[must_use]
    pub fn covers(&self, earlier: &Self) -> bool {
        self.epoch > earlier.epoch
            || (self.epoch == earlier.epoch
                && self.views().iter().zip(earlier.views()).all(|(mine, theirs)| *mine >= theirs))
    }
}

/// What the copy says about the database at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarksCheck {
    /// The same marks.
    Agrees,
    /// The file is behind, as after a power loss. The database counts.
    FileBehind,
    /// The database lacks something that this validator signed: it was rolled back or restored from
    /// a copy. R10 applies.
    DatabaseOlder {
        /// The marks in the file.
        file: Marks,
    },
    /// There is no file, or none of its slots is whole. The database may be old: R10 applies.
    FileLost,
    /// The file belongs to another chain, so it says nothing about this one: R10 applies.
    FileForeign {
        /// The chain in the file.
        chain: ChainId,
    },
}

impl MarksCheck {
    /// True when the database's safety state may be used to sign.
    #[must_use]
    pub fn permits_signing(&self) -> bool {
        matches!(self, Self::Agrees | Self::FileBehind)
    }
}

/// The bytes of a slot.
pub type Sector = [u8; SLOT_BYTES];

/// What the two slots are kept in.
pub trait Sectors: Debug + Send + Sync {
    /// The bytes of a slot; `None` when there are not so many.
    fn read(&self, slot: usize) -> Result<Option<Sector>, StoreError>;

    /// Writes a slot, not durably.
    fn write(&mut self, slot: usize, bytes: &Sector) -> Result<(), StoreError>;

    /// Makes what was written durable.
    fn sync(&self) -> Result<(), StoreError>;
}

/// The open file of marks.
#[derive(Debug)]
pub struct MarksFile {
    sectors: Box<dyn Sectors>,
    chain: ChainId,
    last: Option<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    sequence: u64,
    chain: ChainId,
    marks: Marks,
}

impl MarksFile {
    /// Opens the file, or makes an empty one and syncs its directory.
    pub fn open(path: &Path, chain: ChainId) -> Result<Self, StoreError> {
        Self::open_on(Box::new(SectorsOfFile::open(path)?), chain)
    }

    /// The marks in something else than a file.
    pub fn open_on(sectors: Box<dyn Sectors>, chain: ChainId) -> Result<Self, StoreError> {
        let mut last: Option<Slot> = None;
        for slot in 0..SLOTS {
            let slot = sectors.read(slot)?.as_ref().and_then(decode_slot);
            if slot.map(|slot| slot.sequence) > last.map(|slot| slot.sequence) {
                last = slot;
            }
        }
        Ok(Self { sectors, chain, last })
    }

    /// The newest whole marks in the file, if they belong to this chain.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        self.last.filter(|slot| slot.chain == self.chain).map(|slot| slot.marks)
    }

    /// Compares with the marks of the database.
    #[must_use]
    pub fn check(&self, database: &Marks) -> MarksCheck {
        let Some(slot) = self.last else {
            return MarksCheck::FileLost;
        };
        if slot.chain != self.chain {
            return MarksCheck::FileForeign { chain: slot.chain };
        }
        match (database.covers(&slot.marks), slot.marks.covers(database)) {
            (true, true) => MarksCheck::Agrees,
            (true, false) => MarksCheck::FileBehind,
            (false, _) => MarksCheck::DatabaseOlder { file: slot.marks },
        }
    }

    /// Writes the marks to the older slot. To be called after the safety state with these marks is
    /// durable in the database, never before.
    pub fn write(&mut self, marks: &Marks) -> Result<(), StoreError> {
        let sequence = self.last.map_or(1, |slot| slot.sequence + 1);
        let slot = Slot { sequence, chain: self.chain, marks: *marks };
        self.sectors.write(usize::from(sequence % 2 == 1), &encode_slot(&slot))?;
        self.last = Some(slot);
        Ok(())
    }

    /// Makes the last write durable, for a clean stop.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.sectors.sync()
    }
}

#[derive(Debug)]
struct SectorsOfFile {
    path: PathBuf,
    file: File,
}

impl SectorsOfFile {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error| StoreError::io(path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(io)?;
        let length = (SLOTS * SLOT_BYTES) as u64;
        if file.metadata().map_err(io)?.len() < length {
            file.set_len(length).and_then(|()| file.sync_all()).map_err(io)?;
            sync_directory_of(path)?;
        }
        Ok(Self { path: path.to_path_buf(), file })
    }
}

impl Sectors for SectorsOfFile {
    fn read(&self, slot: usize) -> Result<Option<Sector>, StoreError> {
        let mut bytes = [0; SLOT_BYTES];
        match self.file.read_exact_at(&mut bytes, (slot * SLOT_BYTES) as u64) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(StoreError::io(&self.path, error)),
        }
    }

    fn write(&mut self, slot: usize, bytes: &Sector) -> Result<(), StoreError> {
        let written = self.file.write_all_at(bytes, (slot * SLOT_BYTES) as u64);
        written.map_err(|error| StoreError::io(&self.path, error))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| StoreError::io(&self.path, error))
    }
}

fn encode_slot(slot: &Slot) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    let [voted, timed_out, commit_voted, proposed] = slot.marks.views();
    let mut rest = &mut bytes[..];
    let mut put = |part: &[u8]| {
        let (place, after) = std::mem::take(&mut rest).split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    };
    put(MAGIC);
    put(&slot.sequence.to_be_bytes());
    put(slot.chain.as_bytes());
    put(&slot.marks.epoch.get().to_be_bytes());
    for view in [voted, timed_out, commit_voted, proposed] {
        put(&view.get().to_be_bytes());
    }
    let checksum = hash(CHECKSUM, &bytes[..BODY_BYTES]);
    bytes[BODY_BYTES..BODY_BYTES + 32].copy_from_slice(checksum.as_bytes());
    bytes
}

fn decode_slot(bytes: &[u8; SLOT_BYTES]) -> Option<Slot> {
    let (body, rest) = bytes.split_at(BODY_BYTES);
    if hash(CHECKSUM, body).as_bytes() != &rest[..32] || &body[..8] != MAGIC {
        return None;
    }
    let number = |at: usize| {
        let bytes = body[at..].first_chunk::<8>().expect("inside the body");
        u64::from_be_bytes(*bytes)
    };
    let chain = body[16..].first_chunk::<32>().expect("inside the body");
    Some(Slot {
        sequence: number(8),
        chain: ChainId::new(Digest::new(*chain)),
        marks: Marks {
            epoch: Epoch::new(number(48)),
            voted: View::new(number(56)),
            timed_out: View::new(number(64)),
            commit_voted: View::new(number(72)),
            proposed: View::new(number(80)),
        },
    })
}

fn sync_directory_of(path: &Path) -> Result<(), StoreError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| StoreError::io(directory, error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chain(byte: u8) -> ChainId {
        ChainId::new(Digest::new([byte; 32]))
    }

    fn marks(voted: u64, timed_out: u64) -> Marks {
        let fresh = Marks::fresh(Epoch::new(1));
        Marks { voted: View::new(voted), timed_out: View::new(timed_out), ..fresh }
    }

    #[test]
    fn an_absent_file_is_lost_not_agreeing() {
        let directory = tempfile::tempdir().unwrap();
        let file = MarksFile::open(&directory.path().join("marks"), chain(1)).unwrap();
        assert_eq!(file.check(&marks(0, 0)), MarksCheck::FileLost);
        assert!(!file.check(&marks(0, 0)).permits_signing());
    }

    #[test]
    fn shows_a_database_that_was_rolled_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marks");
        let mut file = MarksFile::open(&path, chain(1)).unwrap();
        for view in 1..=7 {
            file.write(&marks(view, 3)).unwrap();
        }
        file.sync().unwrap();
        let file = MarksFile::open(&path, chain(1)).unwrap();
        assert_eq!(file.marks(), Some(marks(7, 3)));
        assert_eq!(file.check(&marks(7, 3)), MarksCheck::Agrees);
        assert_eq!(file.check(&marks(8, 3)), MarksCheck::FileBehind);
        let older = MarksCheck::DatabaseOlder { file: marks(7, 3) };
        assert_eq!(file.check(&marks(6, 3)), older);
        assert_eq!(file.check(&marks(9, 2)), older, "one mark behind is enough");
        let next_epoch = Marks { epoch: Epoch::new(2), ..marks(1, 0) };
        assert_eq!(file.check(&next_epoch), MarksCheck::FileBehind);
    }

    #[test]
    fn a_damaged_slot_leaves_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marks");
        let mut file = MarksFile::open(&path, chain(1)).unwrap();
        file.write(&marks(1, 0)).unwrap();
        file.write(&marks(2, 0)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for position in 0..BODY_BYTES + 32 {
            for (slot, survivor) in [(0, 1), (SLOT_BYTES, 2)] {
                let mut bytes = whole.clone();
                bytes[slot + position] ^= 0x10;
                std::fs::write(&path, &bytes).unwrap();
                let file = MarksFile::open(&path, chain(1)).unwrap();
                assert_eq!(
                    file.marks(),
                    Some(marks(survivor, 0)),
                    "byte {position} of slot {slot}"
                );
            }
        }
        std::fs::write(&path, vec![0xff; 2 * SLOT_BYTES]).unwrap();
        let file = MarksFile::open(&path, chain(1)).unwrap();
        assert_eq!(file.check(&marks(2, 0)), MarksCheck::FileLost);
    }

    #[test]
    fn a_file_of_another_chain_is_foreign() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marks");
        MarksFile::open(&path, chain(1)).unwrap().write(&marks(5, 5)).unwrap();
        let file = MarksFile::open(&path, chain(2)).unwrap();
        assert_eq!(file.check(&marks(9, 9)), MarksCheck::FileForeign { chain: chain(1) });
        assert_eq!(file.marks(), None);
    }
}
