//! Backups with the types of consensus: what the ledger copies and hashes, [checked](crate::chain_check) as a chain.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use logothete_genesis::Spec;
use logothete_ledger::backup::{self, BackupError, Manifest};
use logothete_ledger::progress::Watch;
use logothete_ledger::store::RocksStore;
use logothete_primitives::{Height, StateRoot, TimestampMs};
use serde::Serialize;

use crate::chain::Chain;
use crate::chain_check::Check;
use crate::cli::show;
use crate::recover::{self, Layout, RecoverError};
use crate::scratch::Scratch;

/// What a backup holds.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Height of its state.
    pub height: Height,
    /// Root of its state.
    pub state_root: StateRoot,
    /// Highest final height.
    pub committed: Height,
    /// When it was made.
    pub created_ms: TimestampMs,
    /// Files.
    pub files: usize,
    /// Bytes of all files.
    #[serde(serialize_with = "decimal")]
    pub bytes: u64,
    /// Blocks that were checked; none when it was only made.
    pub blocks_checked: Option<u64>,
    /// State entries whose root was recomputed; none when it was only made.
    pub state_entries: Option<u64>,
}

/// Writes a backup of the newest executed height into a new or empty directory.
///
/// # Errors
/// Why there is none.
pub fn create(chain: &Chain, dir: &Path, watch: &mut Watch<'_>) -> Result<Summary, BackupError> {
    let manifest = backup::create(chain.store().as_ref(), dir, now(), watch)?;
    Ok(Summary::of(&manifest))
}

/// The time by which backups are told apart.
pub(crate) fn now() -> TimestampMs {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    TimestampMs::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Verifies every byte, the state and the chain of a backup; needs no node and changes nothing.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn verify<'a>(
    dir: &Path,
    spec: &Spec,
    watch: &'a mut Watch<'a>,
) -> Result<Summary, BackupError> {
    let scratch =
        Scratch::new().map_err(|source| BackupError::Io { path: std::env::temp_dir(), source })?;
    let mut check = Check::new(spec, watch);
    let report = backup::verify(dir, &spec.chain_id(), scratch.path(), &mut check)?;
    Ok(Summary {
        blocks_checked: Some(report.blocks),
        state_entries: Some(report.state_entries),
        ..Summary::of(&report.manifest)
    })
}

/// Verifies a backup and writes it into a data directory that is new or empty.
///
/// The directory must not even hold the mark of a fresh key: the restored validator may have signed
/// after the backup was made, so it comes back as a learner (R10).
///
/// # Errors
/// What is wrong with the backup, or in the way.
pub fn restore(
    dir: &Path,
    data: &Path,
    spec: &Spec,
    watch: &mut Watch<'_>,
) -> Result<Summary, BackupError> {
    let occupied = std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(BackupError::NotEmpty { path: data.to_path_buf() });
    }
    let summary = verify(dir, spec, &mut |step| watch(step))?;
    let io = |source| BackupError::Io { path: data.to_path_buf(), source };
    std::fs::create_dir_all(data).map_err(io)?;
    backup::restore(dir, &spec.chain_id(), &Layout::new(data).database(), watch)?;
    Ok(summary)
}

/// What a start from restored data found.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Started {
    /// The executed height that it goes on from.
    pub height: Height,
    /// Root of the state, computed as every start does.
    pub state_root: StateRoot,
    /// Highest final height.
    pub committed: Height,
}

/// Does what a node does when it starts from restored data, up to where it would meet its peers.
///
/// # Errors
/// What would keep a node from starting.
pub fn start(data: &Path, spec: &Spec) -> Result<Started, RecoverError> {
    let genesis = Arc::new(recover::genesis_of(spec));
    let store = RocksStore::open(&Layout::new(data).database(), genesis.chain)?;
    let chain = Chain::new(Arc::new(store), genesis);
    let tree = recover::load_tree(&chain)?;
    let head = recover::load_head(&chain)?;
    // No safety state is ever in a backup: it would begin as a learner (R10).
    let recovered = recover::load_consensus(&chain, None, [0; 32])?;
    let committed = recovered.committed.header.height;
    Ok(Started { height: head.height, state_root: tree.root(), committed })
}

impl Summary {
    fn of(manifest: &Manifest) -> Self {
        Self {
            height: manifest.height,
            state_root: manifest.state_root,
            committed: manifest.committed,
            created_ms: manifest.created_ms,
            files: manifest.files.len(),
            bytes: manifest.files.iter().map(|file| file.bytes).sum(),
            blocks_checked: None,
            state_entries: None,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backup of height {} · state root {}", self.height, self.state_root)?;
        if let (Some(blocks), Some(entries)) = (self.blocks_checked, self.state_entries) {
            write!(f, "\n  {blocks} blocks and {entries} state entries verified")?;
        }
        let made = show::time(self.created_ms);
        write!(f, "\n  {} files · {} bytes · made {made}", self.files, show::grouped(self.bytes))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn decimal<S: serde::Serializer>(number: &u64, output: S) -> Result<S::Ok, S::Error> {
    output.collect_str(number)
}
