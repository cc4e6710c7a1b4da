//! A store on disk: RocksDB, one column family for each family of records.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use logothete_primitives::ChainId;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{ColumnFamily, DB, Direction as RocksDirection, FlushOptions, IteratorMode};
use rocksdb::{ErrorKind, WriteBatch, WriteOptions};

use super::chain_store::ChainStore;
use super::engine::{Direction, Durability, Engine, Visit, Writer};
use super::gathered::Gathered;
use super::rocks_log;
use super::rocks_options::{self, Budget};
use super::schema::Family;
use super::{FamilyUsage, StoreError};

/// A [`Store`](super::Store) in a directory.
pub type RocksStore = ChainStore<Gathered<RocksEngine>>;

/// An open RocksDB database.
pub struct RocksEngine {
    db: DB,
    /// Bytes of the last unlogged batch. They are large and alike, and one that grows is copied again and again.
    unlogged_bytes: AtomicUsize,
}

impl std::fmt::Debug for RocksEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksEngine").field("path", &self.db.path()).finish()
    }
}

impl RocksStore {
    /// Opens the database of a chain in `path`, or makes it.
    pub fn open(path: &Path, chain: ChainId) -> Result<Self, StoreError> {
        Self::open_with(path, chain, Budget::default())
    }

    /// [`RocksStore::open`] with other bounds of memory.
    pub fn open_with(path: &Path, chain: ChainId, budget: Budget) -> Result<Self, StoreError> {
        Self::open_on(Gathered::new(RocksEngine::open(path, budget, true)?), chain)
    }

    /// Opens an existing database, whatever its chain.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        if !exists(path) {
            return Err(StoreError::Missing { path: path.to_path_buf() });
        }
        let engine = Gathered::new(RocksEngine::open(path, Budget::default(), false)?);
        Self::open_any(engine)?.ok_or_else(|| not_ours(path))
    }

    /// Opens an existing database for reading and leaves every file of it untouched; RocksDB's own
    /// log goes to `log_dir`.
    pub fn open_read_only(path: &Path, log_dir: &Path) -> Result<Self, StoreError> {
        if !exists(path) {
            return Err(StoreError::Missing { path: path.to_path_buf() });
        }
        rocks_log::check_logs(path)?;
        let mut options = rocks_options::database(Budget::default());
        options.create_if_missing(false);
        options.set_db_log_dir(log_dir);
        let names = Family::ALL.map(Family::name);
        let db = DB::open_cf_for_read_only(&options, path, names, false)
            .map_err(|error| typed(&error, path))?;
        Self::open_any(Gathered::new(RocksEngine::new(db)))?.ok_or_else(|| not_ours(path))
    }

    /// Removes the safety state for good, with the files that held it, so that whoever runs this
    /// copy comes back under R10.
    pub(crate) fn forget_safety(self) -> Result<(), StoreError> {
        let RocksEngine { mut db, .. } = self.into_engine().into_inner();
        let path = db.path().to_path_buf();
        let name = Family::Safety.name();
        let forgotten = db.drop_cf(name).and_then(|()| {
            db.create_cf(name, &rocks_options::family(Family::Safety, &rocks_options::no_cache()))
        });
        forgotten.and_then(|()| db.flush_wal(true)).map_err(|error| typed(&error, &path))
    }
}

fn exists(path: &Path) -> bool {
    path.join("CURRENT").exists()
}

fn not_ours(path: &Path) -> StoreError {
    StoreError::NotOurs { path: path.to_path_buf() }
}

impl RocksEngine {
    const fn new(db: DB) -> Self {
        Self { db, unlogged_bytes: AtomicUsize::new(0) }
    }

    fn open(path: &Path, budget: Budget, create: bool) -> Result<Self, StoreError> {
        let mut options = rocks_options::database(budget);
        options.create_if_missing(create);
        options.create_missing_column_families(true);
        if !exists(path) {
            return Self::open_families(&options, path, budget, Vec::new());
        }
        rocks_log::mend_logs(path)?;
        let present = DB::list_cf(&options, path).map_err(|error| typed(&error, path))?;
        if !present.iter().any(|name| name == Family::Meta.name()) && !is_unused(path, &present)? {
            return Err(not_ours(path));
        }
        // A newer schema may have families that we do not know; all must be opened before the
        // version can be read and refused.
        let unknown = present.iter().filter(|name| !is_known(name));
        let unknown = unknown.map(|name| rocks_options::descriptor(name, None));
        Self::open_families(&options, path, budget, unknown.collect())
    }

    fn open_families(
        options: &rocksdb::Options,
        path: &Path,
        budget: Budget,
        mut descriptors: Vec<rocksdb::ColumnFamilyDescriptor>,
    ) -> Result<Self, StoreError> {
        let cache = budget.cache();
        for family in Family::ALL {
            descriptors.push(rocks_options::descriptor(family.name(), Some((family, &cache))));
        }
        let db = DB::open_cf_descriptors(options, path, descriptors)
            .map_err(|error| typed(&error, path))?;
        Ok(Self::new(db))
    }

    fn handle(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(family.name()).expect("all families are opened together")
    }

    fn typed(&self, error: &rocksdb::Error) -> StoreError {
        typed(error, self.db.path())
    }
}

fn is_known(name: &str) -> bool {
    name == rocksdb::DEFAULT_COLUMN_FAMILY_NAME
        || Family::ALL.into_iter().any(|family| family.name() == name)
}

