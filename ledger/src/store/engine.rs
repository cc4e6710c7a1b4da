//! The seam between the records of a chain and what keeps them: sorted families of bytes.

use std::ops::ControlFlow;
use std::path::Path;

use super::schema::Family;
use super::{FamilyUsage, StoreError};

/// What a write promises about a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// In the write-ahead log: durable with the next [`Durability::Synced`] write.
    Logged,
    /// In the write-ahead log and on disk, with every logged write before it.
    Synced,
    /// Not logged: a crash may take back the latest such writes, but only whole ones, newest first.
    Unlogged,
}

/// Direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first key at or after the start.
    Ascending,
    /// From the last key at or before the start.
    Descending,
}

/// Collects the changes of one atomic write.
pub trait Writer {
    /// Sets a record.
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]);
    /// Removes a record, if it is there.
    fn remove(&mut self, family: Family, key: &[u8]);
}

/// Sees one record of a scan and says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Sorted families of bytes with atomic writes.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The values of several keys, in their order.
    fn read_many(&self, family: Family, keys: &[&[u8]])
    -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Whether the key is there.
    fn contains(&self, family: Family, key: &[u8]) -> Result<bool, StoreError>;

    /// Visits records in order, all of one moment.
    fn scan(
        &self,
        family: Family,
        start: &[u8],
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError>;

    /// Writes everything that `fill` collects, or nothing.
    fn write(
        &self,
        durability: Durability,
        fill: &mut dyn FnMut(&mut dyn Writer),
    ) -> Result<(), StoreError>;

    /// Makes logged writes durable.
    fn sync(&self) -> Result<(), StoreError>;

    /// Makes unlogged writes durable.
    fn flush(&self) -> Result<(), StoreError>;

    /// Space used.
    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError>;

    /// Whether the engine slows down writers or lets them wait at this moment.
    fn is_write_stalled(&self) -> Result<bool, StoreError>;

    /// A consistent copy in a directory that does not exist yet.
    fn checkpoint(&self, target: &Path) -> Result<(), StoreError>;
}
