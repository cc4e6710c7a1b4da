//! What every store does. Each implementation runs all of it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::*;
use crate::store::{
    ChainStore, Gathered, HistoryEntry, HistoryPage, MemoryEngine, PAGE_MAX, StoreError, TxLocation,
};

fn run_store_suite(new: &mut dyn FnMut() -> Box<dyn Store>) {
    starts_empty(&*new());
    keeps_blocks_until_they_are_final(&*new());
    commits_several_heights_under_one_certificate(&*new());
    refuses_gaps_and_unknown_blocks(&*new());
    applies_heights_in_order(&*new());
    finds_transactions_and_receipts(&*new());
    pages_through_a_history(&*new());
    reads_the_flat_state(&*new());
    replaces_the_safety_state(&*new());
    keeps_batches_with_their_blocks(&*new());
    finds_evidence_newest_first(&*new());
    is_read_while_it_is_written(&*new());
}

#[test]
fn memory_store_passes_the_suite() {
    run_store_suite(&mut || Box::new(MemoryStore::new(chain())));
}

#[test]
fn a_store_that_gathers_writes_passes_the_suite_however_few_it_gathers() {
    for waiting_max in [0, 300] {
        run_store_suite(&mut || {
            let engine = Gathered::with_max(MemoryEngine::default(), waiting_max);
            Box::new(ChainStore::open_on(engine, chain()).unwrap())
        });
    }
}

#[test]
fn rocks_store_passes_the_suite() {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    run_store_suite(&mut || {
        number += 1;
        let path = directory.path().join(number.to_string());
        Box::new(RocksStore::open(&path, chain()).unwrap())
    });
}

fn starts_empty(store: &dyn Store) {
    assert_eq!(store.chain(), chain());
    assert_eq!(store.committed_height(), Height::ZERO);
    assert_eq!(store.applied_height(), None);
    assert_eq!(store.safety().unwrap(), None);
    assert!(store.uncommitted_blocks().unwrap().is_empty());
    assert_eq!(store.block_by_height(Height::new(1)).unwrap(), None);
    assert_eq!(store.commit_certificate(Height::ZERO).unwrap(), None);
    assert_eq!(store.executed(Height::ZERO).unwrap(), None);
    assert_eq!(store.tx_location(&tx_hash(1, 0)).unwrap(), None);
    store.commit(&[], b"nothing").unwrap();
    store.sync().unwrap();
    store.flush().unwrap();
}

///   genesis ── 1a ── 2a
///          └── 1b ── 2b
fn keeps_blocks_until_they_are_final(store: &dyn Store) {
    let blocks = [block(1, "a"), block(1, "b"), block(2, "a"), block(2, "b")];
    for block in blocks.iter().chain(&blocks[..1]) {
        store.put_block(block).unwrap();
    }
    let mut stored = store.uncommitted_blocks().unwrap();
    assert!(stored.is_sorted_by_key(|block| block.height));
    stored.sort_by_key(|block| (block.height, block.block.clone()));
    assert_eq!(stored, blocks);
    assert_eq!(store.block_by_height(Height::new(1)).unwrap(), None, "not final");
    assert_eq!(store.block_by_hash(&blocks[1].hash).unwrap().as_ref(), Some(&blocks[1]));

    let first = CommittedBlock {
        height: Height::new(1),
        hash: blocks[0].hash,
        batches: &[],
        evidence: &[],
    };
    store.commit(&[first], &certificate(1)).unwrap();
    assert_eq!(store.block_by_height(Height::new(1)).unwrap().as_ref(), Some(&blocks[0]));
    assert_eq!(store.block_hash(Height::new(1)).unwrap(), Some(blocks[0].hash));
    assert_eq!(store.block_by_hash(&blocks[1].hash).unwrap(), None, "the competitor is gone");
    assert_eq!(store.uncommitted_blocks().unwrap().len(), 2, "those above stay");
}

fn commits_several_heights_under_one_certificate(store: &dyn Store) {
    let blocks = [block(1, "a"), block(2, "a"), block(3, "a")];
    blocks.iter().for_each(|block| store.put_block(block).unwrap());
    let committed = blocks.each_ref().map(|block| CommittedBlock {
        height: block.height,
        hash: block.hash,
        batches: &[],
        evidence: &[],
    });
    store.commit(&committed, &certificate(3)).unwrap();
    assert_eq!(store.committed_height(), Height::new(3));
    for height in 0..=3 {
        let found = store.commit_certificate(Height::new(height)).unwrap().unwrap();
        assert_eq!((found.height, found.hash), (Height::new(3), blocks[2].hash));
        assert_eq!(found.certificate, certificate(3));
    }
    assert_eq!(store.commit_certificate(Height::new(4)).unwrap(), None);
    assert!(store.uncommitted_blocks().unwrap().is_empty());
}

