//! The RPC server at its edges: HTTP, JSON-RPC envelopes, limits, slow and hostile clients.
//!
//! An interface of a few invented behaviours stands behind it; the methods themselves are tested in
//! `rpc_methods.rs`.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::time::{Duration, Instant};

use logothete_node::rpc::{Limits, Visitor};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use rpc::fake::{Running, start, start_with};

/// What a call is answered: the status and the JSON of the body.
async fn post(running: &Running, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let answer = running
        .http
        .post(running.url("/rpc"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

async fn call(running: &Running, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (status, answer) = post(running, body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    answer
}

/// Number and name of an error, which must carry a hint.
fn code(answer: &Value) -> (i64, String) {
    let error = &answer["error"];
    assert!(error["data"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{answer}");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    let name = error["data"]["code"].as_str().unwrap().to_owned();
    (error["code"].as_i64().unwrap(), name)
}

#[track_caller]
fn assert_code(answer: &Value, number: i64, name: &str) {
    assert_eq!(code(answer), (number, name.to_owned()), "{answer}");
}

#[tokio::test]
async fn a_call_is_answered_with_its_id() {
    let running = start().await;
    let body = r#"{"jsonrpc":"2.0","id":"abc","method":"mempool_stats"}"#;
    let (status, answer) = post(&running, body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["id"], "abc");
    assert_eq!(answer["result"]["count"], 7);
    assert_eq!(answer["result"]["bytes"], "18446744073709551615");
}

#[tokio::test]
async fn malformed_json_is_a_parse_error() {
    let running = start().await;
    for body in ["{", "", "{\"jsonrpc\":", "[1,2", "\u{0}"] {
        let (status, answer) = post(&running, body).await;
        assert_eq!(status, StatusCode::OK);
        assert_code(&answer, -32700, "PARSE_ERROR");
        assert_eq!(answer["id"], Value::Null);
    }
    let (_, answer) = post(&running, vec![0xff, 0xfe]).await;
    assert_code(&answer, -32700, "PARSE_ERROR");
}

#[tokio::test]
async fn a_broken_envelope_is_an_invalid_request() {
    let running = start().await;
    for body in ["1", "{}", "[]", r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#] {
        let (_, answer) = post(&running, body).await;
        assert_code(&answer, -32600, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn an_unknown_method_is_refused_with_the_nearest_name() {
    let running = start().await;
    let answer = call(&running, "mempol_stats", json!({})).await;
    assert_code(&answer, -32601, "METHOD_NOT_FOUND");
    assert!(answer["error"]["data"]["hint"].as_str().unwrap().contains("mempool_stats"));
    let answer = call(&running, "eth_getBalance", json!({})).await;
    assert_code(&answer, -32601, "METHOD_NOT_FOUND");
}

#[tokio::test]
async fn an_unknown_or_bad_parameter_is_refused_by_name() {
    let running = start().await;
    let answer = call(&running, "block_get", json!({ "heigth": "5" })).await;
    assert_code(&answer, -32602, "INVALID_PARAMS");
    assert!(answer["error"]["data"]["hint"].as_str().unwrap().contains("height"), "{answer}");
    for (method, params, word) in [
        ("block_get", json!({ "height": "12x" }), "height: \"12x\": not a decimal"),
        ("block_get", json!({ "hash": "zz" }), "hash: \"zz\": expected 64 hex"),
        ("tx_status", json!({ "hash": "0x12" }), "hex"),
        ("tx_status", json!({}), "hash"),
        ("account_get", json!({ "address": "lgt1qqqq" }), "checksum"),
        ("account_get", json!({ "address": 5 }), "address: 5: invalid type"),
        ("tx_submit", json!({ "tx": "ABCD" }), "tx: \"abcd\": hex must be lowercase"),
        ("tx_submit", json!({ "tx": "abc" }), "tx: \"abc\": not hex"),
    ] {
        let answer = call(&running, method, params).await;
        assert_code(&answer, -32602, "INVALID_PARAMS");
        let message = answer["error"]["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(word), "{method}: {message}");
    }
}

#[tokio::test]
async fn parameters_may_come_by_position() {
    let running = start().await;
    let answer = call(&running, "tx_wait", json!(["00".repeat(32), 5])).await;
    assert_eq!(answer["result"]["status"]["state"], "pending", "{answer}");
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_notifications_are_not() {
    let running = start().await;
    let body = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "mempool_stats" },
        { "jsonrpc": "2.0", "method": "mempool_stats" },
        { "jsonrpc": "2.0", "id": 2, "method": "nothing" },
        17,
        { "jsonrpc": "2.0", "id": 3, "method": "chain_info" },
    ]);
    let (_, answer) = post(&running, body.to_string()).await;
    let answers = answer.as_array().unwrap();
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2), &Value::Null, &json!(3)]);
    assert_eq!(answers[0]["result"]["count"], 7);
    assert_code(&answers[1], -32601, "METHOD_NOT_FOUND");
    assert_code(&answers[2], -32600, "INVALID_REQUEST");
    assert_code(&answers[3], -32001, "NOT_FOUND");
}

#[tokio::test]
async fn only_notifications_get_no_content() {
    let running = start().await;
    let one = r#"{"jsonrpc":"2.0","method":"mempool_stats"}"#;
    for body in [one.to_owned(), format!("[{one},{one}]")] {
        assert_eq!(post(&running, body).await, (StatusCode::NO_CONTENT, Value::Null));
    }
}

#[tokio::test]
async fn a_batch_beyond_the_limit_is_refused_whole() {
    let running = start().await;
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "mempool_stats" });
    let (_, answer) = post(&running, json!(vec![one; 101]).to_string()).await;
    assert_code(&answer, -32009, "TOO_LARGE");
    assert_eq!(answer["error"]["data"]["limit"], "100");
}

#[tokio::test]
async fn a_deep_or_crowded_body_is_refused_before_it_is_built() {
    let running = start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let crowded = format!("[{}0]", "0,".repeat(500_000));
    for body in [deep, crowded] {
        let (_, answer) = post(&running, body).await;
        assert_code(&answer, -32009, "TOO_LARGE");
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_announced_or_not() {
    let limits = Limits { body_bytes: 10_000, ..Limits::default() };
    let running = start_with(limits).await;
    let (status, answer) = post(&running, vec![b' '; 10_001]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_code(&answer, -32009, "TOO_LARGE");

    let mut client = TcpStream::connect(running.address).await.unwrap();
    let head = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    for _ in 0..3 {
        client.write_all(chunk.as_bytes()).await.unwrap();
    }
    let mut answer = vec![0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let limits = Limits { bodies_bytes: 8 * 1024, ..Limits::default() };
    let running = start_with(limits).await;
    let (status, answer) = post(&running, vec![b' '; 9 * 1024]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_code(&answer, -32005, "LIMIT");
    assert!(answer["error"]["data"]["retry_after_ms"].as_u64().is_some());
    let (status, _) = post(&running, vec![b' '; 7 * 1024]).await;
    assert_eq!(status, StatusCode::OK, "room that was taken is given back");
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_an_error() {
    let limits = Limits { response_bytes: 100, ..Limits::default() };
    let running = start_with(limits).await;
    let answer = call(&running, "mempool_stats", json!({})).await;
    assert_code(&answer, -32009, "TOO_LARGE");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let limits = Limits { call_time: Duration::from_millis(50), ..Limits::default() };
    let running = start_with(limits).await;
    let answer = call(&running, "node_status", json!({})).await;
    assert_code(&answer, -32005, "LIMIT");
    assert!(answer["error"]["data"]["retry_after_ms"].as_u64().is_some());
}

#[tokio::test]
async fn calls_beyond_the_limit_are_told_to_come_back_and_waits_do_not_count() {
    let limits = Limits { calls: 1, waits: 1, ..Limits::default() };
    let running = start_with(limits).await;
    let slow = call(&running, "node_status", json!({}));
    let quick = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let busy = call(&running, "mempool_stats", json!({})).await;
        let wait = call(&running, "tx_wait", json!({ "hash": "00".repeat(32) })).await;
        (busy, wait)
    };
    let (slow, (busy, wait)) = tokio::join!(slow, quick);
    assert_code(&slow, -32603, "INTERNAL");
    assert_code(&busy, -32005, "LIMIT");
    assert_eq!(wait["result"]["status"]["state"], "pending");
}

#[tokio::test]
async fn a_panic_in_a_method_is_an_internal_error_and_nothing_more() {
    let running = start().await;
    let answer = call(&running, "consensus_state", json!({})).await;
    assert_code(&answer, -32603, "INTERNAL");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    assert_eq!(call(&running, "mempool_stats", json!({})).await["result"]["count"], 7);
}

#[tokio::test]
async fn a_stopping_node_says_so_and_finishes_what_is_under_way() {
    let running = start().await;
    let answers = async {
        let slow = call(&running, "node_status", json!({}));
        tokio::pin!(slow);
        let early = tokio::time::timeout(Duration::from_millis(100), slow.as_mut()).await;
        assert!(early.is_err(), "still under way");
        running.stop.cancel();
        slow.await
    };
    assert_code(&answers.await, -32603, "INTERNAL");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"mempool_stats"}"#;
    let answer = running.dispatcher.answer(body.as_bytes(), &Visitor::default()).await.unwrap();
    assert_code(&serde_json::from_slice(&answer).unwrap(), -32012, "SHUTTING_DOWN");
    tokio::time::timeout(Duration::from_secs(5), running.server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_strange_host_or_origin_is_refused() {
    let running = start().await;
    let ask = |header: &'static str, value: &'static str| {
        let request = running.http.get(running.url("/livez")).header(header, value);
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(ask("host", "evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("host", "evil.example:8080").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("host", "localhost").await, StatusCode::OK);
    assert_eq!(ask("host", "node.example").await, StatusCode::OK);
    assert_eq!(ask("origin", "https://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("origin", "https://wallet.example").await, StatusCode::OK);
}

#[tokio::test]
async fn cross_origin_answers_are_readable_for_configured_origins_only() {
    let running = start().await;
    let preflight = |origin: &'static str| {
        let method = reqwest::Method::OPTIONS;
        let request = running.http.request(method, running.url("/rpc")).header("origin", origin);
        async move { request.send().await.unwrap() }
    };
    let answer = preflight("https://wallet.example").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://wallet.example");
    let answer = preflight("https://evil.example").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_form_of_a_page_cannot_call_but_a_tool_may_leave_the_type_out() {
    let running = start().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"mempool_stats"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let request = || running.http.post(running.url("/rpc")).header("content-type", kind);
        let page = request().header("origin", "https://wallet.example").body(body);
        assert_eq!(page.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(request().body(body).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn probes_and_metrics_answer() {
    let running = start().await;
    let get = |path: &'static str| {
        let request = running.http.get(running.url(path));
        async move {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        }
    };
    assert_eq!(get("/livez").await, (StatusCode::OK, "ok\n".to_owned()));
    let (status, text) = get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text, "[-] sync: 9 behind\nfailing\n");
    let (_, text) = get("/readyz?verbose").await;
    assert!(text.starts_with("[+] quorum: 4 of 4\n[-] sync: 9 behind\n"), "{text}");
    call(&running, "mempool_stats", json!({})).await;
    call(&running, "no_such_method", json!({})).await;
    let (status, text) = get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let counted = "logothete_rpc_requests_total{method=\"mempool_stats\",code=\"ok\"} 1";
    assert!(text.contains(counted), "{text}");
    let unknown = "{method=\"unknown\",code=\"METHOD_NOT_FOUND\"} 1";
    assert!(text.contains(unknown), "names that clients invent do not become labels");
    assert_eq!(get("/nowhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/rpc").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_let_go() {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        body_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = start_with(limits).await;
    let head = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    for unfinished in ["POST /rpc HTT", head, ""] {
        let started = Instant::now();
        let mut client = TcpStream::connect(running.address).await.unwrap();
        client.write_all(unfinished.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = client.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(5), read).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(3), "{unfinished:?}");
    }
    assert_eq!(call(&running, "mempool_stats", json!({})).await["result"]["count"], 7);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let limits = Limits { write_time: Duration::from_millis(300), ..Limits::default() };
    let running = start_with(limits).await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    // Ask until the server does not read on either, because its answers are not taken.
    let asking = async { while client.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("the server hangs up");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_to_come_back() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let running = start_with(limits).await;
    let held = [
        TcpStream::connect(running.address).await.unwrap(),
        TcpStream::connect(running.address).await.unwrap(),
    ];
    let mut third = TcpStream::connect(running.address).await.unwrap();
    let mut answer = Vec::new();
    third.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
    drop((held, third));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(call(&running, "mempool_stats", json!({})).await["result"]["count"], 7);
}

/// Limits of one client that hold on this machine too.
fn strict() -> Limits {
    Limits {
        client_connections: 2,
        // None comes back while the test runs.
        client_calls_per_second: 0,
        client_burst: 3,
        spares_loopback: false,
        ..Limits::default()
    }
}

#[tokio::test]
async fn one_client_has_so_many_calls_however_it_makes_them() {
    let running = start_with(strict()).await;
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "mempool_stats" });
    assert_eq!(call(&running, "mempool_stats", json!({})).await["result"]["count"], 7);
    let (_, answer) = post(&running, json!([one, one, one]).to_string()).await;
    assert_eq!(
        (&answer[0]["result"]["count"], &answer[1]["result"]["count"]),
        (&json!(7), &json!(7))
    );
    assert_code(&answer[2], -32005, "LIMIT");
    assert!(answer[2]["error"]["data"]["retry_after_ms"].is_number());
    // Neither another path nor another connection has more.
    let other = reqwest::Client::new().get(running.url("/metrics")).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(other.headers()["retry-after"], "1");
}

#[tokio::test]
async fn one_client_has_so_many_connections() {
    let running = start_with(strict()).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(running.address).await.unwrap();
        client.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        held.push(client);
    }
    let mut third = TcpStream::connect(running.address).await.unwrap();
    let mut answer = Vec::new();
    third.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&answer));
}
