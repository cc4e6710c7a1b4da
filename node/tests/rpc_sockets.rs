//! Subscriptions at their edges: limits, slow and hostile clients, what ends them.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::time::{Duration, Instant};

use futures::SinkExt;
use logothete_node::rpc::Limits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use rpc::fake::{Running, TXS_PER_EVENT, start, start_with};
use rpc::socket::{SOON, Socket};

/// More than the buffers of the system between two sockets of one machine.
const BUFFERS: u64 = 48 * 1024 * 1024;

async fn metrics(running: &Running) -> String {
    running.http.get(running.url("/metrics")).send().await.unwrap().text().await.unwrap()
}

fn code(answer: &Value) -> &str {
    assert!(answer["error"]["data"]["hint"].is_string(), "{answer}");
    answer["error"]["data"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn calls_and_subscriptions_share_a_socket() {
    let running = start().await;
    let mut socket = Socket::open(running.address).await;
    let name = socket.subscribe(json!({ "kind": "consensus" })).await;
    assert_eq!(socket.call("mempool_stats", json!({})).await["result"]["count"], 7);
    socket.send("[]".to_owned()).await;
    assert_eq!(code(&socket.json().await), "INVALID_REQUEST");
    socket.send("{".to_owned()).await;
    assert_eq!(code(&socket.json().await), "PARSE_ERROR");
    let ended = socket.call("unsubscribe", json!({ "subscription": name })).await;
    assert_eq!(ended["result"]["ended"], true);
    let again = socket.call("unsubscribe", json!({ "subscription": name })).await;
    assert_eq!(again["result"]["ended"], false);
    let batch = json!([{ "jsonrpc": "2.0", "id": 1, "method": "subscribe" }]);
    socket.send(batch.to_string()).await;
    assert_eq!(code(&socket.json().await[0]), "INVALID_REQUEST");
    let text = metrics(&running).await;
    assert!(text.contains("logothete_rpc_subscriptions{kind=\"consensus\"} 0"), "{text}");
}

#[tokio::test]
async fn a_wish_that_cannot_be_granted_is_refused_and_takes_no_room() {
    let running = start().await;
    let mut socket = Socket::open(running.address).await;
    for (wish, expected) in [
        (json!({}), "INVALID_PARAMS"),
        (json!({ "kind": "records" }), "INVALID_PARAMS"),
        (json!({ "kind": "blocks", "from": "1" }), "INVALID_PARAMS"),
        (json!({ "kind": "blocks", "from_height": 1 }), "INVALID_PARAMS"),
        (json!({ "kind": "account" }), "PRUNED"),
    ] {
        assert_eq!(code(&socket.call("subscribe", wish).await), expected);
    }
    let text = metrics(&running).await;
    assert!(text.contains("logothete_rpc_subscriptions{kind=\"account\"} 0"), "{text}");
}

/// A reader that does not read: nothing is made for it that it has no room for.
#[tokio::test]
async fn an_unread_subscription_holds_little_and_is_let_go() {
    let limits = Limits { write_time: Duration::from_millis(500), ..Limits::default() };
    let running = start_with(limits).await;
    let mut socket = Socket::open(running.address).await;
    socket.subscribe(json!({ "kind": "txs" })).await;
    let fake = running.dispatcher.api();
    tokio::time::timeout(SOON, fake.dropped.notified()).await.expect("it is let go");
    let made = fake.made.load(std::sync::atomic::Ordering::Relaxed);
    let bytes = made * u64::try_from(TXS_PER_EVENT).unwrap() * 100;
    println!("{made} events were made for a reader that took none: about {bytes} bytes");
    assert!(made > 0 && bytes < BUFFERS, "{made} events");
    // The node answers others meanwhile and after.
    let mut other = Socket::open(running.address).await;
    assert_eq!(other.call("mempool_stats", json!({})).await["result"]["count"], 7);
}

#[tokio::test]
async fn a_lagging_subscriber_is_told_and_keeps_its_connection() {
    let running = start().await;
    let mut socket = Socket::open(running.address).await;
    let name = socket.subscribe(json!({ "kind": "blocks" })).await;
    for height in 1..=3 {
        assert_eq!(socket.event().await["position"], height.to_string());
    }
    let lagged = socket.event().await;
    assert_eq!(lagged, json!({ "type": "lagged", "resume_from": "99" }));
    let ended = socket.call("unsubscribe", json!({ "subscription": name })).await;
    assert_eq!(ended["result"]["ended"], false, "it ended with what it was told");
}

#[tokio::test]
async fn a_subscription_that_fails_ends_the_connection_so_that_it_is_resumed() {
    let running = start().await;
    let mut socket = Socket::open(running.address).await;
    socket.subscribe(json!({ "kind": "validators" })).await;
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1011);
}

#[tokio::test]
async fn subscriptions_and_sockets_are_bounded() {
    let limits =
        Limits { sockets: 2, subscriptions: 3, socket_subscriptions: 2, ..Limits::default() };
    let running = start_with(limits).await;
    let wish = || json!({ "kind": "consensus" });
    let mut first = Socket::open(running.address).await;
    first.subscribe(wish()).await;
    let name = first.subscribe(wish()).await;
    assert_eq!(code(&first.call("subscribe", wish()).await), "LIMIT");
    let mut second = Socket::open(running.address).await;
    second.subscribe(wish()).await;
    let refused = second.call("subscribe", wish()).await;
    assert_eq!(code(&refused), "LIMIT");
    assert!(refused["error"]["data"]["retry_after_ms"].is_number());
    let stream = running.http.get(running.url("/events/consensus")).send().await.unwrap();
    assert_eq!(stream.status(), 503);
    let Err(Error::Http(third)) = Socket::try_open(running.address).await else {
        panic!("a third socket was opened");
    };
    assert_eq!(third.status(), 503);
    // What was given back is there for others.
    first.call("unsubscribe", json!({ "subscription": name })).await;
    second.subscribe(wish()).await;
}

#[tokio::test]
async fn large_and_binary_messages_end_the_connection() {
    let limits = Limits { message_bytes: 1_000, ..Limits::default() };
    let running = start_with(limits).await;
    let mut socket = Socket::open(running.address).await;
    let long = "x".repeat(2_000);
    // The server may hang up while the rest is on its way.
    let _ = socket.stream.send(Message::text(long)).await;
    assert!(socket.closed().await.is_none_or(|frame| u16::from(frame.code) == 1009));
    let mut socket = Socket::open(running.address).await;
    socket.stream.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1003);
}

