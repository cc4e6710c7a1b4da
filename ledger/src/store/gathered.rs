//! Unlogged writes, gathered over some blocks before an engine gets them.
//!
//! An engine looks for the place of every record among all that it holds in memory. For the few thousand records of one
//! block, scattered by their hashes, that search costs most of what storing them costs; for many blocks at once, in the
//! order of keys, each is found from its neighbour. And an account that changes in every block is written once.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

mod pending;

use self::pending::Pending;
use super::engine::{Direction, Durability, Engine, Visit, Writer};
use super::schema::Family;
use super::{FamilyUsage, StoreError};

/// Bytes that wait at most, give or take a block. The engine writes them in one go, and a vote may wait behind that.
const WAITING_MAX: usize = 4 * 1024 * 1024;

/// An engine whose unlogged writes wait in memory until there are many.
///
/// That changes no promise: a crash may take back unlogged writes, and what waits are the newest. A family is written
/// logged or unlogged, never both.
#[derive(Debug)]
pub struct Gathered<E> {
    engine: E,
    waiting: RwLock<Waiting>,
    waiting_max: usize,
    /// Held by who adds to what waits, or writes it.
    turn: Mutex<()>,
}

/// Records that the engine does not have yet.
#[derive(Debug, Default)]
struct Waiting {
    families: [Pending; Family::ALL.len()],
}

impl Waiting {
    fn family(&self, family: Family) -> &Pending {
        &self.families[family.position()]
    }

    fn size(&self) -> usize {
        self.families.iter().map(Pending::size).sum()
    }
}

impl Writer for Waiting {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.families[family.position()].set(key, Some(value));
    }

    fn remove(&mut self, family: Family, key: &[u8]) {
        self.families[family.position()].set(key, None);
    }
}

impl<E: Engine> Gathered<E> {
    /// Gathers for an engine.
    pub fn new(engine: E) -> Self {
        Self::with_max(engine, WAITING_MAX)
    }

    /// [`Gathered::new`] with another bound of what waits, in bytes.
    pub(crate) fn with_max(engine: E, waiting_max: usize) -> Self {
        Self { engine, waiting: RwLock::default(), waiting_max, turn: Mutex::default() }
    }

    /// The engine, without what waits.
    pub fn into_inner(self) -> E {
        self.engine
    }

    fn waiting(&self) -> RwLockReadGuard<'_, Waiting> {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting_mut(&self) -> RwLockWriteGuard<'_, Waiting> {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the engine what waits. Readers go on meanwhile: they find the same in both places.
    fn write_out(&self) -> Result<(), StoreError> {
        let waiting = self.waiting();
        if waiting.size() == 0 {
            return Ok(());
        }
        self.engine.write(Durability::Unlogged, &mut |writer| {
            for family in Family::ALL {
                for (key, value) in waiting.family(family).sorted() {
                    match value {
                        Some(value) => writer.put(family, key, value),
                        None => writer.remove(family, key),
                    }
                }
            }
        })?;
        drop(waiting);
        self.waiting_mut().families.iter_mut().for_each(Pending::clear);
        Ok(())
    }

    fn write_out_in_turn(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_out()
    }
}

impl<E: Engine> Engine for Gathered<E> {
    fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let waiting = self.waiting();
        match waiting.family(family).get(key) {
            Some(value) => Ok(value.map(<[u8]>::to_vec)),
            None => self.engine.read(family, key),
        }
    }

    fn read_many(
        &self,
        family: Family,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let waiting = self.waiting();
        let known: Vec<_> = keys.iter().map(|key| waiting.family(family).get(key)).collect();
        let unknown = keys.iter().zip(&known).filter(|(_, known)| known.is_none());
        let unknown: Vec<_> = unknown.map(|(key, _)| *key).collect();
        let mut asked = self.engine.read_many(family, &unknown)?.into_iter();
        let value = |known: Option<Option<&[u8]>>| match known {
            Some(value) => value.map(<[u8]>::to_vec),
            None => asked.next().flatten(),
        };
        Ok(known.into_iter().map(value).collect())
    }

    fn contains(&self, family: Family, key: &[u8]) -> Result<bool, StoreError> {
        let waiting = self.waiting();
        match waiting.family(family).get(key) {
            Some(value) => Ok(value.is_some()),
            None => self.engine.contains(family, key),
        }
    }

    fn scan(
        &self,
        family: Family,
        start: &[u8],
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let waiting = self.waiting();
        let mut ours = waiting.family(family).range(start, direction).peekable();
        let comes_before = |a: &[u8], b: &[u8]| match direction {
            Direction::Ascending => a < b,
            Direction::Descending => a > b,
        };
        let mut flow = ControlFlow::Continue(());
        self.engine.scan(family, start, direction, &mut |key, value| {
            while let Some((key, value)) = ours.next_if(|(ours, _)| comes_before(ours, key)) {
                flow = value.map_or(ControlFlow::Continue(()), |value| visit(key, value));
                flow?;
            }
            let newer = ours.next_if(|(ours, _)| *ours == key).map(|(_, value)| value);
            flow = newer.unwrap_or(Some(value)).map_or(flow, |value| visit(key, value));
            flow
        })?;
        while let ControlFlow::Continue(()) = flow
            && let Some((key, value)) = ours.next()
        {
            flow = value.map_or(flow, |value| visit(key, value));
        }
        Ok(())
    }

    fn write(
        &self,
        durability: Durability,
        fill: &mut dyn FnMut(&mut dyn Writer),
    ) -> Result<(), StoreError> {
        if durability != Durability::Unlogged {
            return self.engine.write(durability, fill);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = {
            let mut waiting = self.waiting_mut();
            fill(&mut *waiting);
            waiting.families.iter_mut().for_each(Pending::settle);
            waiting.size()
        };
        if bytes < self.waiting_max { Ok(()) } else { self.write_out() }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.engine.sync()
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.write_out_in_turn()?;
        self.engine.flush()
    }

    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError> {
        let mut usage = self.engine.usage()?;
        let waiting = self.waiting();
        for (usage, records) in usage.iter_mut().zip(&waiting.families) {
            usage.memory_bytes += records.size() as u64;
            usage.records += records.len() as u64;
        }
        Ok(usage)
    }

    fn is_write_stalled(&self) -> Result<bool, StoreError> {
        self.engine.is_write_stalled()
    }

    fn checkpoint(&self, target: &Path) -> Result<(), StoreError> {
        self.write_out_in_turn()?;
        self.engine.checkpoint(target)
    }
}

#[cfg(test)]
mod tests;
