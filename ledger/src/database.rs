//! Looking after the database of a node that does not run: what it takes, and writing it anew without what was deleted.
//!
//! Whoever calls holds the lock of the data directory.

use std::collections::BTreeMap;
use std::path::Path;

use logothete_primitives::{ChainId, Height};
use rocksdb::{
    BottommostLevelCompaction, Cache, ColumnFamilyDescriptor, CompactOptions, DB, Env, ErrorKind,
    LiveFile, Options,
};

use crate::progress::{Step, Unit, Watch};
use crate::store::{FamilyUsage, RocksStore, Store, StoreError};

/// Bytes of the block cache while a database is written anew: every block is read once.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// What a database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Its chain.
    pub chain: ChainId,
    /// Highest final height.
    pub committed: Height,
    /// Highest executed height; `None` before the genesis state was applied.
    pub applied: Option<Height>,
    /// Its families.
    pub families: Vec<FamilyStats>,
}

/// What a family takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyStats {
    /// Bytes and records.
    pub usage: FamilyUsage,
    /// Its files by level, those that have any.
    pub levels: Vec<LevelStats>,
}

/// The table files of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// The level; 0 is the newest.
    pub level: u32,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Deletions in them that wait for a compaction.
    pub deletions: u64,
}

impl Stats {
    /// Bytes of all files with records.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.families.iter().map(|family| family.usage.disk_bytes).sum()
    }
}

/// What a database takes; every file of it is left untouched, RocksDB's own log goes to `log_dir`.
pub fn stats(path: &Path, log_dir: &Path) -> Result<Stats, StoreError> {
    let store = RocksStore::open_read_only(path, log_dir)?;
    let (chain, committed) = (store.chain(), store.committed_height());
    let (applied, usage) = (store.applied_height(), store.usage()?);
    drop(store);
    let mut options = Options::default();
    options.set_db_log_dir(log_dir);
    let names = DB::list_cf(&options, path).map_err(|error| typed(&error))?;
    let db = DB::open_cf_for_read_only(&options, path, names, false);
    let files = db.and_then(|db| db.live_files()).map_err(|error| typed(&error))?;
    let families = usage
        .into_iter()
        .map(|usage| FamilyStats { levels: levels(usage.family, &files), usage })
        .collect();
    Ok(Stats { chain, committed, applied, families })
}

fn levels(family: &str, files: &[LiveFile]) -> Vec<LevelStats> {
    let mut levels: BTreeMap<u32, LevelStats> = BTreeMap::new();
    for file in files.iter().filter(|file| file.column_family_name == family) {
        let number = u32::try_from(file.level).unwrap_or(0);
        let level = levels
            .entry(number)
            .or_insert_with(|| LevelStats { level: number, ..LevelStats::default() });
        level.files += 1;
        level.bytes += file.size as u64;
        level.deletions += file.num_deletions;
    }
    levels.into_values().collect()
}

/// Writes every family anew, so that what was deleted takes no room; gives the bytes before and after.
///
/// A crash on the way loses nothing: old files go only when the new ones are durable.
pub fn compact(path: &Path, watch: &mut Watch<'_>) -> Result<(u64, u64), StoreError> {
    // Opened as the node opens it first: logs are mended, the schema is ours, everything is in files.
    let store = RocksStore::open_existing(path)?;
    store.flush()?;
    let usage = store.usage()?;
    drop(store);
    let total = usage.iter().map(|family| family.disk_bytes).sum();
    let mut done = 0;
    let db = open_as_it_is(path)?;
    let mut options = CompactOptions::default();
    options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
    for family in &usage {
        watch(Step { work: "compacting", unit: Unit::Bytes, done, total: Some(total) });
        let handle = db.cf_handle(family.family).ok_or_else(|| {
            StoreError::Engine(format!("the family {} is not in the database", family.family))
        })?;
        db.compact_range_cf_opt(handle, None::<&[u8]>, None::<&[u8]>, &options);
        refuse_failed(&db, family.family)?;
        done += family.disk_bytes;
    }
    watch(Step { work: "compacting", unit: Unit::Bytes, done, total: Some(total) });
    drop(db);
    let after = RocksStore::open_existing(path)?.usage()?;
    Ok((total, after.iter().map(|family| family.disk_bytes).sum()))
}

/// With the options that the database was last opened with, which the node chose.
fn open_as_it_is(path: &Path) -> Result<DB, StoreError> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let loaded = Env::new().and_then(|env| Options::load_latest(path, env, false, cache));
    let (options, families): (Options, Vec<ColumnFamilyDescriptor>) =
        loaded.map_err(|error| typed(&error))?;
    DB::open_cf_descriptors(&options, path, families).map_err(|error| typed(&error))
}

/// The call itself says nothing of a failure.
fn refuse_failed(db: &DB, family: &str) -> Result<(), StoreError> {
    let errors = db.property_int_value("rocksdb.background-errors");
    match errors.map_err(|error| typed(&error))? {
        Some(errors) if errors > 0 => Err(StoreError::Engine(format!(
            "compacting {family} failed; nothing is lost, the database's LOG file says why"
        ))),
        _ => Ok(()),
    }
}

fn typed(error: &rocksdb::Error) -> StoreError {
    let text = error.as_ref();
    if error.kind() == ErrorKind::Corruption {
        return StoreError::CorruptedFile(text.to_owned());
    }
    if text.contains("No space left") {
        return StoreError::NoSpace;
    }
    StoreError::Engine(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::tests::{chain, commit, roots};
    use crate::store::{Applied, Durability, Engine, Family};

    #[test]
    fn a_compacted_database_is_smaller_and_holds_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (path, logs) = (directory.path().join("db"), directory.path().join("logs"));
        let store = RocksStore::open(&path, chain()).unwrap();
        let executed = roots(0);
        store.apply(&Applied { executed, changes: &[], transactions: &[] }).unwrap();
        for height in 1..=20 {
            commit(&store, height);
        }
        // Something large, and its deletion in another file.
        let engine = store.into_engine();
        let write = |remove: bool| {
            let filled = engine.write(Durability::Logged, &mut |writer| {
                for key in 0..2_000_u32 {
                    match remove {
                        true => writer.remove(Family::TxIndex, &key.to_be_bytes()),
                        false => writer.put(Family::TxIndex, &key.to_be_bytes(), &[7; 200]),
                    }
                }
            });
            filled.and_then(|()| engine.flush()).unwrap();
        };
        write(false);
        write(true);
        drop(engine);

        let before = stats(&path, &logs).unwrap();
        assert_eq!((before.committed, before.applied), (Height::new(20), Some(Height::ZERO)));
        let of = |stats: &Stats, name: &str| {
            stats.families.iter().find(|family| family.usage.family == name).unwrap().clone()
        };
        assert!(of(&before, "tx_index").levels.iter().any(|level| level.deletions > 0));
        assert!(!of(&before, "blocks").levels.is_empty());

        let mut last = None;
        let (was, is) = compact(&path, &mut |step| last = Some(step)).unwrap();
        assert!(is < was, "{was} became {is}");
        assert_eq!(last.unwrap().done, was);
        let after = stats(&path, &logs).unwrap();
        assert!(of(&after, "tx_index").levels.is_empty(), "{after:?}");
        assert_eq!(after.disk_bytes(), is);
        let store = RocksStore::open(&path, chain()).unwrap();
        assert_eq!(store.committed_height(), Height::new(20));
        for height in 1..=20 {
            assert!(store.block_by_height(Height::new(height)).unwrap().is_some());
        }
    }
}
