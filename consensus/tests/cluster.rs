//! Whole clusters from one seed: agreement at every step, liveness after the faults end.
//!
//! `LOGOTHETE_SEEDS=5000 cargo test --release -p logothete-consensus --test cluster` runs more;
//! `LOGOTHETE_SEED=17` runs one, and a failure names it.
#![allow(clippy::unwrap_used)]

mod support;

use logothete_primitives::ValidatorIndex;

use support::cluster::Cluster;
use support::faults::Faults;

fn seeds(default: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("LOGOTHETE_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("LOGOTHETE_SEEDS").unwrap_or(default)).collect(),
    }
}

/// Names the seed when a run panics.
struct Replay(&'static str, u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "LOGOTHETE_SEED={} cargo test --release -p logothete-consensus --test cluster {}",
                self.1, self.0
            );
        }
    }
}

fn chaos(name: &'static str, powers: &[u64], faults: &Faults, default: u64) {
    let (mut runs, mut heights, mut crashes, mut wipes) = (0, 0, 0, 0);
    for seed in seeds(default) {
        let _replay = Replay(name, seed);
        let mut cluster = Cluster::new(seed, powers, faults.clone());
        cluster.run_ms(15_000);
        expect_progress(&mut cluster, 20_000);
        runs += 1;
        heights += cluster.checker.height().get();
        crashes += cluster.tally.of("crash");
        wipes += cluster.tally.of("wipe");
    }
    println!("{name}: {runs} runs, {heights} final blocks, {crashes} crashes, {wipes} wipes");
}

/// After the faults everybody gets past the highest final block, and signs again.
fn expect_progress(cluster: &mut Cluster, ms: u64) {
    let reached = cluster.checker.height();
    cluster.heal();
    let end = cluster.now + ms * 1000;
    let all_active = |cluster: &Cluster| cluster.honest().all(|id| cluster.is_active(id));
    while cluster.now < end && !(cluster.lowest() > reached.plus(2) && all_active(cluster)) {
        cluster.run_ms(250);
    }
    assert!(
        cluster.lowest() > reached.plus(2),
        "no progress beyond {reached}\n{}",
        cluster.describe()
    );
    for id in cluster.honest() {
        assert!(cluster.is_active(id), "not active\n{}", cluster.describe());
    }
}

#[test]
fn single_validator_survives_crashes() {
    chaos("single_validator_survives_crashes", &[1], &Faults::CHAOS, 100);
}

#[test]
fn four_validators_agree_through_chaos() {
    chaos("four_validators_agree_through_chaos", &[1; 4], &Faults::CHAOS, 300);
}

#[test]
fn seven_validators_agree_through_chaos() {
    chaos("seven_validators_agree_through_chaos", &[1; 7], &Faults::CHAOS, 80);
}

#[test]
fn weighted_validators_agree_through_chaos() {
    chaos("weighted_validators_agree_through_chaos", &[5, 1, 3, 2, 4], &Faults::CHAOS, 120);
}

/// R10.
#[test]
fn wiped_validators_never_sign_twice_and_come_back() {
    chaos("wiped_validators_never_sign_twice_and_come_back", &[1; 4], &Faults::WIPES, 300);
}

/// R2, R8: a validator that runs twice with one key signs two messages for a slot whenever its two
/// lives hear different things. Up to f of them change nothing, and are found out.
#[test]
fn twins_of_one_key_do_no_harm() {
    let mut found = 0;
    for seed in seeds(200) {
        let _replay = Replay("twins_of_one_key_do_no_harm", seed);
        let mut cluster = Cluster::new(seed, &[1; 4], Faults::CHAOS);
        cluster.add_twin(ValidatorIndex::new(2));
        cluster.run_ms(15_000);
        expect_progress(&mut cluster, 20_000);
        found += cluster.tally.of("evidence");
    }
    println!("twins_of_one_key_do_no_harm: evidence {found} times");
    assert!(found > 0);
}

/// The same seed gives the same run.
#[test]
fn the_same_seed_gives_the_same_trace() {
    let run = |seed| {
        let mut cluster = Cluster::new(seed, &[1; 4], Faults::WIPES);
        cluster.run_ms(5_000);
        (cluster.trace, cluster.checker.height(), cluster.checker.messages)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
}
