//! What a leader that is down costs: at most one timeout per turn of its own, and few turns.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use logothete_primitives::View;
use support::cluster::Cluster;
use support::faults::Faults;

/// R6, R7, leader election.
#[test]
fn a_leader_that_is_down_costs_one_timeout_per_turn_and_is_skipped() {
    for (powers, down) in [(vec![1; 4], vec![3]), (vec![1; 7], vec![2, 5])] {
        let mut cluster = Cluster::new(1, &powers, Faults::NONE);
        cluster.busy = true;
        cluster.run_ms(2_000);
        for id in &down {
            cluster.kill(*id);
        }
        cluster.processes[0].timeouts.clear();
        let (from, before) = (cluster.committed(0), view(&cluster));
        cluster.run_ms(20_000);
        let sent = &cluster.processes[0].timeouts;
        let lost: BTreeSet<View> = sent.iter().copied().collect();
        let views = view(&cluster).since(before);
        let blocks = cluster.committed(0).since(from);
        let turns = views * down.len() as u64 / powers.len() as u64;
        println!(
            "{} of {} down for 20 s: {views} views, {turns} turns of theirs, {} lost to a timeout of \
             400 ms, {blocks} blocks",
            down.len(),
            powers.len(),
            lost.len()
        );
        assert!(blocks > 500);
        assert_eq!(sent.len(), lost.len(), "one timeout per lost view, and it was enough");
        // 64, 128, 256 … turns are skipped after each failure, and forgotten after 8192 views.
        let periods = views / 8000 + 2;
        assert!(lost.len() as u64 <= periods * 6 * down.len() as u64, "{lost:?}");
    }
}

fn view(cluster: &Cluster) -> View {
    cluster.processes[0].replica.as_ref().unwrap().status().view
}
