//! The waiting transactions of one account, by nonce.

use std::sync::Arc;

use logothete_primitives::numbers::{Height, Nonce};

use crate::admission::Admitted;

/// A waiting transaction.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tx: Arc<Admitted>,
    pub(super) nonce: Nonce,
    /// Fee and everything that it moves out of its sender's balance.
    pub(super) spends: u64,
    /// Fee for a unit of work.
    pub(super) price: u64,
    /// Count of insertions into the mempool: unique.
    pub(super) arrival: u64,
    /// Handed out for a batch.
    pub(super) in_flight: bool,
    /// The last height after which it is dropped.
    pub(super) drop_after: Height,
}

/// The transactions of one account.
///
/// Invariants:
/// - entries are in ascending order of nonce, each nonce at most once, none below `next`;
/// - every nonce in `next..cursor` belongs to an entry in flight, and the one at `cursor` does not.
#[derive(Debug)]
pub(super) struct Queue {
    /// The next nonce of the account by the last final block.
    next: Nonce,
    /// The nonce that is to be taken next.
    cursor: Nonce,
    entries: Vec<Entry>,
}

impl Queue {
    pub(super) const fn new(next: Nonce) -> Self {
        Self { next, cursor: next, entries: Vec::new() }
    }

    pub(super) const fn next(&self) -> Nonce {
        self.next
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entry(&self, nonce: Nonce) -> Option<&Entry> {
        self.position(nonce).ok().map(|position| &self.entries[position])
    }

    /// What the account still has to spend for its entries from a nonce on, without the entry of another nonce.
    pub(super) fn spends(&self, from: Nonce, without: Nonce) -> u64 {
        let counted =
            self.entries.iter().filter(|entry| entry.nonce >= from && entry.nonce != without);
        counted.fold(0, |sum, entry| sum.saturating_add(entry.spends))
    }

    /// Whether no nonce is missing between the next one of the account and this one.
    pub(super) fn reaches(&self, nonce: Nonce) -> bool {
        let (Ok(position) | Err(position)) = self.position(nonce);
        position as u64 == nonce.since(self.next)
    }

    /// The entry that may be taken now.
    pub(super) fn ready(&self) -> Option<&Entry> {
        self.entry(self.cursor)
    }

    /// The entry that can go without leaving a gap before another one.
    pub(super) fn tail(&self) -> Option<&Entry> {
        self.entries.last().filter(|entry| !entry.in_flight)
    }

    /// Adds an entry whose nonce is free.
    pub(super) fn insert(&mut self, entry: Entry) {
        let position = self.position(entry.nonce).expect_err("the nonce is free");
        self.entries.insert(position, entry);
    }

    /// Removes an entry. Those after it stay and wait for the gap to be filled.
    pub(super) fn remove(&mut self, nonce: Nonce) -> Option<Entry> {
        let position = self.position(nonce).ok()?;
        let entry = self.entries.remove(position);
        self.cursor = self.cursor.min(nonce).max(self.next);
        self.advance();
        Some(entry)
    }

    /// Marks the ready entry as in flight and returns it.
    pub(super) fn take(&mut self) -> Option<&Entry> {
        let position = self.position(self.cursor).ok()?;
        self.entries[position].in_flight = true;
        self.advance();
        Some(&self.entries[position])
    }

    /// Makes an entry in flight wait again; false when there is none.
    pub(super) fn put_back(&mut self, nonce: Nonce) -> bool {
        let Ok(position) = self.position(nonce) else {
            return false;
        };
        let entry = &mut self.entries[position];
        if !entry.in_flight {
            return false;
        }
        entry.in_flight = false;
        self.cursor = self.cursor.min(nonce);
        true
    }

    /// Takes over the next nonce of a final block and removes what it leaves behind.
    pub(super) fn settle(&mut self, next: Nonce) -> Vec<Entry> {
        if next <= self.next {
            return Vec::new();
        }
        let settled = self.entries.partition_point(|entry| entry.nonce < next);
        let removed: Vec<Entry> = self.entries.drain(..settled).collect();
        self.next = next;
        self.cursor = self.cursor.max(next);
        self.advance();
        removed
    }

    pub(super) fn set_drop_after(&mut self, nonce: Nonce, height: Height) {
        if let Ok(position) = self.position(nonce) {
            self.entries[position].drop_after = height;
        }
    }

    /// Moves the cursor over entries in flight.
    fn advance(&mut self) {
        while self.entry(self.cursor).is_some_and(|entry| entry.in_flight) {
            self.cursor = self.cursor.next();
        }
    }

    fn position(&self, nonce: Nonce) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&nonce, |entry| entry.nonce)
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    #[cfg(test)]
    pub(super) fn assert_invariants(&self) {
        assert!(!self.entries.is_empty() && self.entries[0].nonce >= self.next);
        assert!(self.entries.is_sorted_by(|a, b| a.nonce < b.nonce));
        let mut nonce = self.next;
        while nonce < self.cursor {
            assert!(self.entry(nonce).is_some_and(|entry| entry.in_flight));
            nonce = nonce.next();
        }
        assert!(self.ready().is_none_or(|entry| !entry.in_flight));
    }
}