fn finds_evidence_newest_first(store: &dyn Store) {
    assert!(store.evidence().unwrap().is_empty());
    let about = |text: &str| text.as_bytes().to_vec();
    let pieces = [vec![about("x"), about("y")], vec![], vec![about("z")]];
    for (height, evidence) in (1..).zip(&pieces) {
        let block = block(height, "a");
        store.put_block(&block).unwrap();
        let (height, hash) = (block.height, block.hash);
        store.commit(&[CommittedBlock { height, hash, batches: &[], evidence }], b"cc").unwrap();
    }
    let found = store.evidence().unwrap();
    let found: Vec<_> = found.into_iter().map(|e| (e.height.get(), e.index, e.about)).collect();
    assert_eq!(found, [(3, 0, about("z")), (1, 1, about("y")), (1, 0, about("x"))]);
}

fn refuses_gaps_and_unknown_blocks(store: &dyn Store) {
    let second = block(2, "a");
    store.put_block(&second).unwrap();
    let gap =
        CommittedBlock { height: second.height, hash: second.hash, batches: &[], evidence: &[] };
    let error = store.commit(&[gap], &certificate(2)).unwrap_err();
    assert!(matches!(error, StoreError::OutOfOrder { expected, .. } if expected == Height::new(1)));
    let unknown =
        CommittedBlock { height: Height::new(1), hash: second.hash, batches: &[], evidence: &[] };
    let error = store.commit(&[unknown], &certificate(1)).unwrap_err();
    assert!(matches!(error, StoreError::UnknownBlock { .. }));
    assert_eq!(store.committed_height(), Height::ZERO);
}

fn applies_heights_in_order(store: &dyn Store) {
    let applied = |height| Applied { executed: roots(height), changes: &[], transactions: &[] };
    let early = store.apply(&applied(1)).unwrap_err();
    assert!(matches!(early, StoreError::OutOfOrder { expected, .. } if expected == Height::ZERO));
    store.apply(&applied(0)).unwrap();
    assert_eq!(store.applied_height(), Some(Height::ZERO));
    let not_final = store.apply(&applied(1)).unwrap_err();
    assert!(matches!(not_final, StoreError::OutOfOrder { .. }));
    commit(store, 1);
    store.apply(&applied(1)).unwrap();
    assert!(matches!(store.apply(&applied(1)), Err(StoreError::OutOfOrder { .. })));
    assert_eq!(store.applied_height(), Some(Height::new(1)));
    assert_eq!(store.executed(Height::new(1)).unwrap(), Some(roots(1)));
    assert_eq!(store.executed(Height::new(2)).unwrap(), None);
}

fn finds_transactions_and_receipts(store: &dyn Store) {
    apply(store, 0, 0);
    for height in 1..=2 {
        commit(store, height);
        apply(store, height, 150);
    }
    let receipts = store.receipts(Height::new(1)).unwrap();
    assert_eq!(receipts.len(), 150);
    assert!(receipts.is_sorted_by_key(|(index, _)| *index));
    for n in [0, 31, 32, 149] {
        let location = TxLocation { height: Height::new(2), index: 2 * n };
        assert_eq!(store.tx_location(&tx_hash(2, 2 * n)).unwrap(), Some(location));
        let receipt = format!("receipt 2 {n}").into_bytes();
        assert_eq!(store.receipt(location).unwrap(), Some(receipt.clone()));
        assert_eq!(store.receipts(Height::new(2)).unwrap()[n as usize], (2 * n, receipt));
        let skipped = TxLocation { index: 2 * n + 1, ..location };
        assert_eq!(store.receipt(skipped).unwrap(), None);
    }
    assert!(store.receipts(Height::new(3)).unwrap().is_empty());
}

