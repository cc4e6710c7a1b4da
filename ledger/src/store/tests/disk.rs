//! Databases that are foreign, newer, locked, lost or damaged.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::*;
use crate::store::engine::{Direction, Durability, Engine as _};
use crate::store::schema::{self, Family};
use crate::store::{DataLock, StoreError, disk_space};

pub(super) fn files(database: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension() == Some(extension.as_ref())).collect()
}

#[test]
fn refuses_a_foreign_chain() {
    let directory = tempfile::tempdir().unwrap();
    drop(RocksStore::open(directory.path(), chain()).unwrap());
    let other = ChainId::new(digest("another chain"));
    let error = RocksStore::open(directory.path(), other).unwrap_err();
    assert!(matches!(error, StoreError::ForeignChain { found, .. } if found == chain()));
    assert!(error.to_string().contains("use another data directory"));
    RocksStore::open(directory.path(), chain()).unwrap();
}

#[test]
fn refuses_a_newer_schema_with_families_it_does_not_know() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksStore::open(directory.path(), chain()).unwrap().into_engine();
    let newer = (schema::SCHEMA_VERSION + 1).to_be_bytes();
    let sealed = schema::seal(Family::Meta, schema::META_SCHEMA, &newer);
    engine
        .write(Durability::Synced, &mut |writer| {
            writer.put(Family::Meta, schema::META_SCHEMA, &sealed);
        })
        .unwrap();
    drop(engine);
    let names = Family::ALL.map(Family::name);
    let options = rocksdb::Options::default();
    let mut db = rocksdb::DB::open_cf(&options, directory.path(), names).unwrap();
    db.create_cf("governance", &options).unwrap();
    drop(db);
    let error = RocksStore::open(directory.path(), chain()).unwrap_err();
    let supported = schema::SCHEMA_VERSION;
    let newer = |found| found == supported + 1;
    assert!(matches!(error, StoreError::NewerSchema { found, .. } if newer(found)), "{error}");
    assert!(error.to_string().contains("install a newer version"));
}

#[test]
fn refuses_a_database_of_an_older_version() {
    let directory = tempfile::tempdir().unwrap();
    let engine = RocksStore::open(directory.path(), chain()).unwrap().into_engine();
    let sealed = schema::seal(Family::Meta, schema::META_SCHEMA, &1_u32.to_be_bytes());
    engine
        .write(Durability::Synced, &mut |writer| {
            writer.put(Family::Meta, schema::META_SCHEMA, &sealed);
        })
        .unwrap();
    drop(engine);
    let error = RocksStore::open(directory.path(), chain()).unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 1, .. }), "{error}");
}

#[test]
fn refuses_a_database_of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let db = rocksdb::DB::open_default(directory.path()).unwrap();
    db.put(b"key", b"value").unwrap();
    drop(db);
    let error = RocksStore::open(directory.path(), chain()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
}

#[test]
fn finishes_a_creation_that_a_crash_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    drop(rocksdb::DB::open_default(directory.path()).unwrap());
    RocksStore::open(directory.path(), chain()).unwrap();
}

#[test]
fn a_lost_identity_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksStore::open(directory.path(), chain()).unwrap();
    store.persist(b"voted").unwrap();
    let engine = store.into_engine();
    engine
        .write(Durability::Synced, &mut |writer| writer.remove(Family::Meta, schema::META_SCHEMA))
        .unwrap();
    drop(engine);
    let error = RocksStore::open(directory.path(), chain()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupted { family: "meta", .. }), "{error}");
}

#[test]
fn refuses_a_second_opening() {
    let directory = tempfile::tempdir().unwrap();
    let _lock = DataLock::acquire(directory.path()).unwrap();
    let path = directory.path().join("db");
    let _store = RocksStore::open(&path, chain()).unwrap();
    let error = RocksStore::open(&path, chain()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
}

#[test]
fn opens_existing_databases_only_where_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let error = RocksStore::open_existing(&path).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }));
    assert!(!path.exists());
    let store = begun(RocksStore::open(&path, chain()).unwrap());
    advance(&store, 1..=2);
    store.flush().unwrap();
    drop(store);
    assert_eq!(RocksStore::open_existing(&path).unwrap().chain(), chain());

    let list = || {
        let mut list: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
            .collect();
        list.sort();
        list
    };
    let before = list();
    let log_dir = directory.path().join("rocksdb-log");
    let store = RocksStore::open_read_only(&path, &log_dir).unwrap();
    assert_eq!(store.applied_height(), Some(Height::new(2)));
    assert!(store.persist(b"no").is_err());
    drop(store);
    assert!(before == list(), "reading leaves every file as it is");
}

#[test]
fn a_flipped_byte_in_a_table_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let store = begun(RocksStore::open(directory.path(), chain()).unwrap());
    advance(&store, 1..=50);
    store.flush().unwrap();
    drop(store);
    for table in files(directory.path(), "sst") {
        let whole = fs::read(&table).unwrap();
        let mut bytes = whole.clone();
        bytes[10] ^= 0x40;
        fs::write(&table, bytes).unwrap();
        let error = read_everything(directory.path()).unwrap_err();
        assert!(error.is_corruption(), "{}: {error}", table.display());
        fs::write(&table, whole).unwrap();
    }
    read_everything(directory.path()).unwrap();
}

fn read_everything(path: &Path) -> Result<(), StoreError> {
    let store = RocksStore::open(path, chain())?;
    for family in Family::ALL {
        let mut go_on = |_: &[u8], _: &[u8]| ControlFlow::Continue(());
        store.engine().scan(family, &[], Direction::Ascending, &mut go_on)?;
    }
    Ok(())
}

#[test]
fn a_flipped_bit_in_a_sealed_record_is_reported() {
    for family in [Family::Safety, Family::Executed] {
        let store = begun(MemoryStore::new(chain()));
        store.persist(b"voted in view 7").unwrap();
        let key = match family {
            Family::Safety => schema::SAFETY_STATE.to_vec(),
            _ => schema::height_key(Height::ZERO).to_vec(),
        };
        let engine = store.engine();
        let mut value = engine.read(family, &key).unwrap().unwrap();
        for place in 0..value.len() {
            value[place] ^= 1;
            engine
                .write(Durability::Logged, &mut |writer| writer.put(family, &key, &value))
                .unwrap();
            let damaged = store.safety().is_err() || store.executed(Height::ZERO).is_err();
            assert!(damaged, "byte {place} of {}", family.name());
            value[place] ^= 1;
        }
    }
}

#[test]
fn tells_the_space_used_and_free() {
    let directory = tempfile::tempdir().unwrap();
    let store = begun(RocksStore::open(directory.path(), chain()).unwrap());
    advance(&store, 1..=20);
    let batch = vec![3; 4_000];
    store.put_batch(&batch_hash("large"), &batch).unwrap();
    store.flush().unwrap();
    let usage = store.usage().unwrap();
    assert_eq!(usage.len(), Family::ALL.len());
    let of = |family: Family| usage.iter().find(|usage| usage.family == family.name()).unwrap();
    assert!(of(Family::State).disk_bytes > 0 && of(Family::Blocks).records >= 20);
    assert!(of(Family::Batches).disk_bytes > 0, "blob files count");
    assert_eq!(store.batch(&batch_hash("large")).unwrap().unwrap(), batch);

    let space = disk_space(directory.path()).unwrap();
    assert!(space.free_bytes > 0 && space.total_bytes >= space.free_bytes);
    assert!(disk_space(&directory.path().join("missing")).is_err());
}
