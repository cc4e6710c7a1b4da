//! Traces reach a collector that speaks OTLP over HTTP.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use logothete_node::rpc::Limits;
use logothete_primitives::Amount;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use rpc::node::{TestChain, account};
use rpc::socket::SOON;

/// Takes what a collector would, and says where.
async fn collector() -> (String, mpsc::Receiver<Value>) {
    async fn take(
        told: State<mpsc::Sender<Value>>,
        headers: HeaderMap,
        body: String,
    ) -> &'static str {
        assert_eq!(headers["content-type"], "application/json");
        told.send(serde_json::from_str(&body).unwrap()).await.unwrap();
        "{}"
    }
    let (sender, told) = mpsc::channel(64);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/traces", post(take)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, told)
}

/// The spans of a transaction, as they come, until there are so many.
async fn spans_of(told: &mut mpsc::Receiver<Value>, hash: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < count {
        let request = tokio::time::timeout(SOON, told.recv()).await.unwrap().unwrap();
        let resource = &request["resourceSpans"][0];
        assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "logothete");
        assert_eq!(resource["resource"]["attributes"][1]["value"]["stringValue"], "v0");
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap().clone();
        found.extend(spans.into_iter().filter(|span| span["traceId"] == hash[..32]));
    }
    found
}

fn nanos(span: &Value, name: &str) -> u128 {
    span[name].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_the_way_of_a_transaction() {
    let (url, mut told) = collector().await;
    let chain = TestChain::start_traced(Limits::default(), Some(url)).await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(5)).await;
    let place = chain.settle(&tx).await;
    let hash = tx.hash().to_string();
    let spans = spans_of(&mut told, &hash, 4).await;
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let root = named("transaction");
    assert_eq!((&root["kind"], &root["parentSpanId"]), (&2.into(), &"".into()));
    assert_eq!(root["attributes"][0]["value"]["stringValue"], hash);
    assert_eq!(root["attributes"][1]["value"]["intValue"], place.height.to_string());
    let (began, ended) = (nanos(root, "startTimeUnixNano"), nanos(root, "endTimeUnixNano"));
    assert!(ended - began < SOON.as_nanos() + Duration::from_secs(1).as_nanos());
    let mut before = began;
    for name in ["admit", "order", "execute"] {
        let part = named(name);
        assert_eq!(part["parentSpanId"], root["spanId"], "{name}");
        assert!(nanos(part, "startTimeUnixNano") >= before, "{name}");
        before = nanos(part, "startTimeUnixNano");
        assert!(nanos(part, "endTimeUnixNano") <= ended, "{name}");
    }
    chain.stop().await;
}