fn pages_through_a_history(store: &dyn Store) {
    apply(store, 0, 0);
    advance(store, 1..=20);
    let page = |number, cursor, limit| -> HistoryPage {
        store.account_history(&account(number), cursor, limit).unwrap()
    };
    let all = page(1, None, PAGE_MAX + 7);
    assert_eq!(all.items.len(), 60);
    assert_eq!(all.next, None);
    assert!(all.items.is_sorted_by(|a, b| a.location > b.location), "newest first");
    let newest = TxLocation { height: Height::new(20), index: 4 };
    assert_eq!(all.items[0], HistoryEntry { location: newest, hash: tx_hash(20, 4) });

    let (mut paged, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let part = page(1, cursor, 7);
        assert!(part.items.len() <= 7);
        paged.extend(part.items);
        pages += 1;
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((paged, pages), (all.items, 9));
    assert_eq!(page(3, None, 100).items.len(), 20, "every second transaction of three");
    assert_eq!(page(9, None, 10), HistoryPage::default());
    let before_all = TxLocation { height: Height::ZERO, index: 0 };
    assert_eq!(page(1, Some(before_all), 10), HistoryPage::default());
    assert_eq!(page(1, None, 0).items.len(), 1, "a page is never empty while there is more");
}

fn reads_the_flat_state(store: &dyn Store) {
    apply(store, 0, 0);
    advance(store, 1..=10);
    let value = |number: u64| Some(StateValue::new(&number.to_le_bytes()));
    assert_eq!(store.state(&key(10)).unwrap(), value(10));
    assert_eq!(store.state(&key(1_000)).unwrap(), value(10), "overwritten by each height");
    assert_eq!(store.state(&key(6)).unwrap(), None, "removed");
    let several = store.states(&[key(6), key(9), key(5_000), key(7)]).unwrap();
    assert_eq!(several, [None, value(9), None, value(7)]);
    assert!(store.states(&[]).unwrap().is_empty());

    let mut visited = Vec::new();
    let mut visit = |key, value: &[u8]| {
        visited.push((key, value.to_vec()));
        ControlFlow::Continue(())
    };
    store.visit_state(&mut visit).unwrap();
    assert!(visited.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(visited.len(), 6, "heights 0 and 7 to 10, and the shared key");
    let mut seen = 0;
    let mut stop = |_, _: &[u8]| {
        seen += 1;
        ControlFlow::Break(())
    };
    store.visit_state(&mut stop).unwrap();
    assert_eq!(seen, 1);
}

fn replaces_the_safety_state(store: &dyn Store) {
    store.persist(b"first").unwrap();
    assert_eq!(store.safety().unwrap().unwrap(), b"first");
    store.persist(b"").unwrap();
    assert_eq!(store.safety().unwrap().unwrap(), b"");
    store.persist(&[7; 100_000]).unwrap();
    assert_eq!(store.safety().unwrap().unwrap(), [7; 100_000]);
}

fn keeps_batches_with_their_blocks(store: &dyn Store) {
    apply(store, 0, 0);
    let (never, again, kept) = (batch_hash("never"), batch_hash("again"), batch_hash("kept"));
    for hash in [&never, &again, &kept] {
        store.put_batch(hash, b"transactions").unwrap();
    }
    advance(store, 1..=5);
    assert_eq!(store.batch(&batch_hash("batch 3")).unwrap().unwrap(), b"batch of 3");
    store.put_batch(&again, b"transactions").unwrap();
    let keep = BTreeSet::from([kept]);
    let removed = |before| store.remove_unordered_batches(Height::new(before), &keep).unwrap();
    assert_eq!(removed(0), 0);
    assert_eq!(removed(5), 1, "only the one that nobody wanted");
    assert!(!store.has_batch(&never).unwrap() && store.batch(&never).unwrap().is_none());
    for hash in [again, kept, batch_hash("batch 1"), batch_hash("batch 5")] {
        assert!(store.has_batch(&hash).unwrap() && store.batch(&hash).unwrap().is_some());
    }
    assert_eq!(store.remove_unordered_batches(Height::new(6), &BTreeSet::new()).unwrap(), 2);
    assert!(!store.has_batch(&again).unwrap() && !store.has_batch(&kept).unwrap());
    store.put_batch(&never, b"transactions").unwrap();
    assert_eq!(store.batch(&never).unwrap().unwrap(), b"transactions", "it may come back");
}

/// What a height shows is there as soon as the height says it is applied.
fn is_read_while_it_is_written(store: &dyn Store) {
    apply(store, 0, 0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while store.applied_height() < Some(Height::new(60)) {
                let Some(height) = store.applied_height().filter(|h| *h > Height::ZERO) else {
                    continue;
                };
                assert!(store.committed_height() >= height);
                assert!(store.executed(height).unwrap().is_some());
                let location = store.tx_location(&tx_hash(height.get(), 4)).unwrap().unwrap();
                assert!(store.receipt(location).unwrap().is_some());
                assert!(store.block_by_height(height).unwrap().is_some());
            }
        });
        advance(store, 1..=60);
        reader.join().unwrap();
    });
}
