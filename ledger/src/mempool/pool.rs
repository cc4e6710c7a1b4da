//! The mempool itself.

use std::sync::Arc;
use std::time::Duration;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::identifiers::TxHash;
use logothete_primitives::numbers::{Height, Nonce};

use super::error::MempoolError;
use super::index::{Index, Standing, Tail};
use super::limits::MempoolLimits;
use super::queue::{Entry, Queue};
use super::report::{DropReason, Dropped, FinalBlock, Inserted, MempoolStats, Presence};
use crate::account::Account;
use crate::admission::{Admitted, check_state, spends};
use crate::batch::{BATCH_ENTRY_BYTES, BATCH_PREFIX_BYTES};
use crate::fast_map::FastMap;
use crate::receipt::{Outcome, SkipReason};
use crate::state::StateView;

/// Transactions that wait for an order.
#[derive(Debug)]
pub struct Mempool {
    limits: MempoolLimits,
    places: FastMap<TxHash, (Address, Nonce)>,
    accounts: FastMap<Address, (Queue, Standing)>,
    index: Index,
    /// The last final block it was told of.
    height: Height,
    next_arrival: u64,
    bytes: usize,
    in_flight: usize,
    /// Transactions that left with recent blocks, as a moving average over eight blocks.
    settled_per_block: usize,
}

/// Where an admissible transaction belongs.
struct Place {
    /// The next nonce of its sender.
    next: Nonce,
    /// No nonce before its own is missing.
    reachable: bool,
    /// The size of the waiting transaction whose nonce it takes over.
    replaces: Option<usize>,
}

impl Mempool {
    /// An empty mempool.
    ///
    /// # Panics
    /// When the limits leave no room for a single transaction; configuration checks them first.
    pub fn new(limits: MempoolLimits) -> Self {
        assert!(limits.is_usable(), "a mempool holds at least one transaction");
        Self {
            limits,
            places: FastMap::default(),
            accounts: FastMap::default(),
            index: Index::default(),
            height: Height::ZERO,
            next_arrival: 0,
            bytes: 0,
            in_flight: 0,
            settled_per_block: 0,
        }
    }

    /// Takes a transaction in, or says why not. `now` is the height that `state` shows.
    ///
    /// # Errors
    /// As [`insert_known`](Self::insert_known).
    pub fn insert<V: StateView + ?Sized>(
        &mut self,
        now: Height,
        tx: Arc<Admitted>,
        state: &V,
    ) -> Result<Inserted, MempoolError> {
        let account = state.account(&tx.tx.body.sender).unwrap_or_default();
        self.insert_known(now, tx, account)
    }

    /// The same for a sender whose account was read before: so the state of many senders can be read in one go,
    /// and without holding the mempool. The account must not be older than [`height`](Self::height), else a
    /// transaction that could run would wait for one that is final.
    ///
    /// # Errors
    /// The first reason found, in the order: known, expiry, nonce, balance, fee, rival, room.
    pub fn insert_known(
        &mut self,
        now: Height,
        tx: Arc<Admitted>,
        account: Account,
    ) -> Result<Inserted, MempoolError> {
        if self.places.contains_key(&tx.hash) {
            return Err(MempoolError::AlreadyKnown);
        }
        let place = self.check(now, &tx, account)?;
        let victims = self.victims(&tx, &place)?;
        let (sender, nonce) = (tx.tx.body.sender, tx.tx.body.nonce);
        let replaced = place.replaces.and_then(|_| self.remove(&sender, nonce));
        let evicted =
            victims.into_iter().filter_map(|(address, nonce)| self.remove(&address, nonce));
        let inserted = Inserted {
            evicted: evicted.map(|entry| entry.tx.hash).collect(),
            replaced: replaced.map(|entry| entry.tx.hash),
        };
        self.add(now, tx, place.next);
        Ok(inserted)
    }

