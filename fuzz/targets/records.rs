//! A database with records replaced by any bytes: opening and every read give a value or a typed
//! error, and never more than was asked for.

#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{chain, secret, state_key};
use logothete_ledger::state::StateValue;
use logothete_ledger::store::{
    Applied, AppliedTx, BlockRecord, CommittedBlock, Durability, Engine, ExecutedRoots, Family,
    MemoryEngine, MemoryStore, PAGE_MAX, Store, StoreError, TxLocation,
};
use logothete_primitives::{
    Address, BatchHash, BlockHash, Digest, Height, ReceiptsRoot, StateRoot, TxHash, View,
};

/// What is done to one record.
#[derive(Arbitrary, Debug)]
enum Damage {
    /// The n-th record of a family gets another value.
    Value(u8, u8, Vec<u8>),
    /// A byte of the n-th record changes.
    Flip(u8, u8, u8, u8),
    /// The n-th record is cut.
    Cut(u8, u8, u8),
    /// It is gone.
    Remove(u8, u8),
    /// A record appears.
    Appear(u8, Vec<u8>, Vec<u8>),
}

fuzz_target!(|bytes: &[u8]| {
    let damages: arbitrary::Result<Vec<Damage>> =
        Arbitrary::arbitrary_take_rest(Unstructured::new(bytes));
    let Ok(damages) = damages else { return };
    let engine = MemoryEngine::default();
    copy(&filled(), &engine);
    for damage in damages.iter().take(16) {
        inflict(&engine, damage);
    }
    match MemoryStore::open_on(engine, chain()) {
        Ok(store) => read_all(&store),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn digest(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

fn family(number: u8) -> Family {
    Family::ALL[usize::from(number) % Family::ALL.len()]
}

/// Every record of a chain of three blocks, made anew for each input.
fn filled() -> Vec<(Family, Vec<u8>, Vec<u8>)> {
    thread_local! {
        static RECORDS: Vec<(Family, Vec<u8>, Vec<u8>)> = records(&chain_of_three());
    }
    RECORDS.with(Clone::clone)
}

fn chain_of_three() -> MemoryEngine {
    let engine = MemoryEngine::default();
    // Written through a store that borrows nothing: the engine is filled by copying its records.
    let store = MemoryStore::open_on(engine, chain()).expect("an empty store opens");
    write_chain(&store).expect("memory does not fail");
    store.into_engine()
}

fn write_chain(store: &MemoryStore) -> Result<(), StoreError> {
    let accounts = [Address::from(secret(0).public())];
    for number in 0..=3 {
        let height = Height::new(u64::from(number));
        if number > 0 {
            let hash = BlockHash::new(digest(number));
            let (block, justify) = (vec![number; 9], vec![number; 5]);
            store.put_block(&BlockRecord { height, hash, view: View::new(9), block, justify })?;
            let batches = [BatchHash::new(digest(100 + number))];
            store.put_batch(&batches[0], &[number; 7])?;
            let evidence = [vec![number; 3]];
            let block = CommittedBlock { height, hash, batches: &batches, evidence: &evidence };
            store.commit(&[block], &[number; 11])?;
        }
        let executed = ExecutedRoots {
            height,
            state_root: StateRoot::new(digest(number)),
            receipts_root: ReceiptsRoot::new(digest(number)),
        };
        let changes = [(state_key(number), Some(StateValue::new(&[number; 16])))];
        let hash = TxHash::new(digest(200 + number));
        let tx = AppliedTx { index: 2, hash, receipt: &[number; 6], accounts: &accounts };
        let transactions = if number > 0 { vec![tx] } else { Vec::new() };
        store.apply(&Applied { executed, changes: &changes, transactions: &transactions })?;
    }
    store.persist(b"safety")?;
    let (height, hash) = (Height::new(4), BlockHash::new(digest(4)));
    let (block, justify) = (vec![4; 9], vec![4; 5]);
    store.put_block(&BlockRecord { height, hash, view: View::new(9), block, justify })
}

fn records(engine: &MemoryEngine) -> Vec<(Family, Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    for family in Family::ALL {
        let mut keep = |key: &[u8], value: &[u8]| {
            records.push((family, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        scan(engine, family, &mut keep);
    }
    records
}

fn scan(
    engine: &MemoryEngine,
    family: Family,
    visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) {
    let direction = logothete_ledger::store::Direction::Ascending;
    engine.scan(family, &[], direction, visit).expect("memory does not fail");
}

fn copy(records: &[(Family, Vec<u8>, Vec<u8>)], engine: &MemoryEngine) {
    let write = engine.write(Durability::Logged, &mut |writer| {
        records.iter().for_each(|(family, key, value)| writer.put(*family, key, value));
    });
    write.expect("memory does not fail");
}

fn inflict(engine: &MemoryEngine, damage: &Damage) {
    match damage {
        Damage::Value(family, place, value) => change(engine, *family, *place, |_| value.clone()),
        Damage::Flip(family, place, byte, flip) => change(engine, *family, *place, |mut value| {
            if !value.is_empty() {
                let byte = usize::from(*byte) % value.len();
                value[byte] ^= flip;
            }
            value
        }),
        Damage::Cut(family, place, keep) => change(engine, *family, *place, |mut value| {
            value.truncate(usize::from(*keep) % (value.len() + 1));
            value
        }),
        Damage::Remove(number, place) => {
            if let Some((key, _)) = record(engine, *number, *place) {
                let family = family(*number);
                let removed = &mut |writer: &mut dyn logothete_ledger::store::Writer| {
                    writer.remove(family, &key);
                };
                engine.write(Durability::Logged, removed).expect("memory does not fail");
            }
        }
        Damage::Appear(number, key, value) => {
            copy(&[(family(*number), key.clone(), value.clone())], engine);
        }
    }
}

fn record(engine: &MemoryEngine, number: u8, place: u8) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    scan(engine, family(number), &mut |key, value| {
        records.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    let count = records.len();
    (count > 0).then(|| records.swap_remove(usize::from(place) % count))
}

fn change(engine: &MemoryEngine, number: u8, place: u8, make: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    if let Some((key, value)) = record(engine, number, place) {
        copy(&[(family(number), key, make(value))], engine);
    }
}

fn read_all(store: &MemoryStore) {
    let (committed, applied) = (store.committed_height(), store.applied_height());
    assert!(applied.is_none_or(|applied| applied <= committed), "applied above committed");
    let _ = (store.safety(), store.uncommitted_blocks(), store.usage(), store.evidence());
    for number in 0..=5 {
        let height = Height::new(u64::from(number));
        if let Ok(Some(block)) = store.block_by_height(height) {
            assert_eq!(block.height, height, "another height than asked for");
        }
        let hash = BlockHash::new(digest(number));
        if let Ok(Some(block)) = store.block_by_hash(&hash) {
            assert_eq!(block.hash, hash, "another block than asked for");
        }
        if let Ok(Some(commit)) = store.commit_certificate(height) {
            assert!(commit.height >= height && commit.height <= committed);
        }
        let batch = BatchHash::new(digest(100 + number));
        let _ = (store.block_hash(height), store.batch(&batch), store.has_batch(&batch));
        let _ = (store.executed(height), store.receipts(height), store.state(&state_key(number)));
        let _ = store.tx_location(&TxHash::new(digest(200 + number)));
        let _ = store.receipt(TxLocation { height, index: 2 });
    }
    let account = Address::from(secret(0).public());
    if let Ok(page) = store.account_history(&account, None, PAGE_MAX) {
        assert!(page.items.len() <= PAGE_MAX);
    }
    let _ = store.visit_state(&mut |_, _| ControlFlow::Continue(()));
    let _ = store.remove_unordered_batches(Height::new(9), &Default::default());
}
