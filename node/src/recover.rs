//! Recovery: what a node finds on its disk at start, and what it makes of it.
//!
//! Blocks and certificates count; state and indexes are brought up to them by executing what is missing. Whether
//! this validator may sign is decided here: only with a safety state that nothing contradicts (R10).

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use logothete_consensus::{
    BlockHeader, CommittedRoot, Executed, LeaderElection, Recovered, SafetyState,
};
use logothete_genesis::Spec;
use logothete_genesis::fresh::{FreshMarker, MarkerError};
use logothete_ledger::receipt::receipts_root;
use logothete_ledger::state_tree::{HistoryLimits, StateTree, StateTreeBuilder};
use logothete_ledger::store::{Applied, Marks, MarksCheck, MarksFile, Store, StoreError};
use logothete_primitives::{Height, PublicKey, View};
use thiserror::Error;
use tracing::{info, warn};

use crate::chain::{Chain, ChainError, Genesis, batch_hashes, executed_from, roots_of};
use crate::dissemination::{BatchRules, Content, REMEMBERED_RESULTS, Start};
use crate::driver::marks_of;
use crate::head::Head;

/// Name of the copy of the safety marks in the data directory.
const MARKS_FILE: &str = "marks";
/// Name of the record of backups in the data directory.
const BACKUPS_FILE: &str = "backups.json";
/// Name of the database in the data directory.
const DATABASE: &str = "db";

/// Why a node cannot start from what is on its disk.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// The store failed or is damaged.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The marker of a fresh key is wrong.
    #[error(transparent)]
    Marker(#[from] MarkerError),
    /// The flat state does not lead to the root that was computed when it was written.
    #[error(
        "the state of height {height} is damaged: its root is {found}, it was {expected}; wipe the node, it heals from its peers"
    )]
    DamagedState {
        /// The applied height.
        height: Height,
        /// The root of what is on the disk.
        found: logothete_primitives::StateRoot,
        /// The root that was recorded.
        expected: logothete_primitives::StateRoot,
    },
    /// The keys of the state are out of order.
    #[error(
        "the state of height {0} is damaged: its keys are out of order; wipe the node, it heals from its peers"
    )]
    DisorderedState(Height),
}

impl From<StoreError> for RecoverError {
    fn from(error: StoreError) -> Self {
        Self::Chain(ChainError::Store(error))
    }
}

/// Where the parts of a data directory are.
#[derive(Clone, Debug)]
pub struct Layout {
    data: PathBuf,
}

impl Layout {
    /// The layout of a data directory.
    pub fn new(data: &Path) -> Self {
        Self { data: data.to_path_buf() }
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.data.join(DATABASE)
    }

    /// The copy of the safety marks.
    pub fn marks(&self) -> PathBuf {
        self.data.join(MARKS_FILE)
    }

    /// The record of when the newest backups were made.
    pub fn backups(&self) -> PathBuf {
        self.data.join(BACKUPS_FILE)
    }

    /// The data directory itself.
    pub fn data(&self) -> &Path {
        &self.data
    }
}

/// Computes what the chain starts from.
pub fn genesis_of(spec: &Spec) -> Genesis {
    let chain = spec.chain_id();
    let mut builder = StateTreeBuilder::new();
    for (key, value) in spec.state_entries() {
        builder.push(key, &value).expect("genesis entries are sorted by key");
    }
    let no_receipts: [&logothete_ledger::receipt::Receipt; 0] = [];
    let executed = Executed {
        height: Height::ZERO,
        state_root: builder.root(),
        receipts_root: receipts_root(no_receipts),
    };
    let header = BlockHeader::genesis(chain, spec.timestamp, executed);
    Genesis {
        chain,
        hash: header.hash(),
        header,
        validators: Arc::new(spec.validator_set()),
        rules: BatchRules {
            chain,
            params: Arc::new(spec.params.clone()),
            verified: Arc::default(),
            content: Content::Transactions,
        },
    }
}

