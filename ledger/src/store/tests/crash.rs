//! What is left after a crash: kill -9 (a copy of the files at one moment), power loss with a torn
//! log, and the memory store's model of both.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::store::StoreError;

/// The files as a killed process leaves them: everything written is there, nothing was closed.
fn killed(database: &Path, copy: &Path) {
    fs::create_dir_all(copy).unwrap();
    for entry in fs::read_dir(database).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
}

fn logs(database: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = files.filter(|path| path.extension() == Some("log".as_ref())).collect();
    logs.sort();
    logs
}

#[test]
fn a_killed_process_loses_only_applied_heights() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let store = begun(RocksStore::open(&path, chain()).unwrap());
    advance(&store, 1..=10);
    store.flush().unwrap();
    advance(&store, 11..=15);
    store.put_block(&block(16, "a")).unwrap();
    store.persist(b"voted for 16").unwrap();
    let copy = directory.path().join("copy");
    killed(&path, &copy);
    drop(store);

    let store = RocksStore::open(&copy, chain()).unwrap();
    assert_eq!(store.committed_height(), Height::new(15));
    assert_eq!(store.applied_height(), Some(Height::new(10)), "back to the flush");
    assert_eq!(store.safety().unwrap().unwrap(), b"voted for 16");
    assert_eq!(store.uncommitted_blocks().unwrap(), [block(16, "a")]);
    assert_eq!(store.tx_location(&tx_hash(11, 0)).unwrap(), None);
    assert_eq!(store.state(&key(1_000)).unwrap().unwrap().as_bytes(), 10_u64.to_le_bytes());
    // Everything that is needed to execute again is there.
    for height in 11..=15 {
        assert!(store.block_by_height(Height::new(height)).unwrap().is_some());
        assert!(store.batch(&batch_hash(&format!("batch {height}"))).unwrap().is_some());
        apply(&store, height, 3);
    }
    assert_eq!(store.applied_height(), Some(Height::new(15)));
}

#[test]
fn a_clean_stop_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = begun(RocksStore::open(directory.path(), chain()).unwrap());
    advance(&store, 1..=5);
    store.flush().unwrap();
    drop(store);
    let store = RocksStore::open(directory.path(), chain()).unwrap();
    assert_eq!(store.applied_height(), Some(Height::new(5)));
    assert_eq!(store.account_history(&account(1), None, 100).unwrap().items.len(), 15);
}

/// A power loss may cut the log anywhere after the last synced write. Whatever is left opens, and is
/// a prefix of what was written.
#[test]
fn a_torn_log_opens_with_a_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let store = begun(RocksStore::open(&path, chain()).unwrap());
    store.flush().unwrap();
    store.persist(b"synced").unwrap();
    let synced = fs::metadata(logs(&path).last().unwrap()).unwrap().len();
    for height in 1..=4 {
        commit(&store, height);
    }
    let whole = directory.path().join("whole");
    killed(&path, &whole);
    drop(store);

    let log = logs(&whole).pop().unwrap();
    let length = fs::metadata(&log).unwrap().len();
    assert!(length > synced);
    let mut last = Height::ZERO;
    for cut in (synced..=length).step_by(37).chain([length]) {
        let torn = directory.path().join("torn");
        let _ = fs::remove_dir_all(&torn);
        killed(&whole, &torn);
        let file = fs::OpenOptions::new().write(true).open(torn.join(log.file_name().unwrap()));
        file.unwrap().set_len(cut).unwrap();
        let store = RocksStore::open(&torn, chain()).unwrap();
        assert_eq!(store.safety().unwrap().unwrap(), b"synced");
        assert!(store.committed_height() >= last, "a longer log never holds less");
        last = store.committed_height();
        for height in 1..=last.get() {
            assert_eq!(
                store.block_by_height(Height::new(height)).unwrap(),
                Some(block(height, "a"))
            );
            assert!(store.batch(&batch_hash(&format!("batch {height}"))).unwrap().is_some());
        }
    }
    assert_eq!(last, Height::new(4));
}

/// Damage before the tail is not a torn write: what follows shows that it was synced, with a vote.
#[test]
fn a_flipped_byte_inside_the_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let store = begun(RocksStore::open(&path, chain()).unwrap());
    advance(&store, 1..=3);
    store.persist(b"voted").unwrap();
    advance(&store, 4..=4);
    let copy = directory.path().join("copy");
    killed(&path, &copy);
    drop(store);
    let log = logs(&copy).pop().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    let error = RocksStore::open(&copy, chain()).unwrap_err();
    assert!(error.is_corruption(), "{error}");
}

#[test]
fn memory_store_loses_what_was_not_durable() {
    let run = || {
        let store = begun(MemoryStore::crashable(chain()));
        advance(&store, 1..=2);
        store.persist(b"first").unwrap();
        store.flush().unwrap();
        advance(&store, 3..=4);
        store
    };
    let unsynced = run().unsynced_writes();
    assert_eq!(unsynced, 6, "block, batch and commit of two heights");
    for survivors in 0..=unsynced {
        let store = run().lose_power(survivors).unwrap();
        assert_eq!(store.safety().unwrap().unwrap(), b"first");
        assert_eq!(store.committed_height(), Height::new(2 + survivors as u64 / 3));
        assert_eq!(store.applied_height(), Some(Height::new(2)));
        assert_eq!(store.state(&key(3)).unwrap(), None);
    }
    let store = run();
    store.persist(b"second").unwrap();
    let store = store.lose_power(0).unwrap();
    assert_eq!(store.committed_height(), Height::new(4), "synced with the safety state");
    assert_eq!(store.applied_height(), Some(Height::new(2)));
}

#[test]
fn a_state_ahead_of_the_final_blocks_is_damage() {
    let store = begun(MemoryStore::crashable(chain()));
    advance(&store, 1..=1);
    store.flush().unwrap();
    let engine = store.into_engine();
    use crate::store::engine::{Durability, Engine as _};
    use crate::store::schema::{Family, height_key};
    engine
        .write(Durability::Synced, &mut |writer| {
            writer.remove(Family::Certificates, &height_key(Height::new(1)));
        })
        .unwrap();
    let error = MemoryStore::open_on(engine, chain()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupted { family: "executed", .. }), "{error}");
}
