//! A thousand subscribers that only listen: all are told of every block, and what waits for them is bounded.

#![allow(clippy::unwrap_used)]

mod rpc;

use logothete_node::devnet::process::own_resident_bytes;
use logothete_node::files;
use logothete_primitives::Height;
use serde_json::json;

use rpc::node::TestChain;
use rpc::socket::{SOON, Socket};

const SUBSCRIBERS: usize = 1_000;
/// Blocks that become final while nobody reads.
const UNREAD: u64 = 20;
/// Memory that one subscriber may take, in the node and in this test together.
const BYTES_EACH: u64 = 64 * 1024;

async fn reached(chain: &TestChain, height: Height) {
    let mut head = chain.service.head.clone();
    let reached = head.wait_for(|head| head.height >= height);
    tokio::time::timeout(6 * SOON, reached).await.unwrap().unwrap();
}

/// Reads until a block, each of which must be the next one.
async fn told_up_to(socket: &mut Socket, last: Height) {
    let mut next = None;
    loop {
        let event = socket.event().await;
        let height: u64 = event["position"].as_str().unwrap().parse().unwrap();
        if event["type"] == "block" {
            assert_eq!(next.unwrap_or(height), height, "{event}");
            next = Some(height + 1);
        }
        if height >= last.get() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_subscribers_are_told_of_every_block_and_hold_little() {
    files::allow(8_192).unwrap();
    let chain = TestChain::start().await;
    reached(&chain, Height::new(1)).await;
    let before = own_resident_bytes().unwrap();
    let mut sockets = Vec::with_capacity(SUBSCRIBERS);
    for _ in 0..SUBSCRIBERS {
        let mut socket = Socket::open(chain.address).await;
        socket.subscribe(json!({ "kind": "blocks" })).await;
        sockets.push(socket);
    }
    let last = chain.service.head().height.plus(UNREAD);
    reached(&chain, last).await;
    let held = own_resident_bytes().unwrap().saturating_sub(before);
    let each = held / u64::try_from(SUBSCRIBERS).unwrap();
    println!("{each} bytes for each subscriber that does not read");
    assert!(each < BYTES_EACH, "{each} bytes");
    for socket in &mut sockets {
        told_up_to(socket, last).await;
    }
    let listening = format!("logothete_rpc_subscriptions{{kind=\"blocks\"}} {SUBSCRIBERS}\n");
    assert!(chain.service.metrics.render().unwrap().contains(&listening));
    drop(sockets);
    chain.stop().await;
}