/// Writes the genesis state into an empty store.
///
/// # Errors
/// When the store fails.
pub fn initialize(store: &dyn Store, spec: &Spec, genesis: &Genesis) -> Result<(), StoreError> {
    if store.applied_height().is_some() {
        return Ok(());
    }
    let changes: Vec<_> =
        spec.state_entries().into_iter().map(|(key, value)| (key, Some(value))).collect();
    let executed = roots_of(&genesis.header.executed);
    store.apply(&Applied { executed, changes: &changes, transactions: &[] })
}

/// Builds the tree over the flat state and compares its root with the recorded one.
///
/// # Errors
/// [`RecoverError`] when the store fails or the state is damaged.
pub fn load_tree(chain: &Chain) -> Result<StateTree, RecoverError> {
    let store = chain.store();
    let height = store.applied_height().unwrap_or(Height::ZERO);
    let mut builder = StateTreeBuilder::new();
    let mut disordered = false;
    store.visit_state(&mut |key, value| match builder.push(key, value) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => {
            disordered = true;
            ControlFlow::Break(())
        }
    })?;
    if disordered {
        return Err(RecoverError::DisorderedState(height));
    }
    let tree = builder.finish(height, HistoryLimits::default());
    let expected = chain.executed(height)?.ok_or(ChainError::Missing { what: "result", height })?;
    if tree.root() != expected.state_root {
        let (found, expected) = (tree.root(), expected.state_root);
        return Err(RecoverError::DamagedState { height, found, expected });
    }
    Ok(tree)
}

/// The newest executed height.
///
/// # Errors
/// When the store fails or lacks what must be there.
pub fn load_head(chain: &Chain) -> Result<Head, RecoverError> {
    let height = chain.store().applied_height().unwrap_or(Height::ZERO);
    let header = chain.header(height)?.ok_or(ChainError::Missing { what: "block", height })?;
    let executed = chain.executed(height)?.ok_or(ChainError::Missing { what: "result", height })?;
    Ok(Head {
        height,
        hash: header.hash(),
        view: header.view,
        timestamp: header.timestamp,
        executed,
        attested: header.executed,
    })
}

/// The safety state of a validator, with the file of its marks.
///
/// # Errors
/// When the store, the marks or the marker of a fresh key cannot be read or written.
pub fn load_safety(
    chain: &Chain,
    layout: &Layout,
    key: PublicKey,
) -> Result<(Option<SafetyState>, MarksFile), RecoverError> {
    let genesis = chain.genesis();
    let mut marks = MarksFile::open(&layout.marks(), genesis.chain)?;
    let marker = FreshMarker { key, chain: genesis.chain };
    let fresh = marker.is_present(layout.data())?;
    let never_signed = SafetyState::fresh(genesis.validators.epoch());
    // The marker goes durably before anything is signed, and last: whatever is beside it was left by a first start that
    // was cut off, unless somebody put it there.
    let is_begun = chain.safety()?.is_none_or(|stored| stored == never_signed)
        && marks.marks().is_none_or(|marks| marks == marks_of(&never_signed));
    if fresh && is_begun {
        begin_safety(chain, &mut marks)?;
        FreshMarker::remove(layout.data())?;
        info!(event = "safety.fresh", "a new key on a new directory: this validator never signed");
        return Ok((Some(never_signed), marks));
    }
    if fresh {
        FreshMarker::remove(layout.data())?;
    }
    Ok((remember(chain, &mut marks)?, marks))
}

/// Writes down that a validator with a new key never signed.
///
/// # Errors
/// When the store or the marks cannot be written.
pub fn begin_safety(chain: &Chain, marks: &mut MarksFile) -> Result<(), RecoverError> {
    let never_signed = SafetyState::fresh(chain.genesis().validators.epoch());
    chain.store().persist(&logothete_primitives::encode(&never_signed))?;
    marks.write(&marks_of(&never_signed))?;
    marks.sync()?;
    Ok(())
}

