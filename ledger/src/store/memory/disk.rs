//! The disk of a store between two lives: what may happen to it, and what the next start makes of it.
//!
//! Damage is of bytes. What finds it is what finds it on a real disk: the look at the log that a
//! [`RocksStore`](crate::store::RocksStore) takes, the checksum of a table's block (whose error is given as RocksDB
//! gives it), and the seals and roots that the readers of records check.

use std::sync::{Arc, RwLock};

use logothete_primitives::ChainId;

use super::log_image::LogImage;
use super::tables::Tables;
use super::{Disk, Fate, Inner, MemoryEngine, MemoryStore};
use crate::store::schema::Family;
use crate::store::{Store, StoreError};

/// Records up to about so many bytes share a block of a table, and its checksum.
const BLOCK_BYTES: usize = 4 * 1024;
/// What a file system writes at a time.
const PAGE_BYTES: usize = 4 * 1024;

/// What happens to a disk while nobody uses it. The number says where, counted round and round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A bit of the log flips.
    LogBit(u64),
    /// A page of the log that was synced was never written.
    LogPage(u64),
    /// The log ends at some byte: what was synced behind it is gone.
    LogEnd(u64),
    /// A block of a table no longer matches its checksum: a bit flipped in it, or a page of it was never written.
    Block(u64),
    /// A bit flips beneath the checksum of its block, in a record that is guarded by a seal or a root of its own.
    Record(u64),
}

/// What the files of a store hold that nobody uses.
#[derive(Debug)]
pub struct MemoryDisk {
    chain: ChainId,
    disk: Disk,
    /// The bytes of the log, once they are no longer what was written.
    log: Option<LogImage>,
}

impl MemoryStore {
    /// The disk of this store, for the next start.
    #[must_use]
    pub fn disk(&self) -> MemoryDisk {
        let disk = self.engine().read_inner().disk.clone().unwrap_or_default();
        MemoryDisk { chain: Store::chain(self), disk, log: None }
    }

    /// Reads every record, as a copy of the database does.
    ///
    /// # Errors
    /// When a block of a table is damaged.
    pub fn read_all(&self) -> Result<(), StoreError> {
        let inner = self.engine().read_inner();
        let unreadable = inner.tables.unreadable.first();
        unreadable.map_or(Ok(()), |(family, key)| inner.tables.check(*family, key))
    }
}

impl MemoryDisk {
    /// Damages the disk; false when there is nothing of that kind.
    pub fn suffer(&mut self, damage: Damage) -> bool {
        match damage {
            Damage::LogBit(number) => self.change_log(|log| flip_bit(log, number)),
            Damage::LogPage(number) => self.change_log(|log| lose_page(log, number)),
            Damage::LogEnd(number) => self.change_log(|log| cut(log, number)),
            Damage::Block(number) => Arc::make_mut(&mut self.disk.tables).spoil_block(number),
            Damage::Record(number) => {
                self.disk = Disk { tables: Arc::new(self.disk.contents()), ..Disk::default() };
                Arc::make_mut(&mut self.disk.tables).flip_guarded(number)
            }
        }
    }

    /// The log, byte for byte.
    #[cfg(test)]
    pub(crate) fn log_bytes(&self) -> Vec<u8> {
        LogImage::new(&self.disk.log).bytes
    }

    fn change_log(&mut self, change: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let log = self.log.get_or_insert_with(|| LogImage::new(&self.disk.log));
        change(&mut log.bytes)
    }

    /// A start: looks at the log, and writes what counts of it to tables.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn open(mut self) -> Result<MemoryStore, StoreError> {
        if let Some(log) = self.log.take() {
            self.disk.log.truncate(log.counted()?);
        }
        let tables = self.disk.contents();
        let disk = Disk { tables: Arc::new(tables.clone()), ..Disk::default() };
        let inner = Inner { tables, disk: Some(disk), fate: Fate::Works };
        MemoryStore::open_on(MemoryEngine { inner: RwLock::new(inner) }, self.chain)
    }
}

impl Tables {
    /// Damages the block of this number, counted round and round; false when there is none.
    fn spoil_block(&mut self, number: u64) -> bool {
        let blocks: Vec<_> =
            Family::ALL.into_iter().flat_map(|family| self.blocks(family)).collect();
        let Some(place) = place_of(number, blocks.len()) else { return false };
        self.unreadable.extend(blocks.into_iter().nth(place).into_iter().flatten());
        true
    }

    /// The records of a family in groups that share a block.
    fn blocks(&self, family: Family) -> Vec<Vec<(Family, Vec<u8>)>> {
        let (mut blocks, mut block, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (key, value) in self.family(family) {
            block.push((family, key.clone()));
            bytes += key.len() + value.len();
            if bytes >= BLOCK_BYTES {
                blocks.push(std::mem::take(&mut block));
                bytes = 0;
            }
        }
        blocks.extend((!block.is_empty()).then_some(block));
        blocks
    }

    /// Flips a bit of a value that something besides its block's checksum guards: a seal, or the root of the state.
    fn flip_guarded(&mut self, number: u64) -> bool {
        let guarded = [Family::Meta, Family::Safety, Family::Executed, Family::State];
        let places = guarded.into_iter().flat_map(|family| {
            let full = self.family(family).iter().filter(|(_, value)| !value.is_empty());
            full.map(move |(key, _)| (family, key.clone()))
        });
        let places: Vec<_> = places.collect();
        let Some(place) = place_of(number, places.len()) else { return false };
        let (family, key) = &places[place];
        let value = self.families[family.position()].get_mut(key);
        value.is_some_and(|value| flip_bit(value, number / places.len() as u64))
    }
}

/// The place that a number means among so many, counted round and round.
fn place_of(number: u64, places: usize) -> Option<usize> {
    usize::try_from(number.checked_rem(places as u64)?).ok()
}

fn flip_bit(bytes: &mut [u8], number: u64) -> bool {
    let Some(bit) = place_of(number, bytes.len() * 8) else { return false };
    bytes[bit / 8] ^= 1 << (bit % 8);
    true
}

fn lose_page(log: &mut [u8], number: u64) -> bool {
    let pages = log.len().div_ceil(PAGE_BYTES);
    let page = place_of(number, pages).and_then(|page| log.chunks_mut(PAGE_BYTES).nth(page));
    page.is_some_and(|page| {
        page.fill(0);
        true
    })
}

fn cut(log: &mut Vec<u8>, number: u64) -> bool {
    let end = place_of(number, log.len());
    log.truncate(end.unwrap_or_default());
    end.is_some()
}
