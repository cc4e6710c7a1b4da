//! The store that a node keeps its chain in.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use logothete_primitives::{Address, BatchHash, BlockHash, ChainId, Height, TxHash};

use super::{
    Applied, BlockRecord, CommitRecord, CommittedBlock, EvidenceEntry, ExecutedRoots, FamilyUsage,
    HistoryPage, StoreError, TxLocation,
};
use crate::state::{StateKey, StateValue};

/// Most entries that one page of a list may hold.
pub const PAGE_MAX: usize = 1_000;

/// Durable records of one chain: blocks, certificates, batches, the safety state, the flat state,
/// receipts and indexes.
///
/// Synchronous and shared between threads. The order of calls is:
///
/// 1. [`put_batch`](Store::put_batch) and [`put_block`](Store::put_block), not durable by
///    themselves;
/// 2. [`persist`](Store::persist), after which everything written before is durable, so that a vote
///    may leave;
/// 3. [`commit`](Store::commit) when a block is final;
/// 4. [`apply`](Store::apply) when it has been executed.
///
/// Invariants after any crash:
/// - what was written before the last `persist` or [`sync`](Store::sync) is there;
/// - a height is committed wholly or not at all, and applied wholly or not at all;
/// - `applied_height <= committed_height`. The applied height may fall back (its records have no
///   write-ahead log): the node executes the missing heights again, from blocks and batches.
pub trait Store: Send + Sync {
    /// The chain that the store belongs to.
    fn chain(&self) -> ChainId;

    /// Stores a block that is not final yet. Writing it twice is harmless.
    fn put_block(&self, block: &BlockRecord) -> Result<(), StoreError>;

    /// Stores the bytes of a batch. Writing it twice is harmless.
    fn put_batch(&self, hash: &BatchHash, bytes: &[u8]) -> Result<(), StoreError>;

    /// Replaces the safety state, durably together with everything written before (R2, R3, R5).
    /// An error must end the process.
    fn persist(&self, safety: &[u8]) -> Result<(), StoreError>;

    /// Makes everything logged so far durable without touching the safety state.
    fn sync(&self) -> Result<(), StoreError>;

    /// Makes blocks final, oldest first, the first one following the committed height. `certificate`
    /// is the commit certificate of the last. Competing blocks at these heights are removed.
    fn commit(&self, blocks: &[CommittedBlock<'_>], certificate: &[u8]) -> Result<(), StoreError>;

    /// Writes the results of the height that follows the applied one (height 0 is the genesis
    /// state).
    fn apply(&self, applied: &Applied<'_>) -> Result<(), StoreError>;

    /// Writes what is only in memory to files, so that the next start has nothing to execute again.
    fn flush(&self) -> Result<(), StoreError>;

    /// Highest final height; zero when only genesis is.
    fn committed_height(&self) -> Height;

    /// Highest executed height; `None` before the genesis state was applied.
    fn applied_height(&self) -> Option<Height>;

    /// The safety state; `None` means that this validator does not know what it signed (R10).
    fn safety(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stored blocks above the committed height, by height.
    fn uncommitted_blocks(&self) -> Result<Vec<BlockRecord>, StoreError>;

    /// The final block of a height.
    fn block_by_height(&self, height: Height) -> Result<Option<BlockRecord>, StoreError>;

    /// The hash of the final block of a height.
    fn block_hash(&self, height: Height) -> Result<Option<BlockHash>, StoreError>;

    /// A block, final or not.
    fn block_by_hash(&self, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError>;

    /// The commit certificate that makes `height` final: the first at or above it.
    fn commit_certificate(&self, height: Height) -> Result<Option<CommitRecord>, StoreError>;

    /// The bytes of a batch.
    fn batch(&self, hash: &BatchHash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether the batch is stored.
    fn has_batch(&self, hash: &BatchHash) -> Result<bool, StoreError>;

    /// Removes batches that no final block names and that were stored while the committed height
    /// was below `before`, except those in `keep`. Returns how many.
    fn remove_unordered_batches(
        &self,
        before: Height,
        keep: &BTreeSet<BatchHash>,
    ) -> Result<usize, StoreError>;

    /// All evidence in final blocks, newest first: the validity of blocks keeps it few.
    fn evidence(&self) -> Result<Vec<EvidenceEntry>, StoreError>;

    /// Where a transaction was executed.
    fn tx_location(&self, hash: &TxHash) -> Result<Option<TxLocation>, StoreError>;

    /// The encoded receipt at a place.
    fn receipt(&self, location: TxLocation) -> Result<Option<Vec<u8>>, StoreError>;

    /// All receipts of a height with their index, ascending.
    fn receipts(&self, height: Height) -> Result<Vec<(u32, Vec<u8>)>, StoreError>;

    /// Transactions of an account, newest first, older than `cursor`; at most `limit` and at most
    /// [`PAGE_MAX`].
    fn account_history(
        &self,
        account: &Address,
        cursor: Option<TxLocation>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError>;

    /// The roots of an executed height.
    fn executed(&self, height: Height) -> Result<Option<ExecutedRoots>, StoreError>;

    /// One value of the state at the applied height.
    fn state(&self, key: &StateKey) -> Result<Option<StateValue>, StoreError>;

    /// Several values of the state at the applied height, in the order of `keys`.
    fn states(&self, keys: &[StateKey]) -> Result<Vec<Option<StateValue>>, StoreError>;

    /// Visits the whole state at one applied height, by ascending key, until told to stop.
    fn visit_state(
        &self,
        visit: &mut dyn FnMut(StateKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Space used, by family.
    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError>;

    /// Whether writers are slowed down or wait at this moment, because the database does not bring what was written into
    /// files as fast as more comes. A vote waits with them: each is a write.
    fn is_write_stalled(&self) -> Result<bool, StoreError>;

    /// Makes a consistent copy in `target`, which must not exist.
    fn checkpoint(&self, target: &Path) -> Result<(), StoreError>;
}
