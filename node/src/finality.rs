//! Who waits for which transaction to become final.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use logothete_primitives::{Height, TxHash};
use tokio::sync::oneshot;

/// Most waiters at a time; above it a wait is answered as if it had run out.
const MAX_WAITERS: usize = 65_536;

/// Where a transaction became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Height of its block.
    pub height: Height,
    /// Position of its receipt in the block.
    pub index: u32,
}

#[derive(Default)]
struct Waiters {
    by_hash: HashMap<TxHash, Vec<oneshot::Sender<Place>>>,
    count: usize,
}

/// Wakes those who wait for transactions.
#[derive(Clone, Default)]
pub struct Finality {
    waiters: Arc<Mutex<Waiters>>,
}

impl Finality {
    /// Registers a waiter; `None` when too many wait already.
    pub fn wait(&self, hash: TxHash) -> Option<oneshot::Receiver<Place>> {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if waiters.count >= MAX_WAITERS {
            waiters.forget_abandoned();
        }
        if waiters.count >= MAX_WAITERS {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiters.by_hash.entry(hash).or_default().push(sender);
        waiters.count += 1;
        Some(receiver)
    }

    /// Ends the waiting for transactions that were dropped: their receivers find the channel closed.
    pub fn forget(&self, dropped: &[TxHash]) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        for hash in dropped {
            waiters.count -= waiters.by_hash.remove(hash).map_or(0, |senders| senders.len());
        }
    }

    /// Wakes those who wait for any of these transactions.
    pub fn announce(&self, places: impl Iterator<Item = (TxHash, Place)>) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if waiters.count == 0 {
            return;
        }
        for (hash, place) in places {
            for waiter in waiters.by_hash.remove(&hash).unwrap_or_default() {
                waiters.count -= 1;
                // A waiter that gave up is no loss.
                let _ = waiter.send(place);
            }
        }
    }
}

impl Waiters {
    fn forget_abandoned(&mut self) {
        self.by_hash.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        self.count = self.by_hash.values().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use logothete_primitives::Digest;

    use super::*;

    #[test]
    fn wakes_every_waiter_of_a_transaction_once() {
        let finality = Finality::default();
        let hash = TxHash::new(Digest::new([7; 32]));
        let (mut first, mut second) = (finality.wait(hash).unwrap(), finality.wait(hash).unwrap());
        let place = Place { height: Height::new(3), index: 1 };
        finality.announce([(hash, place)].into_iter());
        assert_eq!(first.try_recv().unwrap(), place);
        assert_eq!(second.try_recv().unwrap(), place);
        finality.announce([(hash, place)].into_iter());
        assert_eq!(finality.waiters.lock().unwrap().count, 0);
    }

    #[test]
    fn ends_the_waiting_for_what_was_dropped() {
        let finality = Finality::default();
        let hash = TxHash::new(Digest::new([7; 32]));
        let mut waiter = finality.wait(hash).unwrap();
        finality.forget(&[hash]);
        assert_eq!(waiter.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(finality.waiters.lock().unwrap().count, 0);
    }
}
