//! How RocksDB is set up, and why.

use std::ffi::CStr;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel,
    Options,
};

use super::schema::Family;

const MIB: usize = 1024 * 1024;

/// Property without a constant in the bindings: bytes of live blob files.
pub(crate) const LIVE_BLOB_FILE_SIZE: &CStr = c"rocksdb.live-blob-file-size";

/// Bounds of the memory that a database may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the block cache, shared by all families; indexes and filters count.
    pub cache_bytes: usize,
    /// Bytes of all memtables together. It also bounds how much a crash makes the node execute
    /// again, because applied records are not logged.
    pub write_buffer_bytes: usize,
    /// Bytes of write-ahead log that cause a flush, which bounds the time of a start after a crash.
    pub log_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        // With the rest of a node this stays below 300 MiB, however long the chain is.
        Self { cache_bytes: 48 * MIB, write_buffer_bytes: 128 * MIB, log_bytes: 256 * MIB as u64 }
    }
}

impl Budget {
    pub(crate) fn cache(&self) -> Cache {
        Cache::new_lru_cache(self.cache_bytes)
    }
}

/// A cache for databases that are only opened to change their families.
pub(crate) fn no_cache() -> Cache {
    Cache::new_lru_cache(MIB)
}

/// Options of the database.
pub(crate) fn database(budget: Budget) -> Options {
    let mut options = Options::default();
    // Records of applied heights have no log: all families reach the disk at one moment or not at
    // all.
    options.set_atomic_flush(true);
    // A crash tears the last record of the log and nothing else. Anything worse is damage, and the
    // database is refused instead of quietly cut back to a point before a vote.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    options.set_db_write_buffer_size(budget.write_buffer_bytes);
    options.set_max_total_wal_size(budget.log_bytes);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_max_open_files(1_024);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(8 * MIB);
    options.set_log_level(LogLevel::Warn);
    options
}

/// Descriptor of a column family; `None` for one that this version does not know.
pub(crate) fn descriptor(name: &str, known: Option<(Family, &Cache)>) -> ColumnFamilyDescriptor {
    let options = known.map_or_else(Options::default, |(known, cache)| family(known, cache));
    ColumnFamilyDescriptor::new(name, options)
}

/// Options of one family.
pub(crate) fn family(family: Family, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(6);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if is_read_by_random_key(family) {
        // "Is it there?" is asked of keys that mostly are not: ten bits answer it without a read.
        table.set_bloom_filter(10.0, false);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(64 * MIB);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_compression_type(compression(family));
    if family == Family::Batches {
        // Written once, large and under random keys: kept out of the levels, so that compaction
        // does not move them again and again.
        options.set_enable_blob_files(true);
        options.set_min_blob_size(1_024);
        options.set_blob_compression_type(DBCompressionType::Lz4);
        options.set_enable_blob_gc(true);
    }
    options
}

fn is_read_by_random_key(family: Family) -> bool {
    matches!(
        family,
        Family::BlockIndex | Family::Batches | Family::BatchIndex | Family::State | Family::TxIndex
    )
}

/// Hashes and signatures do not compress; encoded structures do.
fn compression(family: Family) -> DBCompressionType {
    match family {
        Family::Blocks | Family::Receipts | Family::Batches => DBCompressionType::Lz4,
        _ => DBCompressionType::None,
    }
}
