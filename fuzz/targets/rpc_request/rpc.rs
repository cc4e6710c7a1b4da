//! The place of the envelope in the node, with what stands beside it.

#[allow(dead_code)]
#[path = "../../../node/src/rpc/envelope.rs"]
mod envelope;
#[allow(dead_code)]
#[path = "../../../node/src/rpc/limits.rs"]
mod limits;
pub(super) use limits::Limits;

use envelope::{Body, Request, parse, write_response};
use serde_json::Value;

/// Reads a body and writes an answer to each of its calls.
pub(super) fn answer(bytes: &[u8]) {
    let limits = Limits { depth: 8, values: 64, batch_calls: 4, ..Limits::default() };
    let Ok(body) = parse(bytes, &limits) else { return };
    let requests = match body {
        Body::Single(request) => vec![request],
        Body::Batch(requests) => requests,
    };
    assert!((1..=limits.batch_calls).contains(&requests.len()));
    requests.into_iter().for_each(respond);
}

fn respond(request: Request<'_>) {
    let mut out = Vec::new();
    match request {
        Ok(call) => {
            let known: Result<Value, _> =
                call.params.map_or(Ok(Value::Null), |raw| serde_json::from_str(raw.get()));
            assert!(known.is_ok_and(|params| !params.is_string()));
            write_response(&mut out, call.id, &Ok(b"{}".to_vec()));
        }
        Err(broken) => write_response(&mut out, broken.id, &Err(broken.error)),
    }
    serde_json::from_slice::<Value>(&out).expect("an answer is JSON");
}
