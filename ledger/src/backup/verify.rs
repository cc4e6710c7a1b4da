//! Verifying a backup without the node it came from.

use std::path::Path;

use logothete_primitives::ChainId;

use super::{BackupError, DATABASE, MANIFEST, MANIFEST_HASH, Manifest, files};
use crate::audit::{ChainCheck, audit};
use crate::progress::{Step, Unit};
use crate::store::{RocksStore, Store};

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The manifest.
    pub manifest: Manifest,
    /// Blocks that were checked.
    pub blocks: u64,
    /// Entries of the state whose root was recomputed.
    pub state_entries: u64,
}

/// Verifies every byte of a backup, then its state and its chain. Nothing in it is changed; RocksDB
/// writes a log of its own into `scratch`.
pub fn verify(
    backup: &Path,
    chain: &ChainId,
    scratch: &Path,
    check: &mut dyn ChainCheck,
) -> Result<Report, BackupError> {
    let manifest = Manifest::read(backup)?;
    if manifest.chain != *chain {
        return Err(BackupError::ForeignChain { expected: *chain, found: manifest.chain });
    }
    verify_files(backup, &manifest, check)?;
    let store = RocksStore::open_read_only(&backup.join(DATABASE), scratch)?;
    verify_heights(&store, &manifest)?;
    let audited = audit(&store, check)?;
    if audited.state_root != manifest.state_root {
        let (height, expected, found) = (manifest.height, manifest.state_root, audited.state_root);
        return Err(BackupError::StateRoot { height, expected, found });
    }
    let (blocks, state_entries) = (audited.blocks, audited.state_entries);
    Ok(Report { manifest, blocks, state_entries })
}

/// Compares names and bytes with the manifest.
fn verify_files(
    backup: &Path,
    manifest: &Manifest,
    check: &mut dyn ChainCheck,
) -> Result<(), BackupError> {
    refuse_unknown(backup, manifest)?;
    let (mut done, total) = (0, Some(manifest.total_bytes()));
    for entry in &manifest.files {
        files::compare(backup, entry)?;
        done += entry.bytes;
        check.progress(Step { work: "files", unit: Unit::Bytes, done, total });
    }
    Ok(())
}

/// Refuses files that the manifest does not name.
pub(super) fn refuse_unknown(backup: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let known = |name: &str| manifest.files.iter().any(|entry| entry.name == name);
    let top = files::list(backup, "")?;
    let top =
        top.into_iter().filter(|name| ![MANIFEST, MANIFEST_HASH, DATABASE].contains(&&**name));
    let database = files::list(&backup.join(DATABASE), &format!("{DATABASE}/"))?;
    match top.chain(database).find(|name| !known(name)) {
        Some(file) => Err(BackupError::FileUnknown { file }),
        None => Ok(()),
    }
}

fn verify_heights(store: &RocksStore, manifest: &Manifest) -> Result<(), BackupError> {
    let applied = store.applied_height().ok_or(BackupError::NothingApplied)?;
    let heights = [(manifest.height, applied), (manifest.committed, store.committed_height())];
    for (expected, found) in heights {
        if expected != found {
            return Err(BackupError::Height { expected, found });
        }
    }
    if store.chain() != manifest.chain {
        let (expected, found) = (manifest.chain, store.chain());
        return Err(BackupError::ForeignChain { expected, found });
    }
    Ok(())
}
