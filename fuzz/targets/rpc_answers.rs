//! Answers of a node that lies, as a client reads them: results of every method and errors. The
//! first byte names the method.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_client::rpc::method::{
    AccountGetMethod, AccountHistoryMethod, BlockCertificateMethod, BlockGetMethod,
    BlockListMethod, ChainInfoMethod, ConsensusStateMethod, FaucetDripMethod, METHODS,
    MempoolStatsMethod, Method, NodePeersMethod, NodeStatusMethod, TxDecodeMethod, TxEncodeMethod,
    TxGetMethod, TxSimulateMethod, TxStatusMethod, TxSubmitBatchMethod, TxSubmitMethod,
    TxWaitMethod, ValidatorsListMethod,
};
use logothete_client::rpc::{Response, RpcError};
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
    let Ok(result) = serde_json::from_value::<M::Result>(value) else { return };
    let written = serde_json::to_value(&result).expect("a result has a form in JSON");
    let again: M::Result = serde_json::from_value(written.clone()).expect("what is written reads");
    assert_eq!(serde_json::to_value(&again).ok(), Some(written));
}