/// True for what a crash right after the creation leaves: no families of ours, and no records.
fn is_unused(path: &Path, present: &[String]) -> Result<bool, StoreError> {
    let default = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;
    if present.iter().any(|name| name != default) {
        return Ok(false);
    }
    let db = DB::open_for_read_only(&rocksdb::Options::default(), path, false);
    let db = db.map_err(|error| typed(&error, path))?;
    Ok(db.iterator(IteratorMode::Start).next().is_none())
}

/// RocksDB's errors in our types. Its codes do not tell a full disk or a held lock from other
/// failures, so the text decides.
fn typed(error: &rocksdb::Error, path: &Path) -> StoreError {
    let text = error.as_ref();
    if error.kind() == ErrorKind::Corruption {
        return StoreError::CorruptedFile(text.to_owned());
    }
    if text.contains("No space left") {
        return StoreError::NoSpace;
    }
    if text.contains("lock hold by current process") || text.contains("While lock file") {
        return StoreError::Locked { path: PathBuf::from(path), owner: None };
    }
    StoreError::Engine(text.to_owned())
}

/// Collects changes with the handles looked up once.
struct BatchWriter<'a> {
    batch: WriteBatch,
    handles: [&'a ColumnFamily; Family::ALL.len()],
}

impl Writer for BatchWriter<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.batch.put_cf(&self.handles[family.position()], key, value);
    }

    fn remove(&mut self, family: Family, key: &[u8]) {
        self.batch.delete_cf(&self.handles[family.position()], key);
    }
}

impl Engine for RocksEngine {
    fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.handle(family), key).map_err(|error| self.typed(&error))
    }

    fn read_many(
        &self,
        family: Family,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let values = self.db.batched_multi_get_cf(self.handle(family), keys.iter().copied(), false);
        let owned = |value: Option<rocksdb::DBPinnableSlice<'_>>| value.map(|value| value.to_vec());
        values.into_iter().map(|v| v.map(owned).map_err(|error| self.typed(&error))).collect()
    }

    fn contains(&self, family: Family, key: &[u8]) -> Result<bool, StoreError> {
        let value = self.db.get_pinned_cf(self.handle(family), key);
        value.map(|value| value.is_some()).map_err(|error| self.typed(&error))
    }

    fn scan(
        &self,
        family: Family,
        start: &[u8],
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let direction = match direction {
            Direction::Ascending => RocksDirection::Forward,
            Direction::Descending => RocksDirection::Reverse,
        };
        let mode = IteratorMode::From(start, direction);
        for record in self.db.iterator_cf(self.handle(family), mode) {
            let (key, value) = record.map_err(|error| self.typed(&error))?;
            if let ControlFlow::Break(()) = visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn write(
        &self,
        durability: Durability,
        fill: &mut dyn FnMut(&mut dyn Writer),
    ) -> Result<(), StoreError> {
        let handles = Family::ALL.map(|family| self.handle(family));
        let batch = match durability {
            Durability::Unlogged => {
                WriteBatch::with_capacity_bytes(self.unlogged_bytes.load(Ordering::Relaxed))
            }
            Durability::Logged | Durability::Synced => WriteBatch::default(),
        };
        let mut writer = BatchWriter { batch, handles };
        fill(&mut writer);
        let mut options = WriteOptions::default();
        match durability {
            Durability::Logged => {}
            Durability::Synced => options.set_sync(true),
            Durability::Unlogged => {
                self.unlogged_bytes.store(writer.batch.size_in_bytes(), Ordering::Relaxed);
                options.disable_wal(true);
            }
        }
        self.db.write_opt(writer.batch, &options).map_err(|error| self.typed(&error))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush_wal(true).map_err(|error| self.typed(&error))
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        // Together, in one atomic flush: applied records must not reach the disk one family at a
        // time.
        let handles = Family::ALL.map(|family| self.handle(family));
        self.db.flush_cfs_opt(&handles.each_ref(), &options).map_err(|error| self.typed(&error))
    }

    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError> {
        use rocksdb::properties::{
            CUR_SIZE_ALL_MEM_TABLES, ESTIMATE_NUM_KEYS, LIVE_SST_FILES_SIZE,
        };
        let property = |family: Family, name: &CStr| {
            let value = self.db.property_int_value_cf(self.handle(family), name);
            value.map(Option::unwrap_or_default).map_err(|error| self.typed(&error))
        };
        let usage = |family: Family| {
            let blobs = property(family, rocks_options::LIVE_BLOB_FILE_SIZE)?;
            Ok(FamilyUsage {
                family: family.name(),
                disk_bytes: property(family, LIVE_SST_FILES_SIZE.as_c_str())? + blobs,
                memory_bytes: property(family, CUR_SIZE_ALL_MEM_TABLES.as_c_str())?,
                records: property(family, ESTIMATE_NUM_KEYS.as_c_str())?,
            })
        };
        Family::ALL.into_iter().map(usage).collect()
    }

    fn is_write_stalled(&self) -> Result<bool, StoreError> {
        use rocksdb::properties::{ACTUAL_DELAYED_WRITE_RATE, IS_WRITE_STOPPED};
        // Of the whole database, whichever family is behind. The rate is zero while nothing is delayed.
        for name in [IS_WRITE_STOPPED, ACTUAL_DELAYED_WRITE_RATE] {
            let value = self.db.property_int_value(name).map_err(|error| self.typed(&error))?;
            if value.unwrap_or_default() != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn checkpoint(&self, target: &Path) -> Result<(), StoreError> {
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(target))
            .map_err(|error| typed(&error, target))
    }
}

#[cfg(test)]
mod tests;
