//! The mempool as the stages of the node share it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use logothete_ledger::account::Account;
use logothete_ledger::admission::Admitted;
use logothete_ledger::batch::Batch;
use logothete_ledger::mempool::{
    DropReason, FinalBlock, Inserted, Mempool, MempoolError, MempoolLimits, MempoolStats, Presence,
};
use logothete_ledger::receipt::Outcome;
use logothete_ledger::state::StateView;
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_BATCH_TXS};
use logothete_primitives::{Address, Height, Nonce, TxHash, ValidatorIndex};
use tokio::sync::Notify;

use crate::dissemination::{BatchSource, HeldBatch};

/// How many dropped transactions are remembered, so that their senders learn why.
const REMEMBERED_DROPS: usize = 4_096;
/// How many of those that expired are named.
const EXPIRED_NAMED: usize = 3;
/// Bytes of transactions that one batch takes: the rest of the frame is the batch's own fields.
const BATCH_CONTENT_BYTES: usize =
    MAX_BATCH_BYTES - 64 - MAX_BATCH_TXS * logothete_ledger::batch::BATCH_ENTRY_BYTES;

struct Inner {
    pool: Mempool,
    /// When each transaction came in.
    arrivals: HashMap<TxHash, Instant>,
    dropped: VecDeque<(Instant, TxHash, DropReason)>,
}

/// Transactions that waited for as long as they may, and no block took them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiries {
    /// How many.
    pub count: usize,
    /// The newest of them.
    pub newest: Vec<TxHash>,
}

/// What a final block decided for the transactions that were taken in here.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// How long each that became final took to get there.
    pub took: Vec<Duration>,
    /// Those that left without having been executed.
    pub dropped: Vec<TxHash>,
}

/// Waiting transactions behind a lock that is never held across a wait or a disk write.
#[derive(Clone)]
pub struct SharedMempool {
    inner: Arc<Mutex<Inner>>,
    arrived: Arc<Notify>,
}

impl SharedMempool {
    /// An empty mempool.
    pub fn new(limits: MempoolLimits) -> Self {
        let inner = Inner {
            pool: Mempool::new(limits),
            arrivals: HashMap::new(),
            dropped: VecDeque::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), arrived: Arc::new(Notify::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes transactions in, each with its own verdict. The state is read before the lock is taken,
    /// unless a block becomes final meanwhile.
    pub fn insert<V: StateView>(
        &self,
        now: Height,
        transactions: Vec<Arc<Admitted>>,
        state: &V,
    ) -> Vec<Result<Inserted, MempoolError>> {
        let senders: Vec<Address> = transactions.iter().map(|tx| tx.tx.body.sender).collect();
        let early = state.accounts(&senders);
        let mut inner = self.lock();
        // A block that became final in between makes what was read too old.
        let stale = inner.pool.height() > now;
        let accounts = if stale { state.accounts(&senders) } else { early };
        let arrived = Instant::now();
        let verdicts = transactions
            .into_iter()
            .zip(accounts)
            .map(|(tx, account)| {
                let hash = tx.hash;
                let inserted = inner.pool.insert_known(now, tx, account.unwrap_or_default())?;
                inner.arrivals.insert(hash, arrived);
                for gone in inserted.evicted.iter().chain(&inserted.replaced) {
                    inner.arrivals.remove(gone);
                }
                Ok(inserted)
            })
            .collect();
        drop(inner);
        self.arrived.notify_one();
        verdicts
    }

    /// Waits until something may have become ready to be sealed.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes at most one batch of transactions, best first.
    pub fn take_batch(&self) -> Vec<Arc<Admitted>> {
        self.lock().pool.take(BATCH_CONTENT_BYTES, MAX_BATCH_TXS)
    }

    /// Settles what a final block decides.
    pub fn on_final(&self, block: &FinalBlock<'_>) -> Settled {
        let now = Instant::now();
        let mut inner = self.lock();
        let mut dropped = Vec::new();
        for gone in inner.pool.on_final(block) {
            dropped.push(gone.hash);
            inner.arrivals.remove(&gone.hash);
            inner.dropped.push_back((now, gone.hash, gone.reason));
        }
        let receipts = block.outcomes.iter().filter_map(Outcome::receipt);
        let took: Vec<Duration> = receipts
            .filter_map(|receipt| inner.arrivals.remove(&receipt.tx))
            .map(|arrived| arrived.elapsed())
            .collect();
        while inner.dropped.len() > REMEMBERED_DROPS {
            inner.dropped.pop_front();
        }
        let ready = inner.pool.has_ready();
        drop(inner);
        if ready {
            self.arrived.notify_one();
        }
        Settled { took, dropped }
    }

    /// How long the transaction that has waited longest has been here. One behind a gap in the nonces of its
    /// sender does not count: no block could take it, however well the chain goes.
    pub fn oldest(&self) -> Duration {
        let inner = self.lock();
        let mut oldest = None;
        for (hash, arrived) in &inner.arrivals {
            if oldest.is_none_or(|oldest| *arrived < oldest) && inner.pool.is_reachable(hash) {
                oldest = Some(*arrived);
            }
        }
        oldest.map(|arrived| arrived.elapsed()).unwrap_or_default()
    }

    /// Where a transaction is.
    pub fn presence(&self, hash: &TxHash) -> Option<Presence> {
        self.lock().pool.presence(hash)
    }

    /// Why a transaction left lately without having been executed.
    pub fn drop_reason(&self, hash: &TxHash) -> Option<DropReason> {
        let inner = self.lock();
        let found = inner.dropped.iter().rev().find(|(_, dropped, _)| dropped == hash);
        found.map(|(_, _, why)| why.clone())
    }

    /// What expired within the time before now, as far as it is remembered.
    pub fn expired_within(&self, time: Duration) -> Expiries {
        let inner = self.lock();
        let recent = inner.dropped.iter().rev().take_while(|(at, ..)| at.elapsed() <= time);
        let expired = recent.filter(|(_, _, why)| *why == DropReason::Expired);
        let mut expiries = Expiries::default();
        for (_, hash, _) in expired {
            expiries.count += 1;
            if expiries.newest.len() < EXPIRED_NAMED {
                expiries.newest.push(*hash);
            }
        }
        expiries
    }

    /// A waiting transaction.
    pub fn transaction(&self, hash: &TxHash) -> Option<Arc<Admitted>> {
        self.lock().pool.transaction(hash).cloned()
    }

    /// The nonce that a sender should use next.
    pub fn next_nonce(&self, address: &Address, account: &Account) -> Nonce {
        self.lock().pool.next_nonce(address, account)
    }

    /// Figures about the mempool.
    pub fn stats(&self) -> MempoolStats {
        self.lock().pool.stats()
    }

    /// When a client that was sent away should come again.
    pub fn retry_after(&self) -> Duration {
        self.lock().pool.retry_after()
    }
}

/// Batches of the best transactions first.
impl BatchSource for SharedMempool {
    fn arrived(&self) -> BoxFuture<'_, ()> {
        Self::arrived(self).boxed()
    }

    fn has_ready(&self) -> bool {
        self.lock().pool.has_ready()
    }

    fn seal(&self, author: ValidatorIndex, sequence: u64) -> Option<HeldBatch> {
        let transactions = self.take_batch();
        if transactions.is_empty() {
            return None;
        }
        let sealed = Batch::seal(author, sequence, &transactions);
        Some(HeldBatch::sealed(sealed, transactions))
    }
}