    /// Hands out the best transactions that fit into a batch of `max_bytes`, and marks them as in flight.
    pub fn take(&mut self, max_bytes: usize, max_txs: usize) -> Vec<Arc<Admitted>> {
        let mut taken = Vec::new();
        let mut room = max_bytes.saturating_sub(BATCH_PREFIX_BYTES);
        while taken.len() < max_txs {
            let Some(address) = self.index.best() else {
                break;
            };
            let (queue, standing) =
                self.accounts.get_mut(&address).expect("indexed accounts exist");
            let ready = queue.ready().expect("indexed accounts are ready");
            let size = BATCH_ENTRY_BYTES + ready.tx.bytes.len();
            let Some(rest) = room.checked_sub(size) else {
                break;
            };
            room = rest;
            let entry = queue.take().expect("the account is ready");
            taken.push(Arc::clone(&entry.tx));
            self.index.refresh(&address, queue, standing);
        }
        self.in_flight += taken.len();
        taken
    }

    /// Settles what a final block decides. Returns what left without having been executed.
    pub fn on_final(&mut self, block: &FinalBlock<'_>) -> Vec<Dropped> {
        let before = self.places.len();
        let mut dropped = Vec::new();
        for (tx, outcome) in block.transactions.iter().zip(block.outcomes) {
            let Some(&(sender, nonce)) = self.places.get(&tx.hash) else {
                continue;
            };
            match outcome {
                Outcome::Executed(_) => {
                    self.settle(&sender, nonce.next(), Some(tx.hash), &mut dropped);
                }
                Outcome::Skipped(SkipReason::NonceGap { .. }) => self.put_back(&sender, nonce),
                Outcome::Skipped(SkipReason::NonceUsed { expected, .. }) => {
                    self.settle(&sender, *expected, None, &mut dropped);
                }
                Outcome::Skipped(reason) => {
                    self.remove(&sender, nonce);
                    let reason = DropReason::Skipped { reason: reason.clone() };
                    dropped.push(Dropped { hash: tx.hash, reason });
                }
            }
        }
        for (address, next) in block.nonces {
            self.settle(address, *next, None, &mut dropped);
        }
        self.height = self.height.max(block.height);
        self.drop_expired(block.height, &mut dropped);
        let left = before.saturating_sub(self.places.len());
        self.settled_per_block = (self.settled_per_block * 7 + left).div_ceil(8);
        dropped
    }

