//! Reads every final block as it appears and says when a transaction was first seen in one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use logothete_client::Client;
use logothete_client::rpc::method::BlockGetMethod;
use logothete_client::rpc::types::{BlockGet, EventKind, Subscribe, Told};
use logothete_primitives::{Height, TxHash};
use tokio::sync::mpsc;

/// How long to wait before a node that did not answer is asked again.
const PAUSE: Duration = Duration::from_millis(3);
/// Longest latency that is told apart, in microseconds: ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;

/// A transaction on its way.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    worker: usize,
    account: usize,
}

/// What became final in a measured time.
#[derive(Clone, Debug)]
pub struct Window {
    /// Transactions.
    pub committed: u64,
    /// Blocks with or without transactions.
    pub blocks: u64,
    /// From handing in to being seen in a final block, in microseconds.
    pub latency_us: Histogram<u64>,
}

#[derive(Debug)]
struct Inner {
    waiting: HashMap<TxHash, Waiting>,
    window: Window,
    open: bool,
}

/// Who waits for which transaction, and what was measured.
#[derive(Debug)]
pub struct Tracker {
    inner: Mutex<Inner>,
    returned: Vec<mpsc::UnboundedSender<usize>>,
}

impl Tracker {
    /// A tracker and, for every worker, the accounts whose transactions became final.
    ///
    /// The queues need no bound of their own: an account is in one at most as often as it may be in flight.
    #[must_use]
    pub fn new(workers: usize) -> (Self, Vec<mpsc::UnboundedReceiver<usize>>) {
        let (returned, receivers) = (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
        let inner = Inner { waiting: HashMap::new(), window: Window::empty(), open: false };
        (Self { inner: Mutex::new(inner), returned }, receivers)
    }

    /// A transaction is about to be handed in; its time counts from `since`.
    pub fn begin(&self, hash: TxHash, since: Instant, worker: usize, account: usize) {
        self.lock().waiting.insert(hash, Waiting { since, worker, account });
    }

    /// A transaction was refused for good: nobody waits for it.
    pub fn forget(&self, hash: &TxHash) {
        self.lock().waiting.remove(hash);
    }

    /// Transactions on their way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Transactions committed in the open window.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.lock().window.committed
    }

    /// Begins to measure.
    pub fn open_window(&self) {
        let mut inner = self.lock();
        inner.window = Window::empty();
        inner.open = true;
    }

    /// Ends the measuring.
    pub fn close_window(&self) -> Window {
        let mut inner = self.lock();
        inner.open = false;
        std::mem::replace(&mut inner.window, Window::empty())
    }

    fn block_seen(&self, hashes: &[TxHash], at: Instant) {
        let mut returned = Vec::with_capacity(hashes.len());
        let mut inner = self.lock();
        if inner.open {
            inner.window.blocks += 1;
        }
        for hash in hashes {
            let Some(waiting) = inner.waiting.remove(hash) else { continue };
            if inner.open {
                let us = u64::try_from(at.saturating_duration_since(waiting.since).as_micros());
                inner.window.committed += 1;
                inner.window.latency_us.saturating_record(us.unwrap_or(u64::MAX));
            }
            returned.push((waiting.worker, waiting.account));
        }
        drop(inner);
        for (worker, account) in returned {
            if let Some(sender) = self.returned.get(worker) {
                // A worker that has ended needs no more accounts.
                let _ = sender.send(account);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    pub(super) fn empty() -> Self {
        let latency_us =
            Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order");
        Self { committed: 0, blocks: 0, latency_us }
    }
}

/// Follows the chain from a height on, until aborted: a node tells of each block, and shows what is in it.
pub async fn observe(client: Arc<Client>, tracker: Arc<Tracker>, from: u64) {
    let mut next = Height::new(from).next();
    loop {
        let mut blocks = client.subscribe(Subscribe::from(EventKind::Blocks, next));
        while let Ok(Some(event)) = blocks.next().await {
            let Told::Block(block) = event.told else { continue };
            let hashes = match block.transactions {
                0 => Vec::new(),
                _ => transactions_of(&client, block.height).await,
            };
            tracker.block_seen(&hashes, Instant::now());
            next = block.height.next();
        }
        // The node is busy or gone, or this reader was too slow: once more from where it was.
        tokio::time::sleep(PAUSE).await;
    }
}

/// The transactions of a block that a node has told of. It is asked until it answers.
async fn transactions_of(client: &Client, height: Height) -> Vec<TxHash> {
    loop {
        let block = BlockGet { height: Some(height), transactions: true, ..BlockGet::default() };
        match client.call_once::<BlockGetMethod>(block).await {
            Ok(view) => return view.transactions.unwrap_or_default(),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::Digest;

    use super::*;

    #[test]
    fn only_what_is_seen_in_the_window_counts() {
        let (tracker, mut returned) = Tracker::new(1);
        let hashes: Vec<TxHash> = (0..3).map(|n| TxHash::new(Digest::new([n; 32]))).collect();
        let start = Instant::now();
        for (account, hash) in hashes.iter().enumerate() {
            tracker.begin(*hash, start, 0, account);
        }
        tracker.block_seen(&hashes[..1], start + Duration::from_millis(1));
        tracker.open_window();
        tracker.block_seen(&hashes[1..2], start + Duration::from_millis(5));
        let window = tracker.close_window();
        tracker.block_seen(&hashes[2..], start + Duration::from_millis(9));
        assert_eq!((window.committed, window.blocks), (1, 1));
        assert!(window.latency_us.max().abs_diff(5_000) <= 10);
        assert_eq!(tracker.waiting(), 0);
        let accounts: Vec<usize> = std::iter::from_fn(|| returned[0].try_recv().ok()).collect();
        assert_eq!(accounts, [0, 1, 2]);
    }
}
