//! Reading a whole store against itself: the state by its root, the chain block by block.
//!
//! What needs the types of consensus is asked of a [`ChainCheck`], which the node supplies. Backups and the databases of
//! stopped nodes are read by the same functions.

use std::fmt;
use std::ops::ControlFlow;

use logothete_primitives::{Height, StateRoot};

use crate::progress::{Step, Unit};
use crate::state_tree::StateTreeBuilder;
use crate::store::{BlockRecord, CommitRecord, Store, StoreError};

/// Entries of the state between two steps of progress.
const STRIDE: u64 = 4_096;

/// What does not hold, by the name of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The check: a stable word.
    pub check: &'static str,
    /// What it found, for people.
    pub fault: String,
}

impl Flaw {
    /// A flaw that a check found.
    pub fn new(check: &'static str, fault: impl fmt::Display) -> Self {
        Self { check, fault: fault.to_string() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.fault)
    }
}

/// Checks that need the consensus types, which the node knows and the ledger does not.
pub trait ChainCheck {
    /// Checks a final block: that its bytes have its hash, that it follows the one given before it,
    /// that its batches are stored, that the results it attests equal those in the store. Heights
    /// come in order from 1.
    ///
    /// # Errors
    /// What is wrong with it.
    fn block(&mut self, block: &BlockRecord, store: &dyn Store) -> Result<(), Flaw>;

    /// Checks the commit certificate of the block given last, which makes all before it final.
    ///
    /// # Errors
    /// What is wrong with it.
    fn certificate(&mut self, commit: &CommitRecord) -> Result<(), Flaw>;

    /// Told how far the reading is.
    fn progress(&mut self, step: Step);
}

/// Why a store is not believed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A check does not hold.
    #[error("height {height}: {flaw}")]
    Flawed {
        /// Where.
        height: Height,
        /// What.
        flaw: Flaw,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was read and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Height of the state; `None` before the genesis state was applied.
    pub height: Option<Height>,
    /// Its root, computed from its entries.
    pub state_root: StateRoot,
    /// Entries of the state.
    pub state_entries: u64,
    /// Blocks.
    pub blocks: u64,
    /// Commit certificates.
    pub certificates: u64,
}

/// Reads everything: every block from the first, every commit certificate, then the state.
pub fn audit(store: &dyn Store, check: &mut dyn ChainCheck) -> Result<Audited, AuditError> {
    let certificates = audit_chain(store, check)?;
    let (state_root, state_entries) = audit_state(store, check)?;
    Ok(Audited {
        height: store.applied_height(),
        state_root,
        state_entries,
        blocks: store.committed_height().get(),
        certificates,
    })
}

/// Hands every final block to the check, and every certificate after the last block that it covers.
fn audit_chain(store: &dyn Store, check: &mut dyn ChainCheck) -> Result<u64, AuditError> {
    let committed = store.committed_height();
    let mut covering: Option<CommitRecord> = None;
    let mut certificates = 0;
    let mut height = Height::ZERO;
    while height < committed {
        height = height.next();
        let at = |flaw| AuditError::Flawed { height, flaw };
        let missing = |check, what: &str| at(Flaw::new(check, format!("the {what} is missing")));
        let block = store.block_by_height(height).map_err(|error| unread(height, error))?;
        let block = block.ok_or_else(|| missing("block", "block"))?;
        check.block(&block, store).map_err(at)?;
        if covering.is_none() {
            covering = store.commit_certificate(height).map_err(|error| unread(height, error))?;
        }
        let cover = covering.as_ref();
        let cover = cover.ok_or_else(|| missing("certificate", "commit certificate"))?;
        if cover.height == height {
            check.certificate(cover).map_err(at)?;
            certificates += 1;
            covering = None;
        }
        let (done, total) = (height.get(), Some(committed.get()));
        check.progress(Step { work: "blocks", unit: Unit::Blocks, done, total });
    }
    Ok(certificates)
}

/// Recomputes the state root from the flat state and compares it with the recorded one.
fn audit_state(
    store: &dyn Store,
    check: &mut dyn ChainCheck,
) -> Result<(StateRoot, u64), AuditError> {
    let height = store.applied_height().unwrap_or(Height::ZERO);
    let flawed = |flaw| AuditError::Flawed { height, flaw };
    let mut builder = StateTreeBuilder::new();
    let (mut entries, mut fault) = (0, None);
    let visited = store.visit_state(&mut |key, value| match builder.push(key, value) {
        Ok(()) => {
            entries += 1;
            if entries % STRIDE == 0 {
                let (work, unit) = ("state", Unit::Entries);
                check.progress(Step { work, unit, done: entries, total: None });
            }
            ControlFlow::Continue(())
        }
        Err(unsorted) => {
            fault = Some(unsorted);
            ControlFlow::Break(())
        }
    });
    visited.map_err(|error| unread(height, error))?;
    if let Some(fault) = fault {
        return Err(flawed(Flaw::new("state_order", fault)));
    }
    let found = builder.root();
    let recorded = store.executed(height).map_err(|error| unread(height, error))?;
    match recorded.map(|recorded| recorded.state_root).filter(|recorded| *recorded != found) {
        Some(recorded) => {
            let fault = format!("the state has root {found}, recorded is {recorded}");
            Err(flawed(Flaw::new("state_root", fault)))
        }
        None => Ok((found, entries)),
    }
}

/// Damage has a place; what else the store says has not.
fn unread(height: Height, error: StoreError) -> AuditError {
    if error.is_corruption() {
        return AuditError::Flawed { height, flaw: Flaw::new("database", error) };
    }
    error.into()
}
