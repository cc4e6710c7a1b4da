//! What goes into a store and comes out of it.
//!
//! Blocks and certificates are opaque bytes here, with the numbers that index them beside them:
//! the ledger does not know the consensus types, the node joins the two.

use logothete_primitives::{
    Address, BatchHash, BlockHash, Height, ReceiptsRoot, StateRoot, TxHash, View,
};

use crate::state::{StateKey, StateValue};

/// A block with the certificate it was proposed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// Position in the chain.
    pub height: Height,
    /// Hash of the header.
    pub hash: BlockHash,
    /// View in which the block was proposed.
    pub view: View,
    /// The encoded block.
    pub block: Vec<u8>,
    /// The encoded quorum certificate for the parent that came with the proposal.
    pub justify: Vec<u8>,
}

/// A block that became final, oldest first in a [`Store::commit`](super::Store::commit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedBlock<'a> {
    /// Position in the chain.
    pub height: Height,
    /// Hash of the header; the block is in the store already.
    pub hash: BlockHash,
    /// The batches that its payload names; from now on they are kept with the block.
    pub batches: &'a [BatchHash],
    /// What each piece of evidence in its payload is about, in the order of the payload; found again by
    /// [`Store::evidence`](super::Store::evidence).
    pub evidence: &'a [Vec<u8>],
}

/// A piece of evidence in a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceEntry {
    /// Height of the block.
    pub height: Height,
    /// Position in the payload.
    pub index: u32,
    /// What it is about, as [`CommittedBlock::evidence`] said.
    pub about: Vec<u8>,
}

/// A commit certificate and the block it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRecord {
    /// Height of the block that the certificate names.
    pub height: Height,
    /// Hash of that block.
    pub hash: BlockHash,
    /// The encoded certificate.
    pub certificate: Vec<u8>,
}

/// The roots after execution of a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutedRoots {
    /// The executed height.
    pub height: Height,
    /// Root of the state tree.
    pub state_root: StateRoot,
    /// Root over the receipts of the block.
    pub receipts_root: ReceiptsRoot,
}

/// Everything that the execution of one height changes, written atomically.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// Height and roots.
    pub executed: ExecutedRoots,
    /// State changes sorted by key; `None` removes.
    pub changes: &'a [(StateKey, Option<StateValue>)],
    /// Executed transactions by ascending index; skipped ones have no receipt and are absent.
    pub transactions: &'a [AppliedTx<'a>],
}

/// One executed transaction of a block.
#[derive(Clone, Copy, Debug)]
pub struct AppliedTx<'a> {
    /// Position in the block.
    pub index: u32,
    /// Hash of the transaction.
    pub hash: TxHash,
    /// The encoded receipt.
    pub receipt: &'a [u8],
    /// Accounts in whose history the transaction appears, without duplicates.
    pub accounts: &'a [Address],
}

/// Where a transaction was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxLocation {
    /// Height of the block.
    pub height: Height,
    /// Position in the block.
    pub index: u32,
}

/// One line of an account's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Where the transaction was executed.
    pub location: TxLocation,
    /// Hash of the transaction.
    pub hash: TxHash,
}

/// A bounded piece of an account's history, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The entries.
    pub items: Vec<HistoryEntry>,
    /// Give this as the cursor to read on (entries older than it); `None` at the end.
    pub next: Option<TxLocation>,
}

/// Space used by one family of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyUsage {
    /// Name of the family.
    pub family: &'static str,
    /// Bytes in files.
    pub disk_bytes: u64,
    /// Bytes in memory that wait for a flush.
    pub memory_bytes: u64,
    /// Estimated number of records.
    pub records: u64,
}
