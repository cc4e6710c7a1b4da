//! The records of one family that wait: found by their key at once, and walked in the order of keys.

use std::cmp::Ordering;

use hashbrown::HashTable;

use crate::fast_map::FoldState;
use crate::store::engine::Direction;

/// Sorted runs at most: a walk looks at the front of each. More become one.
const RUNS_MAX: usize = 64;

/// A record that waits: its key, and its value unless it is removed.
pub(super) type Record<'a> = (&'a [u8], Option<&'a [u8]>);

/// Records that an engine does not have yet, each key once.
///
/// What comes together is sorted by itself into a run, when all of it is there. Runs are merged when they are many, and
/// when the engine gets them: sorting what is nearly sorted is cheap, keeping a tree of it in order is not.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Keys and values, in the order in which they came.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Places in `entries`, by key.
    places: HashTable<u32>,
    /// Peers choose keys: nobody outside can aim for collisions.
    secret: FoldState,
    runs: Vec<Vec<Slot>>,
    /// What came since the last run.
    unsorted: Vec<Slot>,
}

/// Where a record lies in the bytes; without a value the key is removed.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Of the key, so that the table can grow without it.
    hash: u64,
    key: Span,
    value: Option<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u32,
}

/// An entry with the first bytes of its key, which settle nearly every comparison.
#[derive(Clone, Copy, Debug)]
struct Slot {
    prefix: u64,
    place: u32,
}

impl Pending {
    /// Sets a record, or removes it.
    pub(super) fn set(&mut self, key: &[u8], value: Option<&[u8]>) {
        let hash = self.secret.hash_bytes(key);
        match self.find(hash, key) {
            Some(place) => self.replace(place, value),
            None => self.add(hash, key, value),
        }
    }

    /// What is known of a key: `None` when the engine has to be asked.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        if self.entries.is_empty() {
            return None;
        }
        let place = self.find(self.secret.hash_bytes(key), key)?;
        Some(self.record(place).1)
    }

    /// Sorts what came since the last time. Walks see nothing that was set after it.
    pub(super) fn settle(&mut self) {
        if self.unsorted.is_empty() {
            return;
        }
        let mut run = std::mem::take(&mut self.unsorted);
        run.sort_unstable_by(|a, b| self.compare(*a, *b));
        self.runs.push(run);
        if self.runs.len() > RUNS_MAX {
            self.runs = vec![self.merged()];
        }
    }

    /// Forgets all records, and keeps the room for as many.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.places.clear();
        self.runs.clear();
        self.unsorted.clear();
    }

    /// All records in the order of keys.
    pub(super) fn sorted(&self) -> impl Iterator<Item = Record<'_>> {
        self.merged().into_iter().map(|slot| self.record(slot.place))
    }

    /// The records from `start` on, in the order of a scan.
    pub(super) fn range(&self, start: &[u8], direction: Direction) -> Walk<'_> {
        let rests = self.runs.iter().map(|run| match direction {
            Direction::Ascending => {
                &run[run.partition_point(|slot| self.key(slot.place) < start)..]
            }
            Direction::Descending => {
                &run[..run.partition_point(|slot| self.key(slot.place) <= start)]
            }
        });
        Walk { pending: self, rests: rests.collect(), direction }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that the records take, those of replaced values included.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.places.find(hash, |place| self.key(*place) == key).copied()
    }

    fn add(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>) {
        let place = small(self.entries.len());
        let entry = Entry { hash, key: self.keep(key), value: value.map(|value| self.keep(value)) };
        self.entries.push(entry);
        self.unsorted.push(Slot { prefix: prefix(key), place });
        let entries = &self.entries;
        self.places.insert_unique(hash, place, |place| entries[*place as usize].hash);
    }

    /// A value takes the room of the one before it where it fits.
    fn replace(&mut self, place: u32, value: Option<&[u8]>) {
        let span = match (self.entries[place as usize].value, value) {
            (_, None) => None,
            (Some(old), Some(value)) if value.len() <= old.length as usize => {
                let span = Span { start: old.start, length: small(value.len()) };
                self.bytes[span.range()].copy_from_slice(value);
                Some(span)
            }
            (_, Some(value)) => Some(self.keep(value)),
        };
        self.entries[place as usize].value = span;
    }

    fn keep(&mut self, part: &[u8]) -> Span {
        let span = Span { start: small(self.bytes.len()), length: small(part.len()) };
        self.bytes.extend_from_slice(part);
        span
    }

    fn key(&self, place: u32) -> &[u8] {
        self.entries[place as usize].key.of(&self.bytes)
    }

    fn record(&self, place: u32) -> Record<'_> {
        let Entry { key, value, .. } = self.entries[place as usize];
        (key.of(&self.bytes), value.map(|value| value.of(&self.bytes)))
    }

    fn compare(&self, a: Slot, b: Slot) -> Ordering {
        a.prefix.cmp(&b.prefix).then_with(|| self.key(a.place).cmp(self.key(b.place)))
    }

    /// One run of all; a sort that finds the runs merges them.
    fn merged(&self) -> Vec<Slot> {
        let mut all = self.runs.concat();
        all.extend_from_slice(&self.unsorted);
        all.sort_by(|a, b| self.compare(*a, *b));
        all
    }
}

impl Span {
    fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.range()]
    }
}

/// A walk over records in the order of keys.
pub(super) struct Walk<'a> {
    pending: &'a Pending,
    /// What is left of each run.
    rests: Vec<&'a [Slot]>,
    direction: Direction,
}

impl Walk<'_> {
    /// The next slot of a run.
    fn front(&self, rest: &[Slot]) -> Option<Slot> {
        match self.direction {
            Direction::Ascending => rest.first().copied(),
            Direction::Descending => rest.last().copied(),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let fronts = self.rests.iter().enumerate();
        let fronts = fronts.filter_map(|(run, rest)| Some((run, self.front(rest)?)));
        let (run, slot) = fronts.min_by(|(_, a), (_, b)| {
            let order = self.pending.compare(*a, *b);
            if self.direction == Direction::Ascending { order } else { order.reverse() }
        })?;
        let rest = &mut self.rests[run];
        *rest = match self.direction {
            Direction::Ascending => &rest[1..],
            Direction::Descending => &rest[..rest.len() - 1],
        };
        Some(self.pending.record(slot.place))
    }
}

/// The first eight bytes of a key as a number that sorts like them.
fn prefix(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(8);
    first[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(first)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("what waits is bounded far below 4 GiB")
}
