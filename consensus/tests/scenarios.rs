//! Named misfortunes of a cluster, and how soon it goes on afterwards.
#![allow(clippy::unwrap_used)]

mod support;

use support::cluster::Cluster;
use support::faults::Faults;

fn running(powers: &[u64]) -> Cluster {
    let mut cluster = Cluster::new(3, powers, Faults::NONE);
    cluster.busy = true;
    cluster.run_ms(2_000);
    assert!(cluster.lowest().get() > 20, "{}", cluster.describe());
    cluster
}

/// Runs until all are ten blocks further; within so many milliseconds.
fn expect_progress_within(cluster: &mut Cluster, ms: u64) {
    let goal = cluster.checker.height().plus(10);
    let start = cluster.now;
    while cluster.lowest() < goal {
        assert!(cluster.now - start < ms * 1000, "no progress\n{}", cluster.describe());
        cluster.run_ms(50);
    }
    println!("ten blocks after {} ms", (cluster.now - start) / 1000);
}

/// Nothing becomes final for ten seconds.
fn expect_halt(cluster: &mut Cluster) {
    cluster.run_ms(1_000);
    let height = cluster.checker.height();
    cluster.run_ms(10_000);
    assert_eq!(cluster.checker.height(), height);
}

#[test]
fn one_crash_goes_unnoticed_and_the_restarted_one_catches_up() {
    let mut cluster = running(&[1; 4]);
    cluster.kill(2);
    let before = cluster.checker.height();
    cluster.run_ms(5_000);
    assert!(cluster.checker.height() > before.plus(100));
    cluster.start(2);
    expect_progress_within(&mut cluster, 1_000);
}

/// The status of those who are left says whose votes are missing.
#[test]
fn two_of_four_down_halt_safely_and_go_on_when_back() {
    let mut cluster = running(&[1; 4]);
    cluster.kill(1);
    cluster.kill(2);
    expect_halt(&mut cluster);
    let status = cluster.processes[0].replica.as_ref().unwrap().status();
    let missing = cluster.ctx.validators.missing(&status.timeouts);
    assert_eq!(missing.iter().map(|index| index.get()).collect::<Vec<_>>(), [1, 2]);
    cluster.start(1);
    cluster.start(2);
    expect_progress_within(&mut cluster, 2_000);
}

#[test]
fn all_killed_at_once_go_on_where_they_were() {
    let mut cluster = running(&[1; 4]);
    (0..4).for_each(|id| cluster.kill(id));
    cluster.run_ms(3_000);
    (0..4).for_each(|id| cluster.start(id));
    expect_progress_within(&mut cluster, 2_000);
}

#[test]
fn a_partition_in_halves_heals() {
    let mut cluster = running(&[1; 4]);
    cluster.partition(&[0, 0, 1, 1]);
    expect_halt(&mut cluster);
    cluster.run_ms(60_000);
    cluster.partition(&[0; 4]);
    expect_progress_within(&mut cluster, 2_000);
}

/// R10.
#[test]
fn a_wiped_validator_comes_back() {
    let mut cluster = running(&[1; 4]);
    cluster.kill(3);
    cluster.wipe(3);
    cluster.run_ms(1_000);
    cluster.start(3);
    expect_progress_within(&mut cluster, 2_000);
    assert!(cluster.is_active(3));
}

/// R10: more than f have lost their memory: the chain waits, and nobody signs.
#[test]
fn two_wiped_validators_of_four_stop_the_chain() {
    let mut cluster = running(&[1; 4]);
    for id in [2, 3] {
        cluster.kill(id);
        cluster.wipe(id);
        cluster.start(id);
    }
    expect_halt(&mut cluster);
    assert!(!cluster.is_active(2) && !cluster.is_active(3));
}

/// Half of the power is with one: without it nothing goes, with it and one more everything.
#[test]
fn weights_decide_who_is_needed() {
    let mut cluster = running(&[6, 3, 2, 1]);
    cluster.kill(3);
    let before = cluster.checker.height();
    cluster.run_ms(3_000);
    assert!(cluster.checker.height() > before.plus(50));
    cluster.kill(0);
    expect_halt(&mut cluster);
    cluster.start(0);
    cluster.start(3);
    expect_progress_within(&mut cluster, 2_000);
}

#[test]
fn an_idle_chain_makes_a_block_per_interval_and_no_timeouts() {
    let mut cluster = running(&[1; 4]);
    cluster.idle = true;
    cluster.run_ms(3_000);
    let before = cluster.checker.height();
    (0..4).for_each(|id| cluster.processes[id].timeouts.clear());
    cluster.run_ms(20_000);
    let blocks = cluster.checker.height().since(before);
    assert!((35..=41).contains(&blocks), "{blocks} blocks in 20 s at an interval of 500 ms");
    assert!(cluster.processes.iter().all(|process| process.timeouts.is_empty()));
    assert!(cluster.lowest().plus(1) >= cluster.checker.height());
}
