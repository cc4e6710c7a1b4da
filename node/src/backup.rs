//! Backups with the types of consensus: what the ledger copies and hashes, checked as a chain.
//!
//! A backup is believed for what its certificates prove, not for who made it: every block follows its
//! parent, every batch is there, every attested result equals what is stored, and the last block has
//! a commit certificate of the chain file's validators.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use logothete_consensus::{Block, BlockHeader, CommitCert, Context, verify_commit};
use logothete_genesis::Spec;
use logothete_ledger::backup::{self, BackupError, ChainCheck, Manifest};
use logothete_ledger::batch::Payload;
use logothete_ledger::store::{BlockRecord, CommitRecord, Store};
use logothete_primitives::{Ed25519Verifier, Height, StateRoot, TimestampMs, codec};
use serde::Serialize;

use crate::chain::{Chain, Genesis, executed_from};
use crate::cli::show;
use crate::dissemination::HeldBatch;
use crate::recover::{self, Layout};
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
pub fn create(chain: &Chain, dir: &Path) -> anyhow::Result<serde_json::Value> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let created = TimestampMs::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let manifest = backup::create(chain.store().as_ref(), dir, created)?;
    Ok(serde_json::to_value(Summary::of(&manifest))?)
}

/// Verifies every byte, the state and the chain of a backup; needs no node and changes nothing.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn verify(dir: &Path, spec: &Spec) -> Result<Summary, BackupError> {
    let scratch =
        Scratch::new().map_err(|source| BackupError::Io { path: std::env::temp_dir(), source })?;
    let mut check = Check::new(spec);
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
pub fn restore(dir: &Path, data: &Path, spec: &Spec) -> Result<Summary, BackupError> {
    let occupied = std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(BackupError::NotEmpty { path: data.to_path_buf() });
    }
    let summary = verify(dir, spec)?;
    let io = |source| BackupError::Io { path: data.to_path_buf(), source };
    std::fs::create_dir_all(data).map_err(io)?;
    backup::restore(dir, &spec.chain_id(), &Layout::new(data).database())?;
    Ok(summary)
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

/// Checks blocks in order from height 1, remembering the last.
struct Check {
    genesis: Genesis,
    context: Context,
    verifier: Ed25519Verifier,
    last: BlockHeader,
}

impl Check {
    fn new(spec: &Spec) -> Self {
        let genesis = recover::genesis_of(spec);
        let context = Context {
            chain: genesis.chain,
            validators: Arc::clone(&genesis.validators),
            genesis: genesis.hash,
        };
        let verifier = Ed25519Verifier::for_set(&genesis.validators);
        Self { last: genesis.header.clone(), genesis, context, verifier }
    }

    fn batches(&self, block: &Block, store: &dyn Store) -> Result<(), String> {
        let payload = Payload::decode(&block.payload).map_err(|fault| fault.to_string())?;
        for reference in payload.batches.iter() {
            let hash = reference.hash;
            let bytes = store.batch(&hash).map_err(|error| error.to_string())?;
            let bytes = bytes.ok_or_else(|| format!("batch {hash} is missing"))?;
            let batch = HeldBatch::certified(&self.genesis.rules, Bytes::from(bytes))
                .map_err(|fault| format!("batch {hash}: {fault}"))?;
            if batch.reference.hash != hash {
                return Err(format!("batch {hash} has other bytes"));
            }
        }
        Ok(())
    }
}

impl ChainCheck for Check {
    fn block(&mut self, record: &BlockRecord, store: &dyn Store) -> Result<(), String> {
        let block: Block = codec::decode(&record.block).map_err(|fault| fault.to_string())?;
        let header = &block.header;
        let follows = header.parent == self.last.hash()
            && header.parent_view == self.last.view
            && header.height == self.last.height.next();
        let claims = [
            ("its hash is another", block.hash() == record.hash),
            ("its payload is not the one its header names", block.body_matches()),
            ("it does not follow the block before it", follows),
        ];
        if let Some((fault, _)) = claims.into_iter().find(|(_, holds)| !holds) {
            return Err(fault.to_owned());
        }
        self.batches(&block, store)?;
        let height = header.executed.height;
        let stored = store.executed(height).map_err(|error| error.to_string())?;
        // Results of the last heights may be attested before this database holds them.
        if stored.is_some_and(|stored| executed_from(stored) != header.executed) {
            return Err(format!("it attests other results of height {height} than are stored"));
        }
        self.last = block.header;
        Ok(())
    }

    fn head(&mut self, commit: &CommitRecord, _store: &dyn Store) -> Result<(), String> {
        let certificate: CommitCert =
            codec::decode(&commit.certificate).map_err(|fault| fault.to_string())?;
        if certificate.block != self.last.hash() {
            return Err("the commit certificate names another block".to_owned());
        }
        verify_commit(&self.context, &self.verifier, certificate)
            .map(|_| ())
            .map_err(|rejection| rejection.to_string())
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn decimal<S: serde::Serializer>(number: &u64, output: S) -> Result<S::Ok, S::Error> {
    output.collect_str(number)
}
