#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::store::MemoryEngine;

const FAMILY: Family = Family::State;
const OTHER: Family = Family::TxIndex;

/// One step of a history that both engines go through.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(Family, u8, Option<u8>)>),
    WriteOut,
}

fn step() -> impl Strategy<Value = Step> {
    let family = prop_oneof![Just(FAMILY), Just(OTHER)];
    let change = (family, 0u8..20, proptest::option::weighted(0.7, any::<u8>()));
    prop_oneof![
        4 => proptest::collection::vec(change, 0..6).prop_map(Step::Write),
        1 => Just(Step::WriteOut),
    ]
}

/// Keys of different lengths, so that their order is not that of their bytes alone.
fn key(number: u8) -> Vec<u8> {
    vec![number / 4; 1 + usize::from(number % 4)]
}

fn write(engine: &dyn Engine, changes: &[(Family, u8, Option<u8>)]) {
    let fill = &mut |writer: &mut dyn Writer| {
        for (family, number, value) in changes {
            match value {
                Some(value) => writer.put(*family, &key(*number), &[*value; 40]),
                None => writer.remove(*family, &key(*number)),
            }
        }
    };
    engine.write(Durability::Unlogged, fill).unwrap();
}

/// What a scan visits that stops after `count` records.
fn scanned(
    engine: &dyn Engine,
    start: u8,
    direction: Direction,
    count: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        assert!(records.len() < count, "a scan goes on after it was stopped");
        records.push((key.to_vec(), value.to_vec()));
        if records.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    engine.scan(FAMILY, &key(start), direction, visit).unwrap();
    records
}

fn assert_equal(a: &dyn Engine, b: &dyn Engine, start: u8, count: usize) {
    let keys: Vec<_> = (0..20).map(key).collect();
    let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
    for family in [FAMILY, OTHER] {
        assert_eq!(a.read_many(family, &keys).unwrap(), b.read_many(family, &keys).unwrap());
        for key in &keys {
            assert_eq!(a.read(family, key).unwrap(), b.read(family, key).unwrap());
            assert_eq!(a.contains(family, key).unwrap(), b.contains(family, key).unwrap());
        }
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        assert_eq!(scanned(a, start, direction, count), scanned(b, start, direction, count));
    }
}

proptest! {
    #[test]
    fn what_waits_is_read_like_what_is_written(
        steps in proptest::collection::vec(step(), 1..20),
        waiting_max in 0usize..2_000,
        start in 0u8..20,
        count in 1usize..12,
    ) {
        let plain = MemoryEngine::default();
        let gathered = Gathered::with_max(MemoryEngine::default(), waiting_max);
        for step in &steps {
            match step {
                Step::Write(changes) => {
                    write(&plain, changes);
                    write(&gathered, changes);
                }
                Step::WriteOut => gathered.flush().unwrap(),
            }
            assert_equal(&gathered, &plain, start, count);
        }
        gathered.flush().unwrap();
        assert_equal(&gathered.into_inner(), &plain, start, count);
    }
}

#[test]
fn writes_wait_until_there_are_many_and_then_leave_together() {
    let gathered = Gathered::with_max(MemoryEngine::default(), 80);
    let there = |engine: &MemoryEngine| engine.read_many(FAMILY, &[&key(1), &key(2)]).unwrap();
    write(&gathered, &[(FAMILY, 1, Some(1))]);
    assert_eq!(there(&gathered.engine), [None, None], "42 bytes wait");
    write(&gathered, &[(FAMILY, 1, Some(2)), (FAMILY, 2, Some(3))]);
    assert_eq!(there(&gathered.engine), [Some(vec![2; 40]), Some(vec![3; 40])]);
    assert_eq!(gathered.waiting().size(), 0);
}

#[test]
fn logged_writes_do_not_wait_and_leave_others_waiting() {
    let gathered = Gathered::new(MemoryEngine::default());
    write(&gathered, &[(FAMILY, 1, Some(1))]);
    let put = &mut |writer: &mut dyn Writer| writer.put(Family::Safety, b"state", b"vote");
    gathered.write(Durability::Synced, put).unwrap();
    assert!(gathered.engine.contains(Family::Safety, b"state").unwrap());
    assert!(!gathered.engine.contains(FAMILY, &key(1)).unwrap());
}

#[test]
fn what_waits_counts_as_memory() {
    let gathered = Gathered::new(MemoryEngine::default());
    let memory = |gathered: &Gathered<MemoryEngine>| {
        gathered.usage().unwrap()[FAMILY.position()].memory_bytes
    };
    let before = memory(&gathered);
    write(&gathered, &[(FAMILY, 1, Some(1))]);
    assert_eq!(memory(&gathered) - before, 42);
}

#[test]
fn what_the_engine_refuses_goes_on_waiting() {
    use crate::store::{Fate, MemoryStore};
    let store = MemoryStore::new(crate::tests::chain());
    store.set_fate(Fate::FillsAfter(0));
    let gathered = Gathered::with_max(store.into_engine(), 1);
    let put = &mut |writer: &mut dyn Writer| writer.put(FAMILY, b"key", b"value");
    let refused = gathered.write(Durability::Unlogged, put).unwrap_err();
    assert!(matches!(refused, StoreError::NoSpace));
    assert_eq!(gathered.read(FAMILY, b"key").unwrap(), Some(b"value".to_vec()));
}
