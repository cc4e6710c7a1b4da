//! What the state tree costs: CPU time per updated leaf, building, loading from disk, proving, memory.
//!
//! `cargo bench --bench state_tree` prints one JSON object a line. Sizes can be given:
//! `-- --leaves 1000000 --batch 10000 --rounds 50`.

use std::time::Instant;

use logothete_ledger::state::{Namespace, StateKey, StateValue};
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_primitives::Height;

struct Sizes {
    leaves: u64,
    batch: u64,
    rounds: u64,
}

impl Sizes {
    fn from_arguments() -> Self {
        let mut sizes = Self { leaves: 1_000_000, batch: 10_000, rounds: 50 };
        let arguments: Vec<String> = std::env::args().collect();
        for pair in arguments.windows(2) {
            let number = || pair[1].parse().expect("a size is a number");
            match pair[0].as_str() {
                "--leaves" => sizes.leaves = number(),
                "--batch" => sizes.batch = number(),
                "--rounds" => sizes.rounds = number(),
                _ => {}
            }
        }
        sizes
    }
}

/// CPU time of all threads and wall time since a moment.
struct Watch {
    wall: Instant,
    cpu_ns: i64,
}

impl Watch {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu_ns: cpu_ns() }
    }

    fn report(&self, what: &str, operations: u64) {
        let operations = operations as f64;
        let wall_us = self.wall.elapsed().as_secs_f64() * 1e6;
        let cpu_us = (cpu_ns() - self.cpu_ns) as f64 / 1e3;
        println!(
            r#"{{"bench":"state_tree.{what}","operations":{operations},"cpu_us_each":{:.3},"wall_us_each":{:.3},"wall_ms":{:.1}}}"#,
            cpu_us / operations,
            wall_us / operations,
            wall_us / 1e3,
        );
    }
}

fn cpu_ns() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn resident_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / 1048576.0
}

fn key(account: u64) -> StateKey {
    StateKey::derive(Namespace::Accounts, &account.to_le_bytes())
}

/// The size of an account's value.
fn value(seed: u64) -> StateValue {
    StateValue::new(&[seed.to_le_bytes(), (!seed).to_le_bytes()].concat())
}

/// A generator that gives the same accounts in every run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn changes(sizes: &Sizes, round: u64, random: &mut u64) -> Vec<(StateKey, Option<StateValue>)> {
    let mut changes: Vec<_> = (0..sizes.batch)
        .map(|n| (key(next(random) % sizes.leaves), Some(value(round << 32 | n))))
        .collect();
    changes.sort_by_key(|(key, _)| *key);
    changes.dedup_by_key(|(key, _)| *key);
    changes
}

fn main() {
    let sizes = Sizes::from_arguments();
    let mut entries: Vec<_> = (0..sizes.leaves).map(|n| (key(n), value(n))).collect();
    entries.sort_by_key(|(key, _)| *key);

    let before = resident_mib();
    let watch = Watch::start();
    let limits = HistoryLimits::default();
    let mut tree =
        StateTree::from_sorted(Height::ZERO, entries.iter().map(|(k, v)| (*k, &**v)), limits)
            .expect("entries are sorted");
    watch.report("build", sizes.leaves);
    let memory = tree.memory();
    println!(
        r#"{{"bench":"state_tree.memory","leaves":{},"bytes_per_leaf":{:.1},"resident_mib":{:.0}}}"#,
        memory.leaves,
        memory.current_bytes as f64 / memory.leaves as f64,
        resident_mib() - before,
    );

    let mut random = 1;
    let rounds: Vec<_> = (1..=sizes.rounds).map(|n| (n, changes(&sizes, n, &mut random))).collect();
    let updated = rounds.iter().map(|(_, changes)| changes.len() as u64).sum();
    let watch = Watch::start();
    for (round, changes) in &rounds {
        tree.apply(Height::new(*round), changes);
    }
    watch.report("update", updated);
    let memory = tree.memory();
    println!(
        r#"{{"bench":"state_tree.history","versions":{},"entries":{},"mib":{:.1}}}"#,
        tree.height().since(tree.oldest_height()),
        memory.history_entries,
        memory.history_bytes as f64 / 1048576.0,
    );

    for (what, back) in [("prove_head", 0), ("prove_8_back", 8), ("prove_oldest", u64::MAX)] {
        let oldest = tree.oldest_height().get();
        let at = Height::new(tree.height().get().saturating_sub(back).max(oldest));
        let watch = Watch::start();
        for n in 0..10_000 {
            std::hint::black_box(tree.prove(&key(n), at));
        }
        watch.report(what, 10_000);
    }
    #[cfg(feature = "rocks")]
    load_from_disk(&entries);
}

/// What a node does at its start: the flat state from RocksDB into a tree.
#[cfg(feature = "rocks")]
fn load_from_disk(entries: &[(StateKey, StateValue)]) {
    use logothete_ledger::state_tree::StateTreeBuilder;
    use logothete_ledger::store::{Applied, ExecutedRoots, RocksStore, Store};
    use logothete_primitives::{ChainId, ReceiptsRoot, StateRoot};

    let directory = tempfile::tempdir().expect("a temporary directory");
    let executed = ExecutedRoots {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let changes: Vec<_> = entries.iter().map(|(key, value)| (*key, Some(value.clone()))).collect();
    let store = RocksStore::open(directory.path(), ChainId::ZERO).expect("a new database");
    let watch = Watch::start();
    store.apply(&Applied { executed, changes: &changes, transactions: &[] }).expect("written");
    store.flush().expect("flushed");
    watch.report("store_flat_state", entries.len() as u64);
    drop((store, changes));

    let watch = Watch::start();
    let store = RocksStore::open(directory.path(), ChainId::ZERO).expect("the database");
    let mut builder = StateTreeBuilder::new();
    let mut push = |key, value: &[u8]| match builder.push(key, value) {
        Ok(()) => std::ops::ControlFlow::Continue(()),
        Err(_) => std::ops::ControlFlow::Break(()),
    };
    store.visit_state(&mut push).expect("read");
    let tree = builder.finish(Height::ZERO, HistoryLimits::default());
    watch.report("load_from_disk", tree.len() as u64);
}
