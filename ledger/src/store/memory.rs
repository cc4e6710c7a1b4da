//! A store in memory, for tests and simulations, that can lose power.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use logothete_primitives::ChainId;

use super::chain_store::ChainStore;
use super::engine::{Direction, Durability, Engine, Visit, Writer};
use super::schema::Family;
use super::{FamilyUsage, Store, StoreError};

/// A [`Store`] without a disk.
pub type MemoryStore = ChainStore<MemoryEngine>;

/// Sorted maps, and what is needed to take back the writes that a power loss would take back.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    inner: RwLock<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    families: [BTreeMap<Vec<u8>, Vec<u8>>; Family::ALL.len()],
    /// Kept only by stores that can lose power.
    journal: Option<Journal>,
    fate: Fate,
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

/// Old values of the writes that are not durable yet, oldest write first.
#[derive(Clone, Debug, Default)]
struct Journal {
    logged: Vec<Undo>,
    unlogged: Vec<Undo>,
}

/// What one write replaced.
type Undo = Vec<(Family, Vec<u8>, Option<Vec<u8>>)>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self::with_engine(MemoryEngine::default(), chain)
    }

    /// An empty store that remembers what is not durable, for [`MemoryStore::lose_power`].
    #[must_use]
    pub fn crashable(chain: ChainId) -> Self {
        let inner = Inner { journal: Some(Journal::default()), ..Inner::default() };
        Self::with_engine(MemoryEngine { inner: RwLock::new(inner) }, chain)
    }

    fn with_engine(engine: MemoryEngine, chain: ChainId) -> Self {
        Self::open_on(engine, chain).expect("an empty memory store has nothing to refuse")
    }

    /// Number of logged writes that a power loss may take back.
    #[must_use]
    pub fn unsynced_writes(&self) -> usize {
        self.engine().read_inner().journal.as_ref().map_or(0, |journal| journal.logged.len())
    }

    /// Decides how long the store goes on. A write beyond that fails and changes nothing.
    pub fn set_fate(&self, fate: Fate) {
        self.engine().write_inner().fate = fate;
    }

    /// Power loss: what the next start finds. Unlogged writes since the last flush are gone, and the
    /// logged ones that were not synced, newest first, down to the `survivors` oldest. Whoever still
    /// holds this store can write no more.
    ///
    /// # Errors
    /// When what is left cannot be opened.
    pub fn lose_power(&self, survivors: usize) -> Result<Self, StoreError> {
        let mut inner = self.engine().write_inner();
        inner.fate = Fate::StopsAfter(0);
        let mut left = Inner { fate: Fate::Works, ..inner.clone() };
        drop(inner);
        left.take_back(survivors);
        Self::open_on(MemoryEngine { inner: RwLock::new(left) }, Store::chain(self))
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
    fn family(&self, family: Family) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.families[family.position()]
    }

    fn set(&mut self, family: Family, key: Vec<u8>, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let map = &mut self.families[family.position()];
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        }
    }

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

    fn take_back(&mut self, survivors: usize) {
        // What survives is on disk now.
        let Some(mut lost) = self.journal.replace(Journal::default()) else {
            return;
        };
        let logged = lost.logged.split_off(survivors.min(lost.logged.len()));
        for undo in [logged, lost.unlogged].into_iter().flat_map(|writes| writes.into_iter().rev())
        {
            for (family, key, old) in undo.into_iter().rev() {
                self.set(family, key, old);
            }
        }
    }
}

#[derive(Default)]
struct Changes(Vec<(Family, Vec<u8>, Option<Vec<u8>>)>);

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
        Ok(self.read_inner().family(family).get(key).cloned())
    }

    fn read_many(
        &self,
        family: Family,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let inner = self.read_inner();
        Ok(keys.iter().map(|key| inner.family(family).get(*key).cloned()).collect())
    }

    fn contains(&self, family: Family, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.read_inner().family(family).contains_key(key))
    }

    fn scan(
        &self,
        family: Family,
        start: &[u8],
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let inner = self.read_inner();
        let map = inner.family(family);
        let mut go_on = |(key, value): (&Vec<u8>, &Vec<u8>)| visit(key, value).is_continue();
        let start = Bound::Included(start);
        match direction {
            Direction::Ascending => map.range::<[u8], _>((start, Bound::Unbounded)).all(&mut go_on),
            Direction::Descending => {
                map.range::<[u8], _>((Bound::Unbounded, start)).rev().all(&mut go_on)
            }
        };
        Ok(())
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
        let mut undo = Undo::new();
        for (family, key, value) in changes.0 {
            let old = inner.set(family, key.clone(), value);
            undo.push((family, key, old));
        }
        if let Some(journal) = &mut inner.journal {
            match durability {
                Durability::Logged => journal.logged.push(undo),
                Durability::Synced => journal.logged.clear(),
                Durability::Unlogged => journal.unlogged.push(undo),
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut inner = self.write_inner();
        inner.spend()?;
        if let Some(journal) = &mut inner.journal {
            journal.logged.clear();
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut inner = self.write_inner();
        inner.spend()?;
        if let Some(journal) = &mut inner.journal {
            *journal = Journal::default();
        }
        Ok(())
    }

    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError> {
        let inner = self.read_inner();
        let usage = |family: Family| {
            let map = inner.family(family);
            FamilyUsage {
                family: family.name(),
                disk_bytes: 0,
                memory_bytes: map.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum(),
                records: map.len() as u64,
            }
        };
        Ok(Family::ALL.into_iter().map(usage).collect())
    }

    fn checkpoint(&self, _target: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("a checkpoint"))
    }
}