/// What a validator signed, if that is known; otherwise R10 applies.
///
/// # Errors
/// When the store cannot be read or the marks not be written.
pub fn remember(chain: &Chain, marks: &mut MarksFile) -> Result<Option<SafetyState>, RecoverError> {
    let Some(safety) = chain.safety()? else {
        warn!(event = "safety.amnesia", reason = "no safety state", "joining as a learner (R10)");
        return Ok(None);
    };
    let stored = marks_of(&safety);
    let check = marks.check(&stored);
    match check {
        // Until the next vote the copy would not show that the database was rolled back to what it knows.
        MarksCheck::FileBehind => rewrite(marks, &stored)?,
        // Until the readmission nothing else knows it: the slot before may agree with this database.
        MarksCheck::DatabaseOlder { file } => rewrite(marks, &file)?,
        MarksCheck::Agrees | MarksCheck::FileLost | MarksCheck::FileForeign { .. } => {}
    }
    if check.permits_signing() {
        return Ok(Some(safety));
    }
    warn!(event = "safety.amnesia", reason = describe(check), "joining as a learner (R10)");
    Ok(None)
}

fn rewrite(marks: &mut MarksFile, newest: &Marks) -> Result<(), StoreError> {
    marks.write(newest)?;
    marks.sync()
}

/// What consensus starts from.
///
/// # Errors
/// When the store fails or lacks what must be there.
pub fn load_consensus(
    chain: &Chain,
    safety: Option<SafetyState>,
    nonce: [u8; 32],
) -> Result<Recovered, RecoverError> {
    let height = chain.store().committed_height();
    let genesis = chain.genesis();
    if height == Height::ZERO {
        let mut recovered = Recovered::genesis(genesis.header.clone(), safety, nonce);
        recovered.blocks = uncommitted(chain)?;
        return Ok(recovered);
    }
    let stored = chain.expect_block(height)?;
    let cc = chain.commit_certificate(height)?.map(|(_, cc)| cc);
    let blocks = uncommitted(chain)?;
    let qc = blocks.iter().map(|(_, qc)| qc).find(|qc| qc.block == stored.hash).cloned();
    let recent = recent_headers(chain, &stored.block.header)?;
    let committed = CommittedRoot { header: stored.block.header, qc, cc };
    Ok(Recovered { safety, committed, recent, blocks, nonce })
}

fn uncommitted(
    chain: &Chain,
) -> Result<Vec<(logothete_consensus::Block, logothete_consensus::QuorumCert)>, RecoverError> {
    Ok(chain.uncommitted()?.into_iter().map(|stored| (stored.block, stored.qc)).collect())
}

/// The headers that decide who leads next, oldest first.
fn recent_headers(chain: &Chain, last: &BlockHeader) -> Result<Vec<BlockHeader>, RecoverError> {
    let from: View = LeaderElection::history_from(chain.genesis().validators.len(), last.view);
    let mut headers = vec![last.clone()];
    let mut height = last.height;
    while headers.last().is_some_and(|oldest| oldest.view >= from) {
        let Some(previous) = height.prev() else { break };
        height = previous;
        let Some(header) = chain.header(height)? else { break };
        headers.push(header);
    }
    headers.reverse();
    Ok(headers)
}

/// What dissemination starts from, and the final blocks whose batches must be found before they can execute.
///
/// # Errors
/// When the store fails or lacks what must be there.
pub fn load_dissemination(chain: &Chain, sequence: u64) -> Result<Start, RecoverError> {
    let store = chain.store();
    let committed = store.committed_height();
    let applied = store.applied_height().unwrap_or(Height::ZERO);
    let mut results = Vec::new();
    let mut height = applied.minus(REMEMBERED_RESULTS as u64 - 1);
    while height <= applied {
        results.extend(store.executed(height)?.map(executed_from));
        height = height.next();
    }
    let header = chain.header(committed)?.ok_or(ChainError::Missing { what: "block", height })?;
    let attested = header.executed;
    // Whether the newest blocks ordered something is not worth reading them all: assume it, and attest once more.
    let last_work = if committed == Height::ZERO { Height::ZERO } else { committed };
    Ok(Start { results, attested, committed, last_work, sequence })
}

