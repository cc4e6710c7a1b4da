//! JSON-RPC 2.0 to the letter: every example of the specification, with methods of ours in the place
//! of those it invents (`tx_wait` for `subtract`, `mempool_stats` for `get_data`).

#![allow(clippy::unwrap_used)]

mod rpc;

use serde_json::{Value, json};

use rpc::fake::{Running, start};

const HASH: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// What a body is answered, if it is answered.
async fn ask(running: &Running, body: &str) -> Option<Value> {
    let post = running.http.post(running.url("/rpc")).header("content-type", "application/json");
    let answer = post.body(body.to_owned()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if text.is_empty() {
        assert_eq!(status, 204, "{body}");
        return None;
    }
    assert_eq!(status, 200, "{body}");
    Some(serde_json::from_str(&text).unwrap())
}

/// An answer that is an error: exactly the members that an answer has, and the error's.
#[track_caller]
fn assert_error(answer: &Value, code: i64, id: &Value) {
    let members: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "id", "jsonrpc"], "{answer}");
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), id), "{answer}");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert!(answer["error"]["message"].is_string(), "{answer}");
    assert!(answer["error"]["data"]["hint"].is_string(), "{answer}");
}

/// An answer that is a result.
#[track_caller]
fn assert_result(answer: &Value, id: &Value) {
    let members: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "jsonrpc", "result"], "{answer}");
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), id), "{answer}");
}

#[tokio::test]
async fn parameters_by_position_and_by_name_in_any_order() {
    let running = start().await;
    for (id, params) in [
        (1, json!([HASH, 23])),
        (2, json!([HASH])),
        (3, json!({ "hash": HASH, "timeout_ms": 23 })),
        (4, json!({ "timeout_ms": 23, "hash": HASH })),
    ] {
        let call = json!({ "jsonrpc": "2.0", "method": "tx_wait", "params": params, "id": id });
        let answer = ask(&running, &call.to_string()).await.unwrap();
        assert_result(&answer, &json!(id));
        assert_eq!(answer["result"]["hash"], HASH);
    }
}

#[tokio::test]
async fn a_notification_is_not_answered_whatever_comes_of_it() {
    let running = start().await;
    for call in [
        json!({ "jsonrpc": "2.0", "method": "tx_wait", "params": [HASH, 2] }),
        json!({ "jsonrpc": "2.0", "method": "foobar" }),
        json!({ "jsonrpc": "2.0", "method": "tx_wait", "params": [1, 2, 3, 4, 5] }),
        json!({ "jsonrpc": "2.0", "method": "consensus_state" }),
    ] {
        assert_eq!(ask(&running, &call.to_string()).await, None, "{call}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there() {
    let running = start().await;
    let call = r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#;
    assert_error(&ask(&running, call).await.unwrap(), -32601, &json!("1"));
}

#[tokio::test]
async fn a_call_that_is_not_json() {
    let running = start().await;
    let call = r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#;
    assert_error(&ask(&running, call).await.unwrap(), -32700, &Value::Null);
}

#[tokio::test]
async fn a_call_that_is_not_a_request() {
    let running = start().await;
    let call = r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#;
    assert_error(&ask(&running, call).await.unwrap(), -32600, &Value::Null);
}

#[tokio::test]
async fn a_batch_that_is_not_json() {
    let running = start().await;
    let batch = r#"[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method"
    ]"#;
    assert_error(&ask(&running, batch).await.unwrap(), -32700, &Value::Null);
}

#[tokio::test]
async fn an_empty_batch_is_one_error() {
    let running = start().await;
    assert_error(&ask(&running, "[]").await.unwrap(), -32600, &Value::Null);
}

#[tokio::test]
async fn a_batch_of_no_requests_has_an_error_for_each() {
    let running = start().await;
    for (batch, count) in [("[1]", 1), ("[1,2,3]", 3)] {
        let answer = ask(&running, batch).await.unwrap();
        let answers = answer.as_array().unwrap();
        assert_eq!(answers.len(), count);
        for answer in answers {
            assert_error(answer, -32600, &Value::Null);
        }
    }
}

#[tokio::test]
async fn a_batch_of_everything() {
    let running = start().await;
    let batch = json!([
        { "jsonrpc": "2.0", "method": "tx_wait", "params": [HASH, 4], "id": "1" },
        { "jsonrpc": "2.0", "method": "tx_wait", "params": [HASH] },
        { "jsonrpc": "2.0", "method": "tx_wait", "params": [HASH, 23], "id": "2" },
        { "foo": "boo" },
        { "jsonrpc": "2.0", "method": "foo.get", "params": { "name": "myself" }, "id": "5" },
        { "jsonrpc": "2.0", "method": "mempool_stats", "id": "9" },
    ]);
    let answer = ask(&running, &batch.to_string()).await.unwrap();
    let [first, second, third, fourth, fifth] = answer.as_array().unwrap().as_slice() else {
        panic!("{answer}");
    };
    assert_result(first, &json!("1"));
    assert_result(second, &json!("2"));
    assert_error(third, -32600, &Value::Null);
    assert_error(fourth, -32601, &json!("5"));
    assert_result(fifth, &json!("9"));
}

#[tokio::test]
async fn a_batch_of_notifications_is_not_answered() {
    let running = start().await;
    let batch = json!([
        { "jsonrpc": "2.0", "method": "tx_wait", "params": [HASH] },
        { "jsonrpc": "2.0", "method": "foobar", "params": [7] },
    ]);
    assert_eq!(ask(&running, &batch.to_string()).await, None);
}

/// What the text says beside the examples.
#[tokio::test]
async fn ids_are_echoed_as_they_came() {
    let running = start().await;
    for id in [json!(null), json!("a"), json!(-7), json!(1.5), json!(u64::MAX), json!("\u{e9}")] {
        let call = json!({ "jsonrpc": "2.0", "method": "mempool_stats", "id": id });
        assert_result(&ask(&running, &call.to_string()).await.unwrap(), &id);
    }
    for id in [json!([]), json!({}), json!(true)] {
        let call = json!({ "jsonrpc": "2.0", "method": "mempool_stats", "id": id });
        assert_error(&ask(&running, &call.to_string()).await.unwrap(), -32600, &Value::Null);
    }
    for version in [json!("1.0"), json!(2), json!(2.0), Value::Null] {
        let call = json!({ "jsonrpc": version, "method": "mempool_stats", "id": 4 });
        assert_error(&ask(&running, &call.to_string()).await.unwrap(), -32600, &json!(4));
    }
    let wrong = json!({ "jsonrpc": "2.0", "method": "tx_wait", "params": [1, 2, 3], "id": 4 });
    assert_error(&ask(&running, &wrong.to_string()).await.unwrap(), -32602, &json!(4));
}
