//! Execution: final blocks, in order, become state, receipts and indexes.
//!
//! The executor runs behind ordering. It takes the next final height by itself, from the blocks that the driver
//! laid ready or else from the store, so that a long backlog after a restart or a sync costs no memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use logothete_consensus::{Block, Executed};
use logothete_ledger::admission::Admitted;
use logothete_ledger::execute::{BlockInput, BlockOutput, execute};
use logothete_ledger::mempool::FinalBlock;
use logothete_ledger::params::ChainParams;
use logothete_ledger::receipt::{Outcome, Receipt, accumulate};
use logothete_ledger::store::{Applied, AppliedTx};
use logothete_primitives::{BatchHash, BlockHash, Height, ReceiptsRoot, codec};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info};

use crate::chain::{Chain, ChainError, batch_hashes, roots_of};
use crate::dissemination::HeldBatch;
use crate::finality::{Finality, Place};
use crate::head::Head;
use crate::mempool::SharedMempool;
use crate::metrics::Metrics;
use crate::state::StateHandle;
use crate::supervise::Pulse;
use crate::sync::Committed;
use crate::traces::Traces;

/// Final blocks that are laid ready with their decoded batches; the rest is read from the store.
pub const READY_MAX: u32 = 64;

/// Why execution stops the node.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// The store failed or is damaged.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A quorum certified another result than ours: this node's state or program is wrong.
    #[error(
        "the result of height {height} differs from what a quorum certified in block {block}: \
         ours {ours:?}, certified {certified:?}; stop, keep the data directory and compare versions, \
         then wipe the node to let it heal from its peers"
    )]
    Diverged {
        /// The attested height.
        height: Height,
        /// The block that attests it.
        block: BlockHash,
        /// Our result.
        ours: Box<Executed>,
        /// The certified result.
        certified: Box<Executed>,
    },
}

/// A final block with its batches.
#[derive(Clone, Debug)]
pub struct ReadyBlock {
    /// The block.
    pub block: Arc<Block>,
    /// Its batches, in order.
    pub batches: Vec<Arc<HeldBatch>>,
}

/// Final blocks whose batches are still in memory, by height; bounded.
#[derive(Clone, Default)]
pub struct ReadyBlocks(Arc<Mutex<BTreeMap<Height, ReadyBlock>>>);

impl ReadyBlocks {
    /// Lays a block ready, unless enough lie there already.
    pub fn offer(&self, ready: ReadyBlock) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() < READY_MAX as usize {
            blocks.insert(ready.block.header.height, ready);
        }
    }

    /// Takes the block of a height and forgets older ones.
    fn take(&self, height: Height) -> Option<ReadyBlock> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while blocks.first_key_value().is_some_and(|(lowest, _)| *lowest < height) {
            blocks.pop_first();
        }
        blocks.remove(&height)
    }
}

/// What the executor tells the driver.
#[derive(Clone, Copy, Debug)]
pub struct ExecutedNotice {
    /// The new local result.
    pub executed: Executed,
}

/// The parts the executor works with.
pub struct Tools {
    /// Blocks, batches and results.
    pub chain: Chain,
    /// The state.
    pub state: StateHandle,
    /// The rules of the chain.
    pub params: Arc<ChainParams>,
    /// Blocks laid ready by the driver.
    pub ready: ReadyBlocks,
    /// Waiting transactions, told what became final.
    pub mempool: SharedMempool,
    /// Who waits for a transaction.
    pub finality: Finality,
    /// Where the new head is published.
    pub head: watch::Sender<Head>,
    /// Figures.
    pub metrics: Metrics,
    /// Traces of transactions.
    pub traces: Traces,
}

/// The execution stage.
pub struct Executor {
    tools: Tools,
    applied: Height,
    /// What stands for the receipts of all heights up to `applied`.
    receipts: ReceiptsRoot,
    /// Our results that no final block has attested yet, and the last one that was.
    unattested: BTreeMap<Height, Executed>,
}

impl Executor {
    /// Continues after the height that the store has applied.
    ///
    /// # Errors
    /// When the store fails.
    pub fn new(tools: Tools) -> Result<Self, ExecuteError> {
        let head = *tools.head.borrow();
        let mut unattested = BTreeMap::new();
        let mut height = head.attested.height;
        while height <= head.height {
            if let Some(executed) = tools.chain.executed(height)? {
                unattested.insert(height, executed);
            }
            height = height.next();
        }
        let receipts = head.executed.receipts_root;
        Ok(Self { tools, applied: head.height, receipts, unattested })
    }

