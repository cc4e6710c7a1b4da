//! Parameters of every method: refused with words that say where, or read and written the same.
//! The first byte names the method.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_client::rpc::method::{METHODS, Method, closest, parse_params};
use logothete_client::rpc::types::TxEncode;
use logothete_client::rpc::{ErrorCode, types};
use logothete_fuzz::{chain, check_method};
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(bytes) {
        let known = |name| METHODS.iter().any(|method| method.name == name);
        assert!(closest(text).is_none_or(known));
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    encode(value.clone());
    check_method!(*kind, check(value));
});

fn check<M: Method>(value: Value) {
    match parse_params::<M::Params>(value) {
        Ok(params) => {
            let written = serde_json::to_value(&params).expect("parameters have a form in JSON");
            let again = parse_params::<M::Params>(written.clone()).expect("what is written reads");
            assert_eq!(serde_json::to_value(&again).ok(), Some(written));
        }
        Err(error) => assert_eq!(error.code, ErrorCode::InvalidParams),
    }
}

/// The one method that makes bytes to sign of what a stranger wrote.
fn encode(value: Value) {
    let Ok(TxEncode { body, .. }) = parse_params::<TxEncode>(value) else { return };
    let body: types::BodyView = body;
    if let Ok(built) = body.into_body(&chain()) {
        assert!(!built.operations.is_empty());
    }
}
