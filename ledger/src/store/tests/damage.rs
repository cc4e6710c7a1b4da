//! The simulated disk is damaged as a real one is, and says what a real one says.

use std::collections::BTreeMap;
use std::fs;

use super::disk::files;
use super::*;
use crate::store::{Damage, StoreError};

/// Ten heights, each with a vote; the last writes are unsynced unless `is_synced`.
fn killed() -> MemoryStore {
    let store = begun(MemoryStore::crashable(chain()));
    for height in 1..=10 {
        advance(&store, height..=height);
        store.persist(format!("vote {height}").as_bytes()).unwrap();
    }
    store.lose_power(0).unwrap()
}

fn opened(store: &MemoryStore, damage: Damage) -> Result<MemoryStore, StoreError> {
    let mut disk = store.disk();
    assert!(disk.suffer(damage), "{damage:?}");
    disk.open()
}

fn vote_of(store: &MemoryStore) -> u64 {
    let safety = String::from_utf8(store.safety().unwrap().unwrap_or_default()).unwrap();
    safety.rsplit(' ').next().unwrap().parse().unwrap_or(0)
}

/// Reads everything, as a backup does.
fn read_all(store: &MemoryStore) -> Result<(), StoreError> {
    for height in 0..=10 {
        store.executed(Height::new(height))?;
        store.block_by_height(Height::new(height))?;
    }
    store.safety()?;
    store.usage()?;
    store.visit_state(&mut |_, _| std::ops::ControlFlow::Continue(()))
}

#[test]
fn a_simulated_log_is_what_rocksdb_writes() {
    let directory = tempfile::tempdir().unwrap();
    let (rocks, memory) =
        (RocksStore::open(directory.path(), chain()).unwrap(), MemoryStore::crashable(chain()));
    let both: [&dyn Store; 2] = [&rocks, &memory];
    for store in both {
        for number in 0..40 {
            let batch = vec![7; 3_000];
            store.put_batch(&batch_hash(&number.to_string()), &batch).unwrap();
            store.put_block(&block(1, &number.to_string())).unwrap();
            store.persist(format!("vote {number}").as_bytes()).unwrap();
        }
        store.remove_unordered_batches(Height::new(5), &Default::default()).unwrap();
        store.sync().unwrap();
    }
    let logs: Vec<_> = files(directory.path(), "log");
    let real = fs::read(&logs[0]).unwrap();
    let simulated = memory.disk().log_bytes();
    assert!(simulated.len() > 100_000, "several blocks");
    assert!(real == simulated, "{} and {} bytes", real.len(), simulated.len());
}

#[test]
fn an_undamaged_disk_opens_as_it_was() {
    let store = killed().disk().open().unwrap();
    assert_eq!((store.committed_height(), vote_of(&store)), (Height::new(10), 10));
}

#[test]
fn a_bit_of_the_log_is_refused_or_takes_back_the_last_votes() {
    let store = killed();
    let bits = store.disk().log_bytes().len() as u64 * 8;
    let mut seen = BTreeMap::new();
    for bit in (0..bits).step_by(13) {
        let outcome = match opened(&store, Damage::LogBit(bit)) {
            Ok(store) => format!("vote {}", vote_of(&store)),
            Err(error) => {
                assert!(error.is_corruption(), "bit {bit}: {error}");
                "refused".to_owned()
            }
        };
        *seen.entry(outcome).or_insert(0) += 1;
    }
    let outcomes: Vec<_> = seen.keys().map(String::as_str).collect();
    assert!(seen["refused"] > 4 * seen["vote 9"], "{seen:?}");
    // A bit of the key by which the look knows a vote hides one more.
    assert!(outcomes.iter().all(|seen| ["refused", "vote 8", "vote 9"].contains(seen)), "{seen:?}");
}

#[test]
fn a_log_that_lost_its_end_is_a_database_of_before() {
    let store = killed();
    let bytes = store.disk().log_bytes().len() as u64;
    let mut last = 0;
    for end in (0..bytes).step_by(7) {
        let Ok(older) = opened(&store, Damage::LogEnd(end)) else {
            panic!("cut at {end}: a short log is no damage");
        };
        let vote = vote_of(&older);
        assert!(vote >= last && vote < 10 && older.committed_height() <= Height::new(10));
        last = vote;
    }
    assert_eq!(last, 9);
}

#[test]
fn a_lost_page_of_the_log_is_refused_unless_it_was_the_last() {
    let store = MemoryStore::crashable(chain());
    for number in 1..=20 {
        store.put_batch(&batch_hash(&number.to_string()), &[9; 2_000]).unwrap();
        store.persist(format!("vote {number}").as_bytes()).unwrap();
    }
    let pages = store.disk().log_bytes().len().div_ceil(4_096) as u64;
    for page in 0..pages - 2 {
        let error = opened(&store, Damage::LogPage(page)).unwrap_err();
        assert!(error.is_corruption(), "page {page}: {error}");
    }
    let older = opened(&store, Damage::LogPage(pages - 1)).unwrap();
    assert!(vote_of(&older) < 20);
}

#[test]
fn a_damaged_block_is_an_error_wherever_it_is_read() {
    let store = killed().disk().open().unwrap();
    store.flush().unwrap();
    let mut found = BTreeMap::new();
    for block in 0..20 {
        let error = match opened(&store, Damage::Block(block)) {
            Err(error) => ("open", Some(error)),
            Ok(store) => ("read", read_all(&store).err()),
        };
        if let (place, Some(error)) = error {
            assert!(matches!(error, StoreError::CorruptedFile(_)), "{error}");
            *found.entry(place).or_insert(0) += 1;
        }
    }
    assert!(found["open"] > 0 && found["read"] > 0, "{found:?}");
}

#[test]
fn a_damaged_record_is_written_anew() {
    let store = killed().disk().open().unwrap();
    let mut disk = store.disk();
    for block in 0..100 {
        disk.suffer(Damage::Block(block));
    }
    let error = disk.open().unwrap_err();
    assert!(error.is_corruption(), "{error}");
    for block in 0..100 {
        let Ok(damaged) = opened(&store, Damage::Block(block)) else { continue };
        if damaged.safety().is_err() {
            damaged.persist(b"vote 11").unwrap();
            let again = damaged.lose_power(0).unwrap().disk().open().unwrap();
            assert_eq!(vote_of(&again), 11);
            return;
        }
    }
    panic!("no block holds the safety state");
}

#[test]
fn a_bit_beneath_the_checksums_is_found_by_seals() {
    let store = killed();
    let (mut refused, mut states) = (0, 0);
    for number in 0..200 {
        let Ok(damaged) = opened(&store, Damage::Record(number)) else {
            refused += 1;
            continue;
        };
        match read_all(&damaged) {
            Err(error) => assert!(matches!(error, StoreError::Corrupted { .. }), "{error}"),
            // The flat state has no seals, but a root.
            Ok(()) => states += 1,
        }
    }
    assert!(refused > 0 && states < 200, "{refused} refused, {states} of the state");
}
