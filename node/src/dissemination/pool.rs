//! The batches this node holds that are not final yet, in order of arrival.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use logothete_ledger::batch::BatchRef;
use logothete_primitives::{BatchHash, ValidatorIndex};

use super::held::HeldBatch;

/// How many hashes of final batches are remembered, so that a late copy is not taken for new work.
const REMEMBERED_FINAL: usize = 16_384;

/// Held batches waiting for an order.
#[derive(Debug, Default)]
pub struct BatchPool {
    held: BTreeMap<BatchHash, (u64, Arc<HeldBatch>)>,
    by_arrival: BTreeMap<u64, BatchHash>,
    next_arrival: u64,
    bytes_by_author: BTreeMap<ValidatorIndex, usize>,
    final_set: BTreeSet<BatchHash>,
    final_order: VecDeque<BatchHash>,
}

impl BatchPool {
    /// Adds a batch; `false` when it is known or already final.
    pub fn insert(&mut self, batch: Arc<HeldBatch>) -> bool {
        let hash = batch.hash();
        if self.held.contains_key(&hash) || self.final_set.contains(&hash) {
            return false;
        }
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        *self.bytes_by_author.entry(batch.reference.author).or_default() += batch.bytes.len();
        self.by_arrival.insert(arrival, hash);
        self.held.insert(hash, (arrival, batch));
        true
    }

    /// The batch, if it is held and not final.
    pub fn held(&self, hash: &BatchHash) -> Option<&Arc<HeldBatch>> {
        self.held.get(hash).map(|(_, batch)| batch)
    }

    /// Whether the batch is held or was made final a short while ago.
    pub fn knows(&self, hash: &BatchHash) -> bool {
        self.held.contains_key(hash) || self.final_set.contains(hash)
    }

    /// Bytes held for one author, for the bound against flooding.
    pub fn bytes_of(&self, author: ValidatorIndex) -> usize {
        self.bytes_by_author.get(&author).copied().unwrap_or(0)
    }

    /// Whether nothing waits for an order.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Number of batches waiting for an order.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// The oldest batches that are not in `taken`, at most `count` of them.
    pub fn oldest(&self, taken: &BTreeSet<BatchHash>, count: usize) -> Vec<BatchRef> {
        self.by_arrival
            .values()
            .filter(|hash| !taken.contains(hash))
            .filter_map(|hash| self.held.get(hash))
            .take(count)
            .map(|(_, batch)| batch.reference)
            .collect()
    }

    /// Records that a batch is final and hands it out for execution.
    pub fn finalize(&mut self, hash: BatchHash) -> Option<Arc<HeldBatch>> {
        if self.final_set.insert(hash) {
            self.final_order.push_back(hash);
            if self.final_order.len() > REMEMBERED_FINAL
                && let Some(oldest) = self.final_order.pop_front()
            {
                self.final_set.remove(&oldest);
            }
        }
        let (arrival, batch) = self.held.remove(&hash)?;
        self.by_arrival.remove(&arrival);
        if let Some(bytes) = self.bytes_by_author.get_mut(&batch.reference.author) {
            *bytes = bytes.saturating_sub(batch.bytes.len());
        }
        Some(batch)
    }
}
