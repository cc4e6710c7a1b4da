//! A store in memory, for tests and simulations, that can lose power and be damaged.
//!
//! Like RocksDB it has tables, which a flush writes, and a log of the writes since. A crash leaves the tables and what
//! of the log counts; the next start writes that to tables.

#[cfg(feature = "rocks")]
mod disk;
#[cfg(feature = "rocks")]
mod log_image;
mod tables;

use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use logothete_primitives::ChainId;

use super::chain_store::ChainStore;
use super::engine::{Direction, Durability, Engine, Visit, Writer};
use super::schema::Family;
use super::{FamilyUsage, Store, StoreError};

#[cfg(feature = "rocks")]
pub use disk::{Damage, MemoryDisk};

use tables::{Change, Tables};

/// A [`Store`] without a disk.
pub type MemoryStore = ChainStore<MemoryEngine>;

/// Records in memory, and what of them a power loss would leave.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// What is read.
    tables: Tables,
    /// Kept only by stores that can lose power.
    disk: Option<Disk>,
    fate: Fate,
}

/// What files hold. Cheap to clone.
#[derive(Clone, Debug, Default)]
struct Disk {
    tables: Arc<Tables>,
    /// Logged writes since the last flush, oldest first.
    log: Vec<Arc<[Change]>>,
    /// So many of them are synced.
    synced: usize,
}

/// What a store does when it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It writes.
    #[default]
    Works,
    /// So many writes more, then the machine is off.
    StopsAfter(u64),
    /// So many writes more, then the disk is full; what is written stays.
    FillsAfter(u64),
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self::with_engine(MemoryEngine::default(), chain)
    }

    /// An empty store that remembers what is not durable, for [`MemoryStore::lose_power`].
    #[must_use]
    pub fn crashable(chain: ChainId) -> Self {
        let inner = Inner { disk: Some(Disk::default()), ..Inner::default() };
        Self::with_engine(MemoryEngine { inner: RwLock::new(inner) }, chain)
    }

    fn with_engine(engine: MemoryEngine, chain: ChainId) -> Self {
        Self::open_on(engine, chain).expect("an empty memory store has nothing to refuse")
    }

    /// Number of logged writes that a power loss may take back.
    #[must_use]
    pub fn unsynced_writes(&self) -> usize {
        let inner = self.engine().read_inner();
        inner.disk.as_ref().map_or(0, |disk| disk.log.len() - disk.synced)
    }

    /// Decides how long the store goes on. A write beyond that fails and changes nothing.
    pub fn set_fate(&self, fate: Fate) {
        self.engine().write_inner().fate = fate;
    }

    /// Power loss: what is there afterwards. Unlogged writes since the last flush are gone, and the
    /// logged ones that were not synced, newest first, down to the `survivors` oldest. Whoever still
    /// holds this store can write no more.
    ///
    /// # Errors
    /// When what is left cannot be opened.
    pub fn lose_power(&self, survivors: usize) -> Result<Self, StoreError> {
        let chain = Store::chain(self);
        let mut inner = self.engine().write_inner();
        inner.fate = Fate::StopsAfter(0);
        let left = match inner.disk.clone() {
            Some(mut disk) => {
                disk.crash(survivors);
                Inner { tables: disk.contents(), disk: Some(disk), fate: Fate::Works }
            }
            None => Inner { tables: inner.tables.clone(), ..Inner::default() },
        };
        Self::open_on(MemoryEngine { inner: RwLock::new(left) }, chain)
    }
}

impl Disk {
    /// Loses of what is not synced all but the oldest writes.
    fn crash(&mut self, survivors: usize) {
        self.log.truncate(self.synced.saturating_add(survivors));
        self.synced = self.log.len();
    }

    /// What a reader finds.
    fn contents(&self) -> Tables {
        let mut tables = Tables::clone(&self.tables);
        for change in self.log.iter().flat_map(|write| write.iter()) {
            tables.set(change.clone());
        }
        tables
    }
}

impl MemoryEngine {
    fn read_inner(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().expect("no writer panics")
    }

    fn write_inner(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().expect("no writer panics")
    }
}

impl Inner {
    /// One write is due: whether it may still happen.
    fn spend(&mut self) -> Result<(), StoreError> {
        match &mut self.fate {
            Fate::Works => Ok(()),
            Fate::StopsAfter(0) => Err(StoreError::Engine("power is off".into())),
            Fate::FillsAfter(0) => Err(StoreError::NoSpace),
            Fate::StopsAfter(left) | Fate::FillsAfter(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Writer for Changes {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.0.push((family, key.to_vec(), Some(value.to_vec())));
    }

    fn remove(&mut self, family: Family, key: &[u8]) {
        self.0.push((family, key.to_vec(), None));
    }
}

impl Engine for MemoryEngine {
    fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read_inner().tables.get(family, key)?.cloned())
    }

    fn read_many(
        &self,
        family: Family,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let inner = self.read_inner();
        keys.iter().map(|key| Ok(inner.tables.get(family, key)?.cloned())).collect()
    }

    fn contains(&self, family: Family, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.read_inner().tables.get(family, key)?.is_some())
    }

    fn scan(
        &self,
        family: Family,
        start: &[u8],
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let inner = self.read_inner();
        let records = inner.tables.family(family);
        let mut failure = None;
        let mut go_on = |(key, value): (&Vec<u8>, &Vec<u8>)| match inner.tables.check(family, key) {
            Ok(()) => visit(key, value).is_continue(),
            Err(error) => {
                failure = Some(error);
                false
            }
        };
        let start = Bound::Included(start);
        match direction {
            Direction::Ascending => {
                records.range::<[u8], _>((start, Bound::Unbounded)).all(&mut go_on)
            }
            Direction::Descending => {
                records.range::<[u8], _>((Bound::Unbounded, start)).rev().all(&mut go_on)
            }
        };
        failure.map_or(Ok(()), Err)
    }

    fn write(
        &self,
        durability: Durability,
        fill: &mut dyn FnMut(&mut dyn Writer),
    ) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        fill(&mut changes);
        let mut inner = self.write_inner();
        inner.spend()?;
        if let Some(disk) = inner.disk.as_mut().filter(|_| durability != Durability::Unlogged) {
            disk.log.push(changes.0.clone().into());
            if durability == Durability::Synced {
                disk.synced = disk.log.len();
            }
        }
        for change in changes.0 {
            inner.tables.set(change);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut inner = self.write_inner();
        inner.spend()?;
        if let Some(disk) = &mut inner.disk {
            disk.synced = disk.log.len();
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut inner = self.write_inner();
        inner.spend()?;
        if inner.disk.is_some() {
            let tables = Arc::new(inner.tables.clone());
            inner.disk = Some(Disk { tables, ..Disk::default() });
        }
        Ok(())
    }

    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError> {
        let inner = self.read_inner();
        let usage = |family: Family| {
            let map = inner.tables.family(family);
            FamilyUsage {
                family: family.name(),
                disk_bytes: 0,
                memory_bytes: map.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum(),
                records: map.len() as u64,
            }
        };
        Ok(Family::ALL.into_iter().map(usage).collect())
    }

    fn is_write_stalled(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn checkpoint(&self, _target: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("a checkpoint"))
    }
}
