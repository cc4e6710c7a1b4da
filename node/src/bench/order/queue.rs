//! Payloads of one node that wait to be sealed, and batches of them that wait for an order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use logothete_primitives::{BatchHash, ValidatorIndex};
use tokio::sync::Notify;

use crate::dissemination::payloads::{Measured, Unsealed};
use crate::dissemination::{BatchSource, HeldBatch};

/// Bytes that may wait; beyond them the client is not read any more.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Numbers of payloads, in the order in which the client sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u32,
}

#[derive(Debug, Default)]
struct Inner {
    /// The last may be added to.
    waiting: VecDeque<Unsealed>,
    bytes: usize,
    /// Payloads in batches so far.
    sealed: u64,
    /// Batches without an order: never more than dissemination lets a node have.
    unordered: HashMap<BatchHash, Numbers>,
}

/// The queue of one node.
#[derive(Debug, Default)]
pub struct PayloadQueue {
    inner: Mutex<Inner>,
    arrived: Notify,
    room: Notify,
}

impl PayloadQueue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until more may be added. There is one that adds.
    pub async fn room(&self) {
        while self.lock().bytes >= WAITING_BYTES_MAX {
            self.room.notified().await;
        }
    }

    /// Adds measured payloads, fewer than a batch holds.
    pub fn add(&self, measured: Measured, entries: &[u8]) {
        let mut inner = self.lock();
        inner.bytes += measured.bytes;
        let is_added = inner.waiting.back_mut().is_some_and(|last| last.add(measured, entries));
        if !is_added {
            let mut next = Unsealed::default();
            assert!(next.add(measured, entries), "what is added at once fits into a batch");
            inner.waiting.push_back(next);
        }
        drop(inner);
        self.arrived.notify_one();
    }

    /// The payloads of a batch of ours that is final now; none for other batches.
    pub fn settle(&self, batch: &BatchHash) -> Option<Numbers> {
        self.lock().unordered.remove(batch)
    }
}

impl BatchSource for PayloadQueue {
    fn arrived(&self) -> BoxFuture<'_, ()> {
        self.arrived.notified().boxed()
    }

    fn has_ready(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    fn seal(&self, author: ValidatorIndex, sequence: u64) -> Option<HeldBatch> {
        let mut inner = self.lock();
        let unsealed = inner.waiting.pop_front()?;
        inner.bytes -= unsealed.content_bytes();
        let numbers = Numbers { first: inner.sealed, count: unsealed.count() };
        inner.sealed += u64::from(numbers.count);
        drop(inner);
        self.room.notify_one();
        let batch = unsealed.seal(author, sequence);
        self.lock().unordered.insert(batch.hash(), numbers);
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::dissemination::payloads::measure;

    fn entries(count: usize, size: usize) -> Vec<u8> {
        let length = u32::try_from(size).unwrap().to_le_bytes();
        [&length[..], &vec![7; size]].concat().repeat(count)
    }

    fn fill(queue: &PayloadQueue, count: usize, size: usize) {
        let entries = entries(count, size);
        queue.add(measure(&entries, entries.len()).unwrap(), &entries);
    }

    #[test]
    fn payloads_are_sealed_in_their_order_and_settled_once() {
        let queue = PayloadQueue::default();
        assert!(!queue.has_ready() && queue.seal(ValidatorIndex::new(0), 0).is_none());
        fill(&queue, 3, 128);
        let first = queue.seal(ValidatorIndex::new(0), 0).unwrap();
        fill(&queue, 2, 128);
        let second = queue.seal(ValidatorIndex::new(0), 1).unwrap();
        assert_eq!(queue.settle(&second.hash()), Some(Numbers { first: 3, count: 2 }));
        assert_eq!(queue.settle(&first.hash()), Some(Numbers { first: 0, count: 3 }));
        assert_eq!(queue.settle(&first.hash()), None);
    }

    #[tokio::test]
    async fn a_full_queue_has_no_room_until_something_is_sealed() {
        let queue = PayloadQueue::default();
        while queue.room().now_or_never().is_some() {
            fill(&queue, 7, 4096);
        }
        assert!(queue.lock().bytes < WAITING_BYTES_MAX + 64 * 1024);
        assert!(queue.seal(ValidatorIndex::new(0), 0).is_some());
        queue.room().await;
    }
}
