//! How fast clusters go on: after the network heals, and when a leader is dead. Times are virtual, so they are exact.
//!
//! `cargo test --release -p logothete-consensus --test liveness -- --nocapture` prints the figures.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use logothete_primitives::{ValidatorIndex, View};

use support::adversary::Misdeed;
use support::cluster::Cluster;
use support::faults::Faults;

const SEEDS: u64 = 300;
const SILENT: ValidatorIndex = ValidatorIndex::new(3);

/// The highest view of any process that runs.
fn highest_view(cluster: &Cluster) -> View {
    let replicas = cluster.processes.iter().filter_map(|process| process.replica.as_ref());
    replicas.map(|replica| replica.status().view).max().unwrap()
}

/// From the first view with an honest leader that begins after the network healed, to the first view of a later block
/// that becomes final.
fn views_to_a_commit(seed: u64) -> u64 {
    let mut cluster = Cluster::new(seed, &[1; 4], Faults::CHAOS);
    cluster.busy = true;
    cluster.corrupt(SILENT, Misdeed::SilentLeader);
    cluster.run_ms(5_000);
    cluster.heal();
    let healed = highest_view(&cluster);
    let mut first = None;
    for _ in 0..20_000 {
        cluster.run_ms(1);
        for id in cluster.honest().collect::<Vec<_>>() {
            let Some(replica) = &cluster.processes[id].replica else { continue };
            let status = replica.status();
            let honest = status.leader.is_some_and(|leader| leader != SILENT);
            if status.view > healed && honest {
                first.get_or_insert(status.view);
            }
            if let Some(first) = first.filter(|first| status.committed_view >= *first) {
                return status.committed_view.get() - first.get();
            }
        }
    }
    panic!("seed {seed}: nothing became final\n{}", cluster.describe());
}

#[test]
fn after_healing_a_block_is_final_within_two_views_of_the_first_honest_leader() {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let views = views_to_a_commit(seed);
        assert!(views <= 2, "seed {seed}: {views} views after the first honest leader");
        *seen.entry(views).or_default() += 1;
    }
    println!(
        "healed: views from the first honest leader to a final block, and how often: {seen:?}"
    );
}

#[test]
fn a_dead_leader_costs_its_timeout_and_at_most_three_delays() {
    const DELAY: Duration = Duration::from_millis(10);
    let delay = u64::try_from(DELAY.as_micros()).unwrap();
    let (mut longest, mut dead_views) = (Duration::ZERO, 0);
    for seed in 0..SEEDS {
        let faults = Faults { delay: (delay, delay), ..Faults::NONE };
        let mut cluster = Cluster::new(seed, &[1; 4], faults);
        cluster.busy = true;
        cluster.run_ms(1_000 + seed);
        let dead = usize::try_from(seed % 4).unwrap();
        cluster.kill(dead);
        cluster.run_ms(4_000);
        let timeout = cluster.config.timeout_base;
        for (_, process) in cluster.processes.iter().enumerate().filter(|(id, _)| *id != dead) {
            let times: Vec<Duration> = process.entered.values().copied().collect();
            for pair in times.windows(2).filter(|pair| pair[1] - pair[0] >= timeout) {
                dead_views += 1;
                longest = longest.max(pair[1] - pair[0] - timeout);
            }
        }
    }
    println!(
        "dead leader: {dead_views} views, at most {longest:?} after the timeout; a message takes {DELAY:?}"
    );
    assert!(dead_views >= SEEDS, "each dead leader was waited for");
    assert!(longest <= 3 * DELAY, "{longest:?} after the timeout");
}
