//! Parameters of every method: refused with words that say where, or read and written the same.
//! The first byte names the method.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_client::rpc::method::{
    AccountGetMethod, AccountHistoryMethod, BlockCertificateMethod, BlockGetMethod,
    BlockListMethod, ChainInfoMethod, ConsensusStateMethod, FaucetDripMethod, METHODS,
    MempoolStatsMethod, Method, NodePeersMethod, NodeStatusMethod, TxDecodeMethod, TxEncodeMethod,
    TxGetMethod, TxSimulateMethod, TxStatusMethod, TxSubmitBatchMethod, TxSubmitMethod,
    TxWaitMethod, ValidatorsListMethod, closest, parse_params,
};
use logothete_client::rpc::types::TxEncode;
use logothete_client::rpc::{ErrorCode, types};
use logothete_fuzz::chain;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(bytes) {
        let known = |name| METHODS.iter().any(|method| method.name == name);
        assert!(closest(text).is_none_or(known));
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    encode(value.clone());
    match usize::from(*kind) % METHODS.len() {
        0 => check::<ChainInfoMethod>(value),
        1 => check::<NodeStatusMethod>(value),
        2 => check::<NodePeersMethod>(value),
        3 => check::<BlockGetMethod>(value),
        4 => check::<BlockListMethod>(value),
        5 => check::<BlockCertificateMethod>(value),
        6 => check::<TxSubmitMethod>(value),
        7 => check::<TxSubmitBatchMethod>(value),
        8 => check::<TxStatusMethod>(value),
        9 => check::<TxWaitMethod>(value),
        10 => check::<TxGetMethod>(value),
        11 => check::<TxSimulateMethod>(value),
        12 => check::<TxEncodeMethod>(value),
        13 => check::<TxDecodeMethod>(value),
        14 => check::<AccountGetMethod>(value),
        15 => check::<AccountHistoryMethod>(value),
        16 => check::<ValidatorsListMethod>(value),
        17 => check::<ConsensusStateMethod>(value),
        18 => check::<MempoolStatsMethod>(value),
        19 => check::<FaucetDripMethod>(value),
        _ => unreachable!("a method that is not fuzzed"),
    }
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
