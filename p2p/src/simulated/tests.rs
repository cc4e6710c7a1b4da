//! What only the twin can do: seeds, loss, partitions. The rest is in `tests/suite`.

#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use logothete_primitives::{
    hash::Digest,
    identifiers::{BlockHash, ChainId},
    keys::PublicKey,
};
use tokio::time::{Instant, timeout};

use super::*;
use crate::{
    Config, DisconnectReason, Inbound, Lane, Network, PeerEvent, PeerFault, Role, SendError,
};

const SOON: Duration = Duration::from_secs(60);

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes([n; 32])
}

fn config(validators: u8) -> Config {
    let chain = ChainId::new(Digest::new([1; 32]));
    let validators = (0..validators).map(key).collect();
    Config::new(chain, BlockHash::ZERO, validators, Role::Validator)
}

type Member = (Arc<dyn Network>, Inbound);

fn cluster(seed: u64, link: LinkConfig, n: u8) -> (SimulatedNet, Vec<Member>) {
    let net = SimulatedNet::new(seed, link);
    let members = (0..n).map(|i| net.join(key(i), config(n))).collect();
    (net, members)
}

async fn wait_for(events: &mut Inbound, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
    let found = async {
        loop {
            let event = events.peers.recv().await.unwrap();
            if wanted(&event) {
                return event;
            }
        }
    };
    timeout(SOON, found).await.unwrap()
}

/// Every node sends to every other; returns who got what from whom, and when.
async fn course(seed: u64) -> Vec<(usize, PublicKey, Bytes, Duration)> {
    let link = LinkConfig {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(20),
        loss: 0.1,
    };
    let start = Instant::now();
    let (_net, mut members) = cluster(seed, link, 4);
    for round in 0..20u8 {
        for (i, (network, _)) in members.iter().enumerate() {
            for peer in (0..4).filter(|p| usize::from(*p) != i) {
                let lane = if round % 2 == 0 { Lane::Consensus } else { Lane::Batches };
                network.send(&key(peer), lane, Bytes::from(vec![round])).unwrap();
            }
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let mut course = Vec::new();
    let mut receivers = futures::stream::FuturesUnordered::new();
    for (i, (_, inbound)) in members.iter_mut().enumerate() {
        receivers.push(async move {
            let mut got = Vec::new();
            while let Ok(Some((from, bytes))) = timeout(SOON, inbound.consensus.recv()).await {
                got.push((i, from, bytes, start.elapsed()));
            }
            got
        });
    }
    while let Some(got) = futures::StreamExt::next(&mut receivers).await {
        course.extend(got);
    }
    course
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_course_of_events() {
    let (first, again, other) = (course(1).await, course(1).await, course(2).await);
    assert!(first.len() > 50 && first.len() < 120, "some frames are lost: {}", first.len());
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test(start_paused = true)]
async fn delay_passes_in_simulated_time_and_lanes_stay_in_order() {
    let link = LinkConfig {
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(100),
        loss: 0.0,
    };
    let (_net, mut members) = cluster(3, link, 2);
    let start = Instant::now();
    for n in 0..100u8 {
        members[0].0.send(&key(1), Lane::Consensus, Bytes::from(vec![n])).unwrap();
    }
    for n in 0..100u8 {
        assert_eq!(members[1].1.consensus.recv().await.unwrap(), (key(0), Bytes::from(vec![n])));
    }
    let elapsed = start.elapsed();
    assert!(elapsed >= link.delay && elapsed <= link.delay + link.jitter + link.delay / 10);
}

#[tokio::test(start_paused = true)]
async fn a_partition_disconnects_and_healing_connects_again() {
    let (net, mut members) = cluster(4, LinkConfig::default(), 4);
    let pending = members[0].0.request(&key(3), Bytes::from_static(b"?"));
    net.partition(&[&[key(0), key(1)], &[key(2), key(3)]]);
    let event = wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Disconnected { .. })).await;
    let PeerEvent::Disconnected { reason, .. } = event else { unreachable!() };
    assert!(matches!(reason, DisconnectReason::Transport(_)));
    assert!(pending.await.is_err());
    tokio::time::sleep(Duration::from_millis(10)).await;
    let keys = |member: &Member| member.0.peers().iter().map(|p| p.key).collect::<Vec<_>>();
    assert_eq!(keys(&members[0]), [key(1)]);
    assert_eq!(keys(&members[3]), [key(2)]);
    let sent = members[0].0.send(&key(2), Lane::Consensus, Bytes::new());
    assert_eq!(sent, Err(SendError::NotConnected));

    net.heal();
    wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Connected(p) if p.key == key(3))).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(members[0].0.peers().len(), 3);
    members[0].0.send(&key(3), Lane::Consensus, Bytes::from_static(b"again")).unwrap();
    assert_eq!(members[3].1.consensus.recv().await.unwrap().1, "again");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_again_replaces_its_former_run() {
    let (net, mut members) = cluster(5, LinkConfig::default(), 2);
    let (again, mut inbound) = net.join(key(1), config(2));
    wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Disconnected { .. })).await;
    wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Connected(_))).await;
    assert_eq!(again.peers().len(), 1);
    members[0].0.send(&key(1), Lane::Batches, Bytes::from_static(b"new run")).unwrap();
    assert_eq!(inbound.batches.recv().await.unwrap().1, "new run");
    assert!(members[1].0.peers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_validator_with_a_bad_score_comes_back_by_itself() {
    let (_net, mut members) = cluster(6, LinkConfig::default(), 2);
    for _ in 0..100 {
        members[0].0.report(&key(1), PeerFault::Slow);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(members[0].0.peers().len(), 1, "a slow validator is still a validator");
    members[0].0.report(&key(1), PeerFault::Invalid);
    members[0].0.report(&key(1), PeerFault::Invalid);
    let event = wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Disconnected { .. })).await;
    let PeerEvent::Disconnected { reason, .. } = event else { unreachable!() };
    assert_eq!(reason, DisconnectReason::Faulty(PeerFault::Invalid));
    assert_eq!(members[0].0.banned().len(), 1);
    let start = Instant::now();
    wait_for(&mut members[0].1, |e| matches!(e, PeerEvent::Connected(_))).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(members[0].0.banned().is_empty());
}
