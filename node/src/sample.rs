//! Gauges that are sampled, because nothing happens when they matter most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use logothete_consensus::Mode;
use logothete_ledger::store::disk_space;
use logothete_p2p::Role;
use tracing::debug;

use crate::metrics::SyncPhase;
use crate::service::Service;

/// Time between samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// Samples between two looks at the size of the database, which reads its files' sizes.
const SIZE_EVERY: u64 = 30;
/// A validator not heard voting for longer counts as missing.
const SILENCE: Duration = Duration::from_secs(10);

/// Samples as long as the node runs.
pub async fn run(service: Arc<Service>) {
    let mut interval = tokio::time::interval(INTERVAL);
    let mut fetched = 0;
    let mut last = Instant::now();
    for number in 0u64.. {
        interval.tick().await;
        sample(&service);
        let blocks = service.sync.borrow().blocks;
        service.metrics.sync.fetched(blocks.saturating_sub(fetched));
        fetched = blocks;
        let since = std::mem::replace(&mut last, Instant::now()).elapsed();
        let asked = service.clone();
        service.workers.read(move || sample_stall(&asked, since)).await;
        if number.is_multiple_of(SIZE_EVERY) {
            let asked = service.clone();
            service.workers.read(move || sample_sizes(&asked)).await;
        }
    }
}

/// Looks whether the database holds writers back, `since` the last look.
fn sample_stall(service: &Service, since: Duration) {
    match service.chain.store().is_write_stalled() {
        Ok(is_stalled) => service.metrics.store.write_stall(is_stalled.then_some(since)),
        Err(error) => debug!(event = "store.stall.unknown", %error),
    }
}

fn sample_sizes(service: &Service) {
    match service.chain.store().usage() {
        Ok(usage) => {
            for family in usage {
                service.metrics.store.family_bytes(family.family, family.disk_bytes);
            }
        }
        Err(error) => debug!(event = "store.usage.unknown", %error),
    }
    match disk_space(&service.config.paths.data) {
        Ok(space) => service.metrics.store.disk(space.free_bytes, space.total_bytes),
        // A simulated node has no directory.
        Err(error) => debug!(event = "store.disk.unknown", %error),
    }
}

fn sample(service: &Service) {
    let metrics = &service.metrics;
    let peers = service.network.peers();
    let validators = peers.iter().filter(|peer| peer.role == Role::Validator).count();
    metrics.network.peers(validators, peers.len() - validators);
    let set = &service.chain.genesis().validators;
    for peer in &peers {
        if let (Some(index), Some(rtt)) = (set.index_of(&peer.key), peer.rtt) {
            metrics.network.round_trip(index.get(), rtt);
        }
    }
    let status = service.consensus.borrow().clone();
    metrics.consensus.learner(matches!(status.mode, Mode::Learner { .. }));
    metrics.consensus.power(present_power(service), set.total_power(), set.quorum());
    let stats = service.mempool.stats();
    metrics.mempool.size(stats.count as u64, stats.bytes as u64, service.mempool.oldest());
    let sync = *service.sync.borrow();
    let remaining = sync.target.since(status.committed_height);
    let phase = if sync.active { SyncPhase::Fetching } else { SyncPhase::Synced };
    metrics.sync.progress(phase, if sync.active { remaining } else { 0 });
}

/// Voting power of the validators that were heard lately, our own included.
fn present_power(service: &Service) -> u64 {
    let votes = service.votes.borrow().clone();
    let own = service.consensus.borrow().index;
    let now = Duration::from_millis(service.clock.unix_ms());
    let set = &service.chain.genesis().validators;
    set.iter()
        .filter(|(index, _)| {
            let seen = votes.last_seen_ms.get(index.as_usize()).copied().unwrap_or(0);
            Some(*index) == own || now.saturating_sub(Duration::from_millis(seen)) < SILENCE
        })
        .map(|(_, validator)| validator.power)
        .sum()
}
