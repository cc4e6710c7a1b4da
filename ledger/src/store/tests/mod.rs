//! One suite for every store, and what only a disk can go through.

#![allow(clippy::unwrap_used)]

mod crash;
mod damage;
mod disk;
mod suite;

use logothete_primitives::{
    Address, BatchHash, BlockHash, ChainId, Digest, Domain, Height, ReceiptsRoot, StateRoot,
    TxHash, View, hash,
};

use super::{
    Applied, AppliedTx, BlockRecord, CommittedBlock, ExecutedRoots, MemoryStore, RocksStore, Store,
};
use crate::state::{Namespace, StateKey, StateValue};

pub(crate) fn chain() -> ChainId {
    ChainId::new(digest("chain"))
}

pub(crate) fn digest(text: &str) -> Digest {
    hash(Domain::new("lgt/test"), text.as_bytes())
}

pub(crate) fn block(height: u64, name: &str) -> BlockRecord {
    BlockRecord {
        height: Height::new(height),
        hash: BlockHash::new(digest(&format!("block {height} {name}"))),
        view: View::new(height + 3),
        block: format!("bytes of block {height} {name}").into_bytes(),
        justify: format!("certificate for {}", height.saturating_sub(1)).into_bytes(),
    }
}

pub(crate) fn certificate(height: u64) -> Vec<u8> {
    format!("commit certificate {height}").into_bytes()
}

pub(crate) fn batch_hash(name: &str) -> BatchHash {
    BatchHash::new(digest(name))
}

pub(crate) fn tx_hash(height: u64, index: u32) -> TxHash {
    TxHash::new(digest(&format!("tx {height} {index}")))
}

pub(crate) fn account(number: u8) -> Address {
    let secret = logothete_primitives::SecretKey::from_seed([number; 32]);
    Address::from(secret.public())
}

pub(crate) fn key(number: u64) -> StateKey {
    StateKey::derive(Namespace::Accounts, &number.to_le_bytes())
}

pub(crate) fn roots(height: u64) -> ExecutedRoots {
    ExecutedRoots {
        height: Height::new(height),
        state_root: StateRoot::new(digest(&format!("state {height}"))),
        receipts_root: ReceiptsRoot::new(digest(&format!("receipts {height}"))),
    }
}

/// A store with genesis applied.
pub(crate) fn begun<S: Store>(store: S) -> S {
    apply(&store, 0, 0);
    store
}

/// Stores and commits one block.
pub(crate) fn commit(store: &dyn Store, height: u64) {
    let record = block(height, "a");
    store.put_block(&record).unwrap();
    let batches = [batch_hash(&format!("batch {height}"))];
    store.put_batch(&batches[0], format!("batch of {height}").as_bytes()).unwrap();
    let committed = CommittedBlock {
        height: record.height,
        hash: record.hash,
        batches: &batches,
        evidence: &[],
    };
    store.commit(&[committed], &certificate(height)).unwrap();
}

/// Applies a height with transactions that all touch account 1 and one of the accounts 2 and 3.
pub(crate) fn apply(store: &dyn Store, height: u64, transactions: u32) {
    let accounts = [[account(1), account(2)], [account(1), account(3)]];
    let receipts: Vec<Vec<u8>> =
        (0..transactions).map(|index| format!("receipt {height} {index}").into_bytes()).collect();
    // Odd indices of the block were skipped.
    let transactions: Vec<AppliedTx<'_>> = (0..transactions)
        .map(|n| AppliedTx {
            index: 2 * n,
            hash: tx_hash(height, 2 * n),
            receipt: &receipts[n as usize],
            accounts: &accounts[n as usize % 2],
        })
        .collect();
    let mut changes = vec![
        (key(height), Some(StateValue::new(&height.to_le_bytes()))),
        (key(1_000), Some(StateValue::new(&height.to_le_bytes()))),
    ];
    if height > 4 {
        changes.push((key(height - 4), None));
    }
    changes.sort_by_key(|(key, _)| *key);
    let executed = roots(height);
    store.apply(&Applied { executed, changes: &changes, transactions: &transactions }).unwrap();
}

/// Commits and applies heights.
pub(crate) fn advance(store: &dyn Store, heights: std::ops::RangeInclusive<u64>) {
    for height in heights {
        commit(store, height);
        apply(store, height, 3);
    }
}
