//! Answers of a node that lies, as a client reads them: results of every method and errors. The
//! first byte names the method.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_client::rpc::method::Method;
use logothete_client::rpc::{Response, RpcError};
use logothete_fuzz::check_method;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if let Ok(response) = serde_json::from_slice::<Response>(bytes) {
        let _ = response.into_outcome();
    }
    if let Ok(error) = serde_json::from_slice::<RpcError>(bytes) {
        let written = serde_json::to_value(&error).expect("an error has a form in JSON");
        let again: RpcError = serde_json::from_value(written).expect("what is written reads");
        assert_eq!(again.code, error.code);
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    check_method!(*kind, check(value));
});

fn check<M: Method>(value: Value) {
    let Ok(result) = serde_json::from_value::<M::Result>(value) else { return };
    let written = serde_json::to_value(&result).expect("a result has a form in JSON");
    let again: M::Result = serde_json::from_value(written.clone()).expect("what is written reads");
    assert_eq!(serde_json::to_value(&again).ok(), Some(written));
}
