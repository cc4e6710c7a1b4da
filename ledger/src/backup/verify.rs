//! Verifying a backup without the node it came from.

use std::ops::ControlFlow;
use std::path::Path;

use logothete_primitives::{ChainId, Height};

use super::{BackupError, DATABASE, MANIFEST, MANIFEST_HASH, Manifest, files};
use crate::state_tree::StateTreeBuilder;
use crate::store::{BlockRecord, CommitRecord, RocksStore, Store};

/// Checks that need the consensus types, which the node knows and the ledger does not.
pub trait ChainCheck {
    /// Checks a final block: that its bytes have its hash, that it follows the one given before it,
    /// that its batches are stored, that the results it attests equal those in the store. Heights
    /// come in order from 1.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn block(&mut self, block: &BlockRecord, store: &dyn Store) -> Result<(), String>;

    /// Checks the commit certificate of the last block, which makes all before it final.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn head(&mut self, commit: &CommitRecord, store: &dyn Store) -> Result<(), String>;
}

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
    verify_files(backup, &manifest)?;
    let store = RocksStore::open_read_only(&backup.join(DATABASE), scratch)?;
    verify_heights(&store, &manifest)?;
    let state_entries = verify_state(&store, &manifest)?;
    let blocks = verify_chain(&store, check)?;
    Ok(Report { manifest, blocks, state_entries })
}

/// Compares names and bytes with the manifest.
pub(super) fn verify_files(backup: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    refuse_unknown(backup, manifest)?;
    manifest.files.iter().try_for_each(|entry| files::compare(backup, entry))
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

/// Recomputes the state root from the flat state.
fn verify_state(store: &RocksStore, manifest: &Manifest) -> Result<u64, BackupError> {
    let height = manifest.height;
    let mut builder = StateTreeBuilder::new();
    let (mut entries, mut fault) = (0, None);
    store.visit_state(&mut |key, value| match builder.push(key, value) {
        Ok(()) => {
            entries += 1;
            ControlFlow::Continue(())
        }
        Err(unsorted) => {
            fault = Some(unsorted.to_string());
            ControlFlow::Break(())
        }
    })?;
    if let Some(fault) = fault {
        return Err(BackupError::Chain { height, fault });
    }
    let found = builder.root();
    let recorded = store.executed(height)?.map(|executed| executed.state_root);
    for expected in [Some(manifest.state_root), recorded].into_iter().flatten() {
        if found != expected {
            return Err(BackupError::StateRoot { height, expected, found });
        }
    }
    Ok(entries)
}

/// Hands every final block to the check, then the certificate of the last.
fn verify_chain(store: &RocksStore, check: &mut dyn ChainCheck) -> Result<u64, BackupError> {
    let committed = store.committed_height();
    let faulty = |height: Height| move |fault: String| BackupError::Chain { height, fault };
    let missing = |height, what: &str| faulty(height)(format!("the {what} is missing"));
    let mut height = Height::ZERO;
    while height < committed {
        height = height.next();
        let block = store.block_by_height(height)?.ok_or_else(|| missing(height, "block"))?;
        check.block(&block, store).map_err(faulty(height))?;
    }
    if committed > Height::ZERO {
        let commit = store.commit_certificate(committed)?;
        let commit = commit.ok_or_else(|| missing(committed, "commit certificate"))?;
        check.head(&commit, store).map_err(faulty(committed))?;
    }
    Ok(committed.get())
}