    /// Makes transactions in flight wait again, because their batch will not be ordered. Unknown ones are ignored.
    pub fn requeue<'a>(&mut self, hashes: impl IntoIterator<Item = &'a TxHash>) {
        for hash in hashes {
            if let Some(&(sender, nonce)) = self.places.get(hash) {
                self.put_back(&sender, nonce);
            }
        }
    }

    /// Where the transaction is, if it is here.
    pub fn presence(&self, hash: &TxHash) -> Option<Presence> {
        self.entry(hash).map(
            |entry| {
                if entry.in_flight { Presence::InFlight } else { Presence::Waiting }
            },
        )
    }

    /// The transaction, if it is here.
    pub fn transaction(&self, hash: &TxHash) -> Option<&Arc<Admitted>> {
        self.entry(hash).map(|entry| &entry.tx)
    }

    /// Whether a block could take the transaction: it is here, and no nonce of its sender before its own is missing.
    pub fn is_reachable(&self, hash: &TxHash) -> bool {
        self.places.get(hash).is_some_and(|(sender, nonce)| {
            self.accounts.get(sender).is_some_and(|(queue, _)| queue.reaches(*nonce))
        })
    }

    /// The nonce after the gapless run of waiting transactions of a sender: what a client should use next.
    pub fn next_nonce(&self, address: &Address, account: &Account) -> Nonce {
        let Some((queue, _)) = self.accounts.get(address) else {
            return account.nonce;
        };
        let mut nonce = queue.next().max(account.nonce);
        while queue.entry(nonce).is_some() {
            nonce = nonce.next();
        }
        nonce
    }

    /// The height of the last final block it was told of.
    pub const fn height(&self) -> Height {
        self.height
    }

    /// Whether something can be taken.
    pub fn has_ready(&self) -> bool {
        self.index.ready_len() > 0
    }

    /// Figures for people and metrics.
    pub fn stats(&self) -> MempoolStats {
        MempoolStats {
            count: self.places.len(),
            bytes: self.bytes,
            accounts: self.accounts.len(),
            ready_accounts: self.index.ready_len(),
            in_flight: self.in_flight,
            count_max: self.limits.count,
            bytes_max: self.limits.bytes,
        }
    }

    /// When a sixteenth of what waits will have left, judging by recent blocks.
    pub fn retry_after(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(50);
        const MOST: Duration = Duration::from_secs(10);
        let blocks = (self.places.len() / 16).div_ceil(self.settled_per_block.max(1)).max(1);
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        self.limits.block_interval.saturating_mul(blocks).clamp(LEAST, MOST)
    }

    /// Checks a transaction against state and queue, and says where it belongs.
    fn check(
        &self,
        now: Height,
        tx: &Admitted,
        mut account: Account,
    ) -> Result<Place, MempoolError> {
        let body = &tx.tx.body;
        let queue = self.accounts.get(&body.sender).map(|(queue, _)| queue);
        // The mempool may have heard of a later block than the view shows.
        account.nonce = queue.map_or(account.nonce, |queue| queue.next().max(account.nonce));
        check_state(body, &account, now)?;
        let least = self.limits.min_price.units().saturating_mul(body.weight());
        if body.fee.units() < least {
            return Err(MempoolError::FeeTooLow { expected: Amount::new(least), got: body.fee });
        }
        let reachable = body.nonce == account.nonce;
        let place = Place { next: account.nonce, replaces: None, reachable };
        let Some(queue) = queue else { return Ok(place) };
        let place = Place { reachable: queue.reaches(body.nonce), ..place };
        let others = queue.spends(account.nonce, body.nonce);
        let needed = others.saturating_add(spends(body));
        if account.balance.units() < needed {
            return Err(MempoolError::InsufficientBalance {
                needed: Amount::new(needed),
                available: account.balance,
            });
        }
        let Some(entry) = queue.entry(body.nonce) else {
            return if queue.len() < self.limits.per_account {
                Ok(place)
            } else {
                Err(MempoolError::PerAccountFull { limit: self.limits.per_account })
            };
        };
        if entry.in_flight {
            return Err(MempoolError::NonceInFlight { nonce: body.nonce });
        }
        let min = self.limits.replacement_fee(entry.tx.tx.body.fee);
        if body.fee < min {
            return Err(MempoolError::Underpriced { min, got: body.fee });
        }
        Ok(Place { replaces: Some(entry.tx.bytes.len()), ..place })
    }

    /// The transactions that give way to a new one. One that can run goes before any that waits behind a
    /// gap: else a full mempool could be held by transactions that are never charged for.
    fn victims(&self, tx: &Admitted, place: &Place) -> Result<Vec<(Address, Nonce)>, MempoolError> {
        let body = &tx.tx.body;
        let mut count = self.places.len() + 1 - usize::from(place.replaces.is_some());
        let mut bytes = self.bytes + tx.bytes.len() - place.replaces.unwrap_or(0);
        let gives_way = |tail: &Tail| {
            let outbid =
                self.limits.replacement_fee(Amount::new(tail.price)).units() <= body.price();
            (place.reachable && !tail.reachable) || (place.reachable >= tail.reachable && outbid)
        };
        let mut victims = Vec::new();
        let mut candidates = self.index.least().filter(|tail| tail.address != body.sender);
        while count > self.limits.count || bytes > self.limits.bytes {
            let Some(victim) = candidates.next().filter(gives_way) else {
                return Err(MempoolError::Full { retry_after: self.retry_after() });
            };
            let tail = self.accounts[&victim.address].0.tail();
            let tail = tail.expect("indexed accounts have a tail");
            count -= 1;
            bytes -= tail.tx.bytes.len();
            victims.push((victim.address, tail.nonce));
        }
        Ok(victims)
    }

    fn add(&mut self, now: Height, tx: Arc<Admitted>, next: Nonce) {
        let body = &tx.tx.body;
        let (sender, nonce) = (body.sender, body.nonce);
        let entry = Entry {
            nonce,
            spends: spends(body),
            price: body.price(),
            arrival: self.next_arrival,
            in_flight: false,
            drop_after: body.expiry.min(now.plus(self.limits.lifetime_blocks)),
            tx,
        };
        self.next_arrival += 1;
        self.bytes += entry.tx.bytes.len();
        self.places.insert(entry.tx.hash, (sender, nonce));
        self.index.add_expiry(&sender, &entry);
        let (queue, standing) =
            self.accounts.entry(sender).or_insert_with(|| (Queue::new(next), Standing::default()));
        queue.insert(entry);
        self.index.refresh(&sender, queue, standing);
    }

    fn remove(&mut self, address: &Address, nonce: Nonce) -> Option<Entry> {
        let (queue, _) = self.accounts.get_mut(address)?;
        let entry = queue.remove(nonce)?;
        self.forget(&entry);
        self.refresh(address);
        Some(entry)
    }

    fn put_back(&mut self, address: &Address, nonce: Nonce) {
        if let Some((queue, _)) = self.accounts.get_mut(address)
            && queue.put_back(nonce)
        {
            self.in_flight -= 1;
            self.refresh(address);
        }
    }

    /// Takes over the next nonce of an account. All that it leaves behind, except `executed`, was superseded.
    fn settle(
        &mut self,
        address: &Address,
        next: Nonce,
        executed: Option<TxHash>,
        dropped: &mut Vec<Dropped>,
    ) {
        let Some((queue, _)) = self.accounts.get_mut(address) else {
            return;
        };
        for entry in queue.settle(next) {
            self.forget(&entry);
            let hash = entry.tx.hash;
            if executed != Some(hash) {
                dropped.push(Dropped { hash, reason: DropReason::Superseded });
            }
        }
        self.refresh(address);
    }

    fn drop_expired(&mut self, height: Height, dropped: &mut Vec<Dropped>) {
        while let Some((address, nonce)) = self.index.pop_expired(height) {
            let (queue, _) = self.accounts.get_mut(&address).expect("indexed accounts exist");
            let entry = queue.entry(nonce).expect("indexed transactions exist");
            let expiry = entry.tx.tx.body.expiry;
            if entry.in_flight && expiry > height {
                // A batch may still bring it: only its own expiry ends it.
                queue.set_drop_after(nonce, expiry);
                let entry = queue.entry(nonce).expect("it was there before");
                self.index.add_expiry(&address, entry);
                continue;
            }
            if let Some(entry) = self.remove(&address, nonce) {
                dropped.push(Dropped { hash: entry.tx.hash, reason: DropReason::Expired });
            }
        }
    }

    /// Takes an entry that left its queue out of everything else.
    fn forget(&mut self, entry: &Entry) {
        self.places.remove(&entry.tx.hash);
        self.index.remove_expiry(entry);
        self.bytes -= entry.tx.bytes.len();
        self.in_flight -= usize::from(entry.in_flight);
    }

    /// Brings the orders up to date after a change of a queue; an empty queue goes.
    fn refresh(&mut self, address: &Address) {
        let Some((queue, standing)) = self.accounts.get_mut(address) else {
            return;
        };
        self.index.refresh(address, queue, standing);
        if queue.is_empty() {
            self.accounts.remove(address);
        }
    }

    fn entry(&self, hash: &TxHash) -> Option<&Entry> {
        let (address, nonce) = self.places.get(hash)?;
        self.accounts.get(address).and_then(|(queue, _)| queue.entry(*nonce))
    }

    #[cfg(test)]
    pub(super) fn assert_invariants(&self) {
        let mut figures = (0, 0, 0);
        for (address, (queue, standing)) in &self.accounts {
            queue.assert_invariants();
            self.index.assert_standing(address, queue, standing);
            for entry in queue.entries() {
                assert_eq!(self.places.get(&entry.tx.hash), Some(&(*address, entry.nonce)));
                figures.0 += 1;
                figures.1 += entry.tx.bytes.len();
                figures.2 += usize::from(entry.in_flight);
            }
        }
        assert_eq!(figures, (self.places.len(), self.bytes, self.in_flight));
        assert!(figures.0 <= self.limits.count && figures.1 <= self.limits.bytes);
        self.index.assert_sizes(figures.0, self.accounts.len());
    }
}
