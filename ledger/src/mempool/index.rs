//! Orders over the mempool: what is taken first, what gives way first, what expires first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use logothete_primitives::address::Address;
use logothete_primitives::numbers::{Height, Nonce};

use super::queue::{Entry, Queue};

type ReadyKey = (Reverse<u64>, u64);
type TailKey = (bool, u64, Reverse<u64>);

/// Where an account stands in the orders; kept beside its queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    ready: Option<ReadyKey>,
    tail: Option<TailKey>,
}

/// The last transaction of an account.
pub(super) struct Tail {
    pub(super) address: Address,
    /// No nonce before it is missing.
    pub(super) reachable: bool,
    pub(super) price: u64,
}

fn tail_key(queue: &Queue) -> Option<TailKey> {
    let entry = queue.tail()?;
    Some((queue.reaches(entry.nonce), entry.price, Reverse(entry.arrival)))
}

/// The orders. An account has at most one place in `ready` and one in `tails`.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// What each account could have taken now: best price first, then earliest arrival.
    ready: BTreeMap<ReadyKey, Address>,
    /// The last transaction of each account: those behind a gap first, then lowest price, then latest arrival.
    tails: BTreeMap<TailKey, Address>,
    /// Every transaction by the height after which it is dropped.
    expiries: BTreeMap<(Height, u64), (Address, Nonce)>,
}

impl Index {
    /// Brings an account's places up to date with its queue.
    pub(super) fn refresh(&mut self, address: &Address, queue: &Queue, standing: &mut Standing) {
        let ready = queue.ready().map(|entry| (Reverse(entry.price), entry.arrival));
        if ready != standing.ready {
            standing.ready.take().map(|key| self.ready.remove(&key));
            ready.map(|key| self.ready.insert(key, *address));
            standing.ready = ready;
        }
        let tail = tail_key(queue);
        if tail != standing.tail {
            standing.tail.take().map(|key| self.tails.remove(&key));
            tail.map(|key| self.tails.insert(key, *address));
            standing.tail = tail;
        }
    }

    /// The account whose transaction is to be taken next.
    pub(super) fn best(&self) -> Option<Address> {
        self.ready.first_key_value().map(|(_, address)| *address)
    }

    /// The last transactions of the accounts, the one that gives way first at the front.
    pub(super) fn least(&self) -> impl Iterator<Item = Tail> {
        self.tails.iter().map(|((reachable, price, _), address)| Tail {
            address: *address,
            reachable: *reachable,
            price: *price,
        })
    }

    /// Accounts with something to take.
    pub(super) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn add_expiry(&mut self, address: &Address, entry: &Entry) {
        self.expiries.insert((entry.drop_after, entry.arrival), (*address, entry.nonce));
    }

    pub(super) fn remove_expiry(&mut self, entry: &Entry) {
        self.expiries.remove(&(entry.drop_after, entry.arrival));
    }

    /// Takes out one transaction that may wait up to this height and no longer.
    pub(super) fn pop_expired(&mut self, height: Height) -> Option<(Address, Nonce)> {
        let first = self.expiries.first_entry().filter(|first| first.key().0 <= height)?;
        Some(first.remove())
    }

    #[cfg(test)]
    pub(super) fn assert_standing(&self, address: &Address, queue: &Queue, standing: &Standing) {
        let ready = queue.ready().map(|entry| (Reverse(entry.price), entry.arrival));
        let tail = tail_key(queue);
        assert_eq!((standing.ready, standing.tail), (ready, tail));
        assert!(ready.is_none_or(|key| self.ready.get(&key) == Some(address)));
        assert!(tail.is_none_or(|key| self.tails.get(&key) == Some(address)));
    }

    #[cfg(test)]
    pub(super) fn assert_sizes(&self, transactions: usize, accounts: usize) {
        assert_eq!(self.expiries.len(), transactions);
        assert!(self.ready.len() <= accounts && self.tails.len() <= accounts);
    }
}
