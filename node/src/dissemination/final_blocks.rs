//! Final blocks on their way to execution, which needs all their batches.
//!
//! A quorum held every batch before the block became final, but this node need not have been part of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use logothete_consensus::Block;
use logothete_ledger::batch::BatchRef;
use logothete_primitives::BatchHash;

use super::held::HeldBatch;
use super::search::Search;

/// Blocks at the front for which missing batches are searched at the same time.
const SEARCHED_AT_ONCE: usize = 4;

/// A final block and those of its batches that are at hand.
#[derive(Debug)]
pub(super) struct FinalBlock {
    /// The block.
    pub(super) block: Arc<Block>,
    /// What its payload names, in order.
    pub(super) references: Vec<BatchRef>,
    /// The batches at hand.
    pub(super) held: BTreeMap<BatchHash, Arc<HeldBatch>>,
    /// The search for the others.
    pub(super) search: Search,
}

/// Final blocks in the order of heights.
#[derive(Debug, Default)]
pub(super) struct FinalBlocks(VecDeque<FinalBlock>);

impl FinalBlocks {
    /// Adds the next final block.
    pub(super) fn push(&mut self, block: FinalBlock) {
        self.0.push_back(block);
    }

    /// Gives a batch to the blocks that wait for it.
    pub(super) fn on_batch(&mut self, batch: &Arc<HeldBatch>) {
        let hash = batch.hash();
        for waiting in &mut self.0 {
            if waiting.search.missing.remove(&hash) {
                waiting.held.insert(hash, batch.clone());
            }
        }
    }

    /// Takes the oldest block if nothing of it is missing.
    pub(super) fn pop_complete(&mut self) -> Option<(Arc<Block>, Vec<Arc<HeldBatch>>)> {
        if !self.0.front()?.search.missing.is_empty() {
            return None;
        }
        let FinalBlock { block, references, mut held, .. } = self.0.pop_front()?;
        let batches = references.iter().filter_map(|reference| held.remove(&reference.hash));
        Some((block, batches.collect()))
    }

    /// The searches that are under way.
    pub(super) fn searches(&self) -> impl Iterator<Item = &Search> {
        self.0.iter().take(SEARCHED_AT_ONCE).map(|waiting| &waiting.search)
    }

    /// The same, to be moved on.
    pub(super) fn searches_mut(&mut self) -> impl Iterator<Item = &mut Search> {
        self.0.iter_mut().take(SEARCHED_AT_ONCE).map(|waiting| &mut waiting.search)
    }
}
