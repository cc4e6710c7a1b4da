//! The mempool: each refusal, the order, and a naive model on random histories.

#![allow(clippy::unwrap_used)]

mod model;
mod order;
mod refusals;
mod settling;

use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::identifiers::TxHash;
use logothete_primitives::numbers::{Height, Nonce};

use super::{Dropped, FinalBlock, Inserted, Mempool, MempoolError, MempoolLimits};
use crate::admission::Admitted;
use crate::state::StateView as _;
use crate::tests::{MapState, account, apply, run, state, transfer, vouched};

/// A mempool, a state and a chain that executes what it is given.
struct Desk {
    pool: Mempool,
    state: MapState,
    height: u64,
}

impl Desk {
    fn new(limits: MempoolLimits) -> Self {
        let balances: Vec<(Address, u64)> =
            (0..100).map(|number| (account(number), 1_000_000)).collect();
        Self { pool: Mempool::new(limits), state: state(&balances), height: 10 }
    }

    fn insert(&mut self, tx: &Arc<Admitted>) -> Result<Inserted, MempoolError> {
        let now = Height::new(self.height);
        let verdict = self.pool.insert(now, Arc::clone(tx), &self.state);
        self.pool.assert_invariants();
        verdict
    }

    /// Inserts a transfer and returns it.
    fn wait(&mut self, sender: u8, nonce: u64, fee: u64) -> Arc<Admitted> {
        let tx = paying(sender, nonce, fee);
        self.insert(&tx).unwrap();
        tx
    }

    /// Takes everything that can be taken, in order.
    fn take_all(&mut self) -> Vec<TxHash> {
        self.take(usize::MAX)
    }

    fn take(&mut self, count: usize) -> Vec<TxHash> {
        let taken = self.pool.take(usize::MAX, count);
        self.pool.assert_invariants();
        taken.iter().map(|tx| tx.hash).collect()
    }

    /// Makes a block of these transactions final.
    fn finalize(&mut self, transactions: &[Arc<Admitted>]) -> Vec<Dropped> {
        self.height += 1;
        let output = run(&self.state, self.height, transactions);
        apply(&mut self.state, &output);
        let dropped = self.pool.on_final(&FinalBlock {
            height: Height::new(self.height),
            transactions,
            outcomes: &output.outcomes,
            nonces: &output.nonces,
        });
        self.pool.assert_invariants();
        dropped
    }

    fn nonce(&self, sender: u8) -> u64 {
        self.state.account(&account(sender)).unwrap().nonce.get()
    }
}

fn paying(sender: u8, nonce: u64, fee: u64) -> Arc<Admitted> {
    let mut body = transfer(account(sender), nonce, account(200), 1);
    body.fee = Amount::new(fee);
    vouched(body)
}

fn expiring(sender: u8, nonce: u64, expiry: u64) -> Arc<Admitted> {
    let mut body = transfer(account(sender), nonce, account(200), 1);
    body.expiry = Height::new(expiry);
    vouched(body)
}

fn hashes(transactions: &[&Arc<Admitted>]) -> Vec<TxHash> {
    transactions.iter().map(|tx| tx.hash).collect()
}

fn nonce(number: u64) -> Nonce {
    Nonce::new(number)
}
