//! Restoring a backup.

use std::fs;
use std::path::Path;

use logothete_primitives::ChainId;

use super::verify::refuse_unknown;
use super::{BackupError, DATABASE, Manifest, files};
use crate::progress::{Step, Unit, Watch};

/// Copies the database of a backup to `database`, a new or empty directory, comparing every byte
/// with the manifest on the way. What was written is removed again when the backup is damaged.
///
/// The restored database has no safety state: a validator on it is a learner until R10 lets it sign.
pub fn restore(
    backup: &Path,
    chain: &ChainId,
    database: &Path,
    watch: &mut Watch<'_>,
) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(backup)?;
    if manifest.chain != *chain {
        return Err(BackupError::ForeignChain { expected: *chain, found: manifest.chain });
    }
    if !files::is_empty(database)? {
        return Err(BackupError::NotEmpty { path: database.to_path_buf() });
    }
    refuse_unknown(backup, &manifest)?;
    fs::create_dir_all(database).map_err(BackupError::io(database))?;
    if let Err(error) = copy_all(backup, &manifest, database, watch) {
        // The error that matters is the first one; what cannot be removed is not a database without
        // its CURRENT file, which is copied last.
        let _ = fs::remove_dir_all(database);
        return Err(error);
    }
    Ok(manifest)
}

fn copy_all(
    backup: &Path,
    manifest: &Manifest,
    database: &Path,
    watch: &mut Watch<'_>,
) -> Result<(), BackupError> {
    let (mut done, total) = (0, Some(manifest.total_bytes()));
    let current = format!("{DATABASE}/CURRENT");
    let (last, first): (Vec<_>, Vec<_>) =
        manifest.files.iter().partition(|entry| entry.name == current);
    for entry in first.into_iter().chain(last) {
        let name = entry.name.strip_prefix(DATABASE).and_then(|name| name.strip_prefix('/'));
        let name = name.filter(|name| !name.contains('/') && !name.starts_with('.'));
        let name = name.ok_or_else(|| {
            BackupError::ManifestMalformed(format!("{} is not a file of the database", entry.name))
        })?;
        files::copy_compared(backup, entry, &database.join(name))?;
        done += entry.bytes;
        watch(Step { work: "restoring", unit: Unit::Bytes, done, total });
    }
    files::sync_directory(database)
}
