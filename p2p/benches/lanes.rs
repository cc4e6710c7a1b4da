//! What the lanes cost: one JSON object a line.
//!
//! `broadcast`: 1 KiB from one to three others, until two of them (with the sender, a quorum) have
//! it; `throughput`: frames of 64 KiB from one to one other. All nodes share this process, so the
//! CPU time is that of both ends. Run it with `cargo bench -p logothete-p2p`.

#![allow(clippy::unwrap_used)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use logothete_p2p::{Bytes, Config, Inbound, Lane, Network, NetworkTask, Role, SendError};
use logothete_primitives::{BlockHash, ChainId, Digest, PublicKey, SecretKey};
use rustix::time::{ClockId, clock_gettime};

const NODES: u8 = 4;
const WARM_UP: usize = 500;
const BROADCASTS: usize = 5_000;
const BURST: usize = 20_000;
const THROUGHPUT_FRAMES: usize = 8 * 1024;

struct Node {
    key: PublicKey,
    network: Arc<dyn Network>,
    inbound: Inbound,
    _task: NetworkTask,
}

fn secret(n: u8) -> SecretKey {
    SecretKey::from_seed([n + 1; 32])
}

async fn start(n: u8, first: Option<&Node>) -> Node {
    let chain = ChainId::new(Digest::new([1; 32]));
    let validators = (0..NODES).map(|n| secret(n).public()).collect();
    let mut config = Config::new(chain, BlockHash::ZERO, validators, Role::Validator);
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    config.bootstrap =
        first.map(|node| node.network.listening()[0].clone().into()).into_iter().collect();
    let (network, inbound, task) = logothete_p2p::start(&secret(n), config).await.unwrap();
    Node { key: secret(n).public(), network, inbound, _task: task }
}

async fn nodes() -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for n in 0..NODES {
        nodes.push(start(n, nodes.first()).await);
    }
    while nodes.iter().any(|node| node.network.peers().len() < usize::from(NODES) - 1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nodes
}

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(now.tv_nsec).unwrap();
    Duration::new(u64::try_from(now.tv_sec).unwrap(), nanos)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// One broadcast after the other: latency and CPU time.
async fn broadcast(nodes: &mut [Node]) {
    let (sender, receivers) = nodes.split_first_mut().unwrap();
    let frame = Bytes::from(vec![7; 1024]);
    let mut latencies = Vec::new();
    let mut cpu_before = cpu();
    for round in 0..WARM_UP + BROADCASTS {
        if round == WARM_UP {
            cpu_before = cpu();
        }
        let begun = Instant::now();
        for receiver in receivers.iter() {
            sender.network.send(&receiver.key, Lane::Consensus, frame.clone()).unwrap();
        }
        let mut arrivals = futures::future::join_all(receivers.iter_mut().map(async |receiver| {
            receiver.inbound.consensus.recv().await.unwrap();
            begun.elapsed()
        }))
        .await;
        arrivals.sort_unstable();
        if round >= WARM_UP {
            latencies.push(arrivals[1]);
        }
    }
    let spent = (cpu() - cpu_before) / u32::try_from(BROADCASTS).unwrap();
    latencies.sort_unstable();
    println!(
        "{{\"bench\":\"broadcast\",\"bytes\":1024,\"nodes\":{NODES},\"p50_us\":{:.0},\"p99_us\":{:.0},\"cpu_us_per_broadcast\":{:.1}}}",
        micros(latencies[BROADCASTS / 2]),
        micros(latencies[BROADCASTS * 99 / 100]),
        micros(spent),
    );
}

/// As many small frames as the lane takes: CPU time per frame when wake-ups are shared.
async fn burst(nodes: &mut [Node]) {
    let frame = Bytes::from(vec![7; 1024]);
    let (cpu_before, begun) = (cpu(), Instant::now());
    pour(nodes, Lane::Consensus, &frame, BURST).await;
    println!(
        "{{\"bench\":\"burst\",\"bytes\":1024,\"frames\":{BURST},\"frames_per_second\":{:.0},\"cpu_us_per_frame\":{:.2}}}",
        BURST as f64 / begun.elapsed().as_secs_f64(),
        micros(cpu() - cpu_before) / BURST as f64,
    );
}

async fn throughput(nodes: &mut [Node]) {
    let frame = Bytes::from(vec![7; 64 * 1024]);
    let gigabytes = (THROUGHPUT_FRAMES * frame.len()) as f64 / 1e9;
    let (cpu_before, begun) = (cpu(), Instant::now());
    pour(nodes, Lane::Batches, &frame, THROUGHPUT_FRAMES).await;
    println!(
        "{{\"bench\":\"throughput\",\"bytes\":65536,\"megabytes_per_second\":{:.0},\"cpu_s_per_gigabyte\":{:.2}}}",
        1e3 * gigabytes / begun.elapsed().as_secs_f64(),
        (cpu() - cpu_before).as_secs_f64() / gigabytes,
    );
}

async fn pour(nodes: &mut [Node], lane: Lane, frame: &Bytes, frames: usize) {
    let [sender, receiver, ..] = nodes else { unreachable!() };
    let inbound = match lane {
        Lane::Consensus => &mut receiver.inbound.consensus,
        _ => &mut receiver.inbound.batches,
    };
    let sending = async {
        for _ in 0..frames {
            while let Err(error) = sender.network.send(&receiver.key, lane, frame.clone()) {
                assert_eq!(error, SendError::LaneFull(lane));
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
    };
    let receiving = async {
        for _ in 0..frames {
            inbound.recv().await.unwrap();
        }
    };
    futures::join!(sending, receiving);
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut nodes = nodes().await;
        broadcast(&mut nodes).await;
        burst(&mut nodes).await;
        throughput(&mut nodes).await;
    });
}
