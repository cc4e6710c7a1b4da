//! Where a validator's own batches come from.

use futures::future::BoxFuture;
use logothete_primitives::ValidatorIndex;

use super::held::HeldBatch;

/// What waits to be sealed into batches: the mempool, or the payloads of `bench order`.
pub trait BatchSource: Send + Sync {
    /// Waits until something may have become ready to be sealed.
    fn arrived(&self) -> BoxFuture<'_, ()>;

    /// Whether something could be sealed now.
    fn has_ready(&self) -> bool;

    /// Seals at most one batch within the limits of the protocol; none when nothing waits.
    fn seal(&self, author: ValidatorIndex, sequence: u64) -> Option<HeldBatch>;
}