    /// Executes whatever becomes final, until the driver is gone.
    ///
    /// # Errors
    /// [`ExecuteError`] ends the process.
    pub async fn run(
        mut self,
        mut committed: watch::Receiver<Committed>,
        notices: mpsc::Sender<ExecutedNotice>,
        pulse: Arc<Pulse>,
    ) -> Result<(), ExecuteError> {
        loop {
            let target = committed.borrow_and_update().height;
            while self.applied < target {
                let executed = {
                    let _busy = pulse.busy();
                    self.step()?
                };
                if notices.send(ExecutedNotice { executed }).await.is_err() {
                    return Ok(());
                }
            }
            if committed.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Executes the next final height.
    ///
    /// # Errors
    /// [`ExecuteError`] when the block cannot be read, the result not be written, or a quorum disagrees.
    pub fn step(&mut self) -> Result<Executed, ExecuteError> {
        let began = Instant::now();
        let height = self.applied.next();
        let ready = match self.tools.ready.take(height) {
            Some(ready) => ready,
            None => self.load(height)?,
        };
        let transactions: Vec<Arc<Admitted>> =
            ready.batches.iter().flat_map(|batch| batch.transactions.iter().cloned()).collect();
        let header = &ready.block.header;
        let input = BlockInput {
            height,
            timestamp: header.timestamp,
            transactions: &transactions,
            params: &self.tools.params,
        };
        let output = execute(&self.tools.state, &input);
        let planning = Instant::now();
        let update = self.tools.state.plan(&output.changes);
        self.tools.metrics.execution.updated_tree(planning.elapsed());
        let receipts_root = accumulate(&self.receipts, &output.receipts_root);
        let executed = Executed { height, state_root: update.root(), receipts_root };
        self.store(executed, &output, &transactions)?;
        self.tools.state.commit(height, update);
        self.unattested.insert(height, executed);
        self.check_attestation(&ready.block)?;
        self.applied = height;
        self.receipts = receipts_root;
        self.publish(&ready.block, executed, (&output, &transactions), began);
        Ok(executed)
    }

    fn load(&self, height: Height) -> Result<ReadyBlock, ExecuteError> {
        let stored = self.tools.chain.expect_block(height)?;
        let batches = batch_hashes(&stored.block)
            .iter()
            .map(|hash| self.load_batch(hash, height))
            .collect::<Result<_, _>>()?;
        Ok(ReadyBlock { block: Arc::new(stored.block), batches })
    }

    fn load_batch(&self, hash: &BatchHash, height: Height) -> Result<Arc<HeldBatch>, ExecuteError> {
        let missing = ChainError::Missing { what: "batch", height };
        Ok(self.tools.chain.batch(hash)?.map(Arc::new).ok_or(missing)?)
    }

    fn store(
        &self,
        executed: Executed,
        output: &BlockOutput,
        transactions: &[Arc<Admitted>],
    ) -> Result<(), ExecuteError> {
        let mut records = Vec::with_capacity(transactions.len());
        for (tx, outcome) in transactions.iter().zip(&output.outcomes) {
            if let Outcome::Executed(receipt) = outcome {
                let accounts = tx.tx.body.accounts();
                records.push((receipt.index, tx.hash, codec::encode(receipt), accounts));
            }
        }
        let applied: Vec<_> = records
            .iter()
            .map(|(index, hash, receipt, accounts)| AppliedTx {
                index: *index,
                hash: *hash,
                receipt,
                accounts,
            })
            .collect();
        let applied = Applied {
            executed: roots_of(&executed),
            changes: &output.changes,
            transactions: &applied,
        };
        let began = Instant::now();
        self.tools.chain.store().apply(&applied).map_err(ChainError::from)?;
        self.tools.metrics.store.applied(began.elapsed());
        Ok(())
    }

    /// Compares what the block attests with our own result of that height.
    fn check_attestation(&mut self, block: &Block) -> Result<(), ExecuteError> {
        let certified = block.header.executed;
        self.unattested = self.unattested.split_off(&certified.height);
        match self.unattested.get(&certified.height) {
            Some(ours) if *ours != certified => Err(ExecuteError::Diverged {
                height: certified.height,
                block: block.hash(),
                ours: Box::new(*ours),
                certified: Box::new(certified),
            }),
            _ => Ok(()),
        }
    }

    fn publish(
        &self,
        block: &Block,
        executed: Executed,
        (output, transactions): (&BlockOutput, &[Arc<Admitted>]),
        began: Instant,
    ) {
        let height = executed.height;
        let settled = self.tools.mempool.on_final(&FinalBlock {
            height,
            transactions,
            outcomes: &output.outcomes,
            nonces: &output.nonces,
        });
        for took in settled.took {
            self.tools.metrics.pipeline.settled(took);
        }
        let count = output.receipts().count();
        self.tools.metrics.block_executed(height, count, transactions.len() - count);
        self.tools.metrics.execution.took(began.elapsed());
        // From here on clients see the height; whatever else they may ask of it is in its place.
        self.tools.head.send_replace(Head {
            height,
            hash: block.hash(),
            view: block.header.view,
            timestamp: block.header.timestamp,
            executed,
            attested: block.header.executed,
        });
        let place = |receipt: &Receipt| (receipt.tx, Place { height, index: receipt.index });
        self.tools.finality.announce(output.receipts().map(place));
        self.tools.finality.forget(&settled.dropped);
        self.tools.traces.executed(height, output.receipts().map(|receipt| &receipt.tx), began);
        self.tools.traces.dropped(settled.dropped.iter());
        if transactions.is_empty() {
            debug!(event = "block.executed", %height, view = %block.header.view, transactions = 0);
        } else {
            info!(event = "block.executed", %height, view = %block.header.view, transactions = count);
        }
    }
}
