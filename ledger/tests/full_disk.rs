//! A file that may not grow: the write fails with a typed error, so do all after it, and the next opening
//! has everything that was synced.
//!
//! The test starts itself again as a child under a limit of the file size, which needs no rights. A full disk
//! under a whole node is in `tests/tests/disk_errors.rs`.

#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use logothete_ledger::store::{BlockRecord, CommittedBlock, RocksStore, Store, StoreError};
use logothete_primitives::{BatchHash, BlockHash, ChainId, Digest, Height, View};

/// Names the directory in which a child works; absent in the test itself.
const PLACE: &str = "LOGOTHETE_TEST_FULL_DISK";

fn chain() -> ChainId {
    ChainId::new(Digest::new([7; 32]))
}

fn digest(height: u64) -> Digest {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&height.to_be_bytes());
    Digest::new(bytes)
}

/// Writes heights with a batch each, and a vote before each, until a write fails. Gives the last
/// height whose vote was synced.
fn write_until_it_fails(store: &dyn Store) -> (u64, StoreError) {
    let mut synced = 0;
    for number in 1..10_000 {
        match write_height(store, number) {
            Ok(()) => synced = number,
            Err(error) => return (synced, error),
        }
    }
    panic!("the disk never filled");
}

fn write_height(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    let (height, hash) = (Height::new(number), BlockHash::new(digest(number)));
    let (block, justify) = (vec![1; 300], vec![2; 300]);
    store.put_block(&BlockRecord { height, hash, view: View::new(number), block, justify })?;
    let batches = [BatchHash::new(digest(number))];
    store.put_batch(&batches[0], &incompressible(number))?;
    store.commit(
        &[CommittedBlock { height, hash, batches: &batches, evidence: &[] }],
        b"certificate",
    )?;
    store.persist(&number.to_be_bytes())
}

fn incompressible(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..16_384).map(next).collect()
}

/// Opens again and finds every height whose vote was synced, whole.
fn assert_kept(path: &Path, synced: u64) {
    let store = RocksStore::open(path, chain()).unwrap();
    assert!(store.committed_height() >= Height::new(synced), "what was synced is lost");
    let voted = store.safety().unwrap().unwrap();
    assert!(voted.as_slice() >= synced.to_be_bytes().as_slice(), "a vote is forgotten");
    for number in 1..=store.committed_height().get() {
        let block = store.block_by_height(Height::new(number)).unwrap().unwrap();
        assert_eq!(block.hash, BlockHash::new(digest(number)));
        let batch = store.batch(&BatchHash::new(digest(number))).unwrap();
        assert_eq!(batch, Some(incompressible(number)), "height {number} is there by half");
    }
}

/// Runs a test of this program again, in a shell that prepares its surroundings.
fn run_again(test: &str, program: &str, arguments: &[&OsStr], place: &Path) -> String {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(&this)
        .args(["--exact", test, "--nocapture"])
        .env(PLACE, place)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child failed:\n{text}\n{said}");
    text
}

/// What the child said behind a word.
fn told<'a>(text: &'a str, word: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("the child did not say {word:?}:\n{text}")).trim()
}

#[test]
fn a_file_that_may_not_grow_stops_the_writer_and_loses_nothing() {
    const THIS: &str = "a_file_that_may_not_grow_stops_the_writer_and_loses_nothing";
    if let Some(place) = std::env::var_os(PLACE) {
        let store = RocksStore::open(Path::new(&place), chain()).unwrap();
        let (synced, error) = write_until_it_fails(&store);
        let again = store.persist(b"after").unwrap_err();
        println!("\nsynced {synced}\nerror {error}\nagain {again}");
        // It ends as a node does then: nothing is flushed, nothing is closed.
        std::mem::forget(store);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    // 512 or 1,024 blocks of 512 or 1,024 bytes, as the shell counts: between 1/2 and 1 MiB.
    let shell = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
    let arguments = ["-c", shell, "sh"].map(OsStr::new);
    let text = run_again(THIS, "sh", &arguments, &path);
    let synced: u64 = told(&text, "synced").parse().unwrap();
    assert!(synced > 10, "it worked before: {synced}");
    assert!(told(&text, "error").contains("File too large"), "{text}");
    told(&text, "again");
    assert_kept(&path, synced);
}
