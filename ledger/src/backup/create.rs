//! Making a backup of a running node.

use std::fs;
use std::path::Path;

use logothete_primitives::{BlockHash, TimestampMs};

use super::files::{self, BLOCK_BYTES};
use super::{BackupError, DATABASE, FileEntry, MANIFEST_FORMAT, Manifest};
use crate::progress::{Step, Unit, Watch};
use crate::store::{RocksStore, SCHEMA_VERSION, Store, StoreError};

/// What the making of a backup is called where it is told how far it is.
pub const WORK: &str = "copying";

/// Copies the store into `backup`, a new or empty directory, while the node goes on.
///
/// The copy is of one moment. Its state is that of the last height applied at that moment; blocks
/// that were final but not executed yet are in it too. The safety state is not (R10).
///
/// A backup that fails on the way has no manifest and is refused by everything else.
pub fn create(
    store: &dyn Store,
    backup: &Path,
    created: TimestampMs,
    watch: &mut Watch<'_>,
) -> Result<Manifest, BackupError> {
    if !files::is_empty(backup)? {
        return Err(BackupError::NotEmpty { path: backup.to_path_buf() });
    }
    if store.applied_height().is_none() {
        return Err(BackupError::NothingApplied);
    }
    fs::create_dir_all(backup).map_err(BackupError::io(backup))?;
    let database = backup.join(DATABASE);
    store.checkpoint(&database)?;
    RocksStore::open_existing(&database)?.forget_safety()?;
    let mut manifest = describe(&database, created)?;
    manifest.files = settle(backup, &database, watch)?;
    files::sync_directory(&database)?;
    manifest.write(backup)?;
    files::sync_directory(backup)?;
    Ok(manifest)
}

/// Opens the copy once more, which also removes files that are no longer part of it.
fn describe(database: &Path, created_ms: TimestampMs) -> Result<Manifest, BackupError> {
    let copy = RocksStore::open_existing(database)?;
    let height = copy.applied_height().ok_or(BackupError::NothingApplied)?;
    let committed = copy.committed_height();
    let executed = copy.executed(height)?;
    let head = copy.block_hash(committed)?;
    if copy.safety()?.is_some() {
        return Err(StoreError::Unsupported("a backup with a safety state").into());
    }
    copy.flush()?;
    Ok(Manifest {
        format: MANIFEST_FORMAT,
        schema: SCHEMA_VERSION,
        chain: copy.chain(),
        height,
        state_root: executed.ok_or(BackupError::NothingApplied)?.state_root,
        committed,
        head: head.unwrap_or(BlockHash::ZERO),
        created_ms,
        base: None,
        encryption: None,
        block_bytes: u32::try_from(BLOCK_BYTES).expect("a constant below 2^32"),
        files: Vec::new(),
    })
}

/// Drops what RocksDB only uses while a database is open, and hashes the rest.
fn settle(
    backup: &Path,
    database: &Path,
    watch: &mut Watch<'_>,
) -> Result<Vec<FileEntry>, BackupError> {
    let mut names = Vec::new();
    for name in files::list(database, "")? {
        let path = database.join(&name);
        if name == "LOCK" || name.starts_with("LOG") {
            fs::remove_file(&path).map_err(BackupError::io(path))?;
        } else {
            names.push(name);
        }
    }
    let (mut done, total) = (0, Some(files::total_bytes(database, &names)?));
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        files::detach(&database.join(&name))?;
        let entry = files::summarize(backup, format!("{DATABASE}/{name}"))?;
        done += entry.bytes;
        watch(Step { work: WORK, unit: Unit::Bytes, done, total });
        entries.push(entry);
    }
    Ok(entries)
}