/// The highest final height up to which every batch is stored.
///
/// # Errors
/// When the store fails or lacks what must be there.
pub fn executable_height(chain: &Chain) -> Result<Height, RecoverError> {
    let store = chain.store();
    let mut height = store.applied_height().unwrap_or(Height::ZERO);
    while height < store.committed_height() {
        let stored = chain.expect_block(height.next())?;
        for hash in batch_hashes(&stored.block) {
            if !store.has_batch(&hash)? {
                return Ok(height);
            }
        }
        height = height.next();
    }
    Ok(height)
}

/// Why a validator may not sign at start, in words.
const fn describe(check: MarksCheck) -> &'static str {
    match check {
        MarksCheck::Agrees | MarksCheck::FileBehind => "it may sign",
        MarksCheck::DatabaseOlder { .. } => "the database is older than what this validator signed",
        MarksCheck::FileLost => "the copy of the safety marks is lost",
        MarksCheck::FileForeign { .. } => "the copy of the safety marks belongs to another chain",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use logothete_genesis::spec::ValidatorSpec;
    use logothete_ledger::params::ChainParams;
    use logothete_ledger::store::MemoryStore;
    use logothete_primitives::{SecretKey, TimestampMs};

    use super::*;

    fn spec() -> Spec {
        let key = SecretKey::from_seed([1; 32]).public();
        let validator = ValidatorSpec { name: "v0".into(), key, power: 1, address: None };
        Spec {
            chain_name: "recovery".into(),
            timestamp: TimestampMs::new(1),
            validators: vec![validator],
            accounts: Vec::new(),
            params: ChainParams { fee_account: key.into(), ..ChainParams::default() },
        }
    }

    fn persist(chain: &Chain, prepared: u64) -> SafetyState {
        let fresh = SafetyState::fresh(chain.genesis().validators.epoch());
        let state = SafetyState { prepared: View::new(prepared), ..fresh };
        chain.store().persist(&logothete_primitives::encode(&state)).unwrap();
        state
    }

    /// A validator that begins, with the file of its marks.
    fn begun(marks: &Path) -> Chain {
        let genesis = Arc::new(genesis_of(&spec()));
        let chain = Chain::new(Arc::new(MemoryStore::new(genesis.chain)), genesis);
        begin_safety(&chain, &mut open(&chain, marks)).unwrap();
        chain
    }

    fn open(chain: &Chain, marks: &Path) -> MarksFile {
        MarksFile::open(marks, chain.genesis().chain).unwrap()
    }

    /// R10: a power loss left the copy behind, and before the next vote the database is an older one.
    #[test]
    fn a_copy_of_the_marks_that_is_behind_is_made_equal_at_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marks");
        let chain = begun(&path);
        let newest = persist(&chain, 7);
        assert_eq!(remember(&chain, &mut open(&chain, &path)).unwrap(), Some(newest.clone()));
        assert_eq!(open(&chain, &path).marks(), Some(marks_of(&newest)));
        persist(&chain, 6);
        assert_eq!(remember(&chain, &mut open(&chain, &path)).unwrap(), None);
    }

    /// R10: the database is an older one; before the readmission a slot of the copy is damaged, and the other slot is of
    /// the time of the database.
    #[test]
    fn a_rollback_that_was_seen_is_not_forgotten_with_one_slot_of_the_marks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marks");
        let chain = begun(&path);
        for view in [6, 7] {
            let state = persist(&chain, view);
            open(&chain, &path).write(&marks_of(&state)).unwrap();
        }
        persist(&chain, 6);
        assert_eq!(remember(&chain, &mut open(&chain, &path)).unwrap(), None);
        let whole = std::fs::read(&path).unwrap();
        for slot in [0, 1] {
            let mut damaged = whole.clone();
            damaged[slot * 512 + 60] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(remember(&chain, &mut open(&chain, &path)).unwrap(), None, "slot {slot}");
        }
    }
}