/// The head of a request for a WebSocket.
fn upgrade(host: &str, more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_let_go() {
    let limits = Limits {
        ping_time: Duration::from_millis(50),
        silent_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = start_with(limits).await;
    let started = Instant::now();
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(upgrade("localhost", "").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = client.read_to_end(&mut answer);
    tokio::time::timeout(SOON, read).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    assert!(started.elapsed() >= Duration::from_millis(200), "not before its time");
    // One that answers stays: its library does so while it waits for an event.
    let mut socket = Socket::open(running.address).await;
    socket.subscribe(json!({ "kind": "consensus" })).await;
    let waited = tokio::time::timeout(Duration::from_millis(600), socket.json()).await;
    assert!(waited.is_err(), "nothing is told, and nothing ends");
    assert_eq!(socket.call("mempool_stats", json!({})).await["result"]["count"], 7);
}

#[tokio::test]
async fn a_strange_host_or_origin_is_refused() {
    let running = start().await;
    for (host, more, status) in [
        ("evil.example", "", "403"),
        ("localhost", "origin: https://evil.example\r\n", "403"),
        ("localhost", "origin: https://wallet.example\r\n", "101"),
        ("node.example", "", "101"),
    ] {
        let mut client = TcpStream::connect(running.address).await.unwrap();
        client.write_all(upgrade(host, more).as_bytes()).await.unwrap();
        let mut head = [0; 12];
        client.read_exact(&mut head).await.unwrap();
        assert_eq!(std::str::from_utf8(&head[9..]).unwrap(), status, "{host} {more}");
    }
    let strange = running.http.get(running.url("/events/blocks")).header("host", "evil.example");
    assert_eq!(strange.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn streams_that_cannot_be_granted_have_a_status() {
    let running = start().await;
    for (path, status) in [
        ("/events/records", 404),
        ("/events/blocks?from=1", 400),
        ("/events/blocks?from_height=-1", 400),
        ("/events/account", 410),
    ] {
        let answer = running.http.get(running.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        code(&answer);
    }
}

#[tokio::test]
async fn a_node_that_stops_says_so_and_waits_for_nobody() {
    let running = start().await;
    let mut quiet = Socket::open(running.address).await;
    quiet.subscribe(json!({ "kind": "consensus" })).await;
    let mut busy = Socket::open(running.address).await;
    busy.subscribe(json!({ "kind": "txs" })).await;
    let stream = running.http.get(running.url("/events/consensus")).send().await.unwrap();
    running.stop.cancel();
    assert_eq!(u16::from(quiet.closed().await.unwrap().code), 1001);
    assert_eq!(stream.bytes().await.unwrap().len(), 0, "it ends as it should");
    tokio::time::timeout(SOON, running.server).await.unwrap().unwrap();
}
