#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use logothete_ledger::operation::Operation;
use logothete_primitives::{
    Address, Amount, BatchHash, BlockHash, ChainId, Digest, Epoch, Height, Nonce, PayloadHash,
    PublicKey, ReceiptsRoot, SecretKey, Signature, StateRoot, TimestampMs, TxHash, View,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::rpc::method::parse_params;
use crate::rpc::{ErrorCode, RpcError};

fn digest(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

fn key() -> PublicKey {
    SecretKey::from_seed([1; 32]).public()
}

fn address() -> Address {
    key().into()
}

fn hexes(byte: &str) -> String {
    byte.repeat(32)
}

/// The value has exactly this JSON, and comes back from it.
#[track_caller]
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected);
    assert_eq!(&serde_json::from_value::<T>(expected).unwrap(), value);
}

fn anchor() -> Anchor {
    Anchor { height: Height::new(52), hash: BlockHash::new(digest(0xbb)) }
}

fn anchor_json() -> Value {
    json!({ "height": "52", "hash": hexes("bb") })
}

fn v1() -> ValidatorRef {
    ValidatorRef { index: 1, name: "v1".to_owned() }
}

fn executed() -> ExecutedView {
    ExecutedView {
        height: Height::new(51),
        state_root: StateRoot::new(digest(1)),
        receipts_root: ReceiptsRoot::new(digest(2)),
    }
}

fn executed_json() -> Value {
    json!({ "height": "51", "state_root": hexes("01"), "receipts_root": hexes("02") })
}

fn place() -> TxPlace {
    TxPlace {
        height: Height::new(52),
        block: BlockHash::new(digest(0xbb)),
        index: 3,
        success: true,
        failure: None,
    }
}

fn body() -> BodyView {
    BodyView {
        chain: None,
        sender: address(),
        nonce: Nonce::new(u64::MAX),
        fee: Amount::new(100),
        expiry: Height::new(1_000),
        operations: vec![Operation::transfer(address(), Amount::COIN)],
        memo: HexBytes(b"hi".to_vec()),
        cosigners: vec![],
    }
}

fn body_json() -> Value {
    json!({
        "sender": address(),
        "nonce": "18446744073709551615",
        "fee": "100",
        "expiry": "1000",
        "operations": [{ "type": "transfer", "to": address(), "amount": "1000000" }],
        "memo": "6869",
        "cosigners": [],
    })
}

#[test]
fn the_chain_and_its_node() {
    let params = ChainParamsView {
        min_fee: Amount::new(100),
        fee_account: address(),
        max_tx_bytes: 16_384,
        empty_block_interval_ms: 1_000,
    };
    let info = ChainInfo {
        chain_id: ChainId::new(digest(0xcc)),
        chain_name: "devnet".to_owned(),
        genesis_block: BlockHash::new(digest(0xaa)),
        protocol_version: 1,
        software_version: "0.1.0".to_owned(),
        dev: true,
        params,
        validators: 4,
        total_power: 4,
        quorum: 3,
        max_faulty: 1,
        head: anchor(),
        head_timestamp: TimestampMs::new(1_764_000_000_000),
    };
    golden(
        &info,
        json!({
            "chain_id": hexes("cc"), "chain_name": "devnet", "genesis_block": hexes("aa"),
            "protocol_version": 1, "software_version": "0.1.0", "dev": true,
            "params": {
                "min_fee": "100", "fee_account": address(), "max_tx_bytes": 16_384,
                "empty_block_interval_ms": "1000",
            },
            "validators": 4, "total_power": "4", "quorum": "3", "max_faulty": "1",
            "head": anchor_json(), "head_timestamp": "1764000000000",
        }),
    );
    let attendance = |name: &str, missing: bool| Attendance {
        index: 0,
        name: name.to_owned(),
        power: 1,
        last_vote_view: View::new(7),
        last_heard: missing.then_some(TimestampMs::new(4)),
        missing,
        absence: missing.then_some(Absence::Gone),
    };
    let status = NodeStatus {
        name: None,
        key: key(),
        role: Role::Follower,
        mode: Mode::Learner,
        version: "0.1.0".to_owned(),
        started_at: TimestampMs::new(5),
        pid: 42,
        height: Height::new(52),
        block: BlockHash::new(digest(0xbb)),
        timestamp: TimestampMs::new(6),
        executed: executed(),
        view: View::new(8),
        sync: SyncView { state: SyncState::NoPeers, target_height: Height::new(60), lag: 8 },
        peers: 0,
        mempool: 2,
        finality_ms: Some(Percentiles { p50: 12, p99: 40 }),
        healthy: false,
        summary: "looking for peers".to_owned(),
        validators: vec![attendance("v0", false), attendance("v1", true)],
        power_present: 3,
        quorum: 3,
    };
    assert_eq!(status.missing().count(), 1);
    golden(
        &status,
        json!({
            "key": key(), "role": "follower", "mode": "learner", "version": "0.1.0",
            "started_at": "5", "pid": 42, "height": "52", "block": hexes("bb"), "timestamp": "6",
            "executed": executed_json(), "view": "8",
            "sync": { "state": "no_peers", "target_height": "60", "lag": "8" },
            "peers": 0, "mempool": 2, "finality_ms": { "p50": 12, "p99": 40 },
            "healthy": false, "summary": "looking for peers",
            "validators": [
                { "index": 0, "name": "v0", "power": "1", "last_vote_view": "7", "missing": false },
                { "index": 0, "name": "v1", "power": "1", "last_vote_view": "7", "last_heard": "4",
                  "missing": true, "absence": "gone" },
            ],
            "power_present": "3", "quorum": "3",
        }),
    );
}

#[test]
fn peers_validators_consensus_and_mempool() {
    let peer = PeerView {
        key: key(),
        name: Some("v1".to_owned()),
        role: Role::Validator,
        addresses: vec!["/ip4/127.0.0.1/tcp/26601".to_owned()],
        version: "logothete/0.1.0".to_owned(),
        connected_ms: 9,
        round_trip_us: Some(300),
        height: Some(52),
    };
    golden(
        &NodePeers { items: vec![peer] },
        json!({ "items": [{
            "key": key(), "name": "v1", "role": "validator",
            "addresses": ["/ip4/127.0.0.1/tcp/26601"], "version": "logothete/0.1.0",
            "connected_ms": "9", "round_trip_us": 300, "height": "52",
        }] }),
    );
    let validator =
        ValidatorView { index: 1, name: "v1".to_owned(), key: key(), power: 1, connected: true };
    golden(
        &ValidatorsList {
            epoch: Epoch::ZERO,
            set_hash: digest(3),
            total_power: 1,
            quorum: 1,
            max_faulty: 0,
            at: anchor(),
            items: vec![validator],
        },
        json!({
            "epoch": "0", "set_hash": hexes("03"), "total_power": "1", "quorum": "1",
            "max_faulty": "0", "at": anchor_json(),
            "items": [{ "index": 1, "name": "v1", "key": key(), "power": "1", "connected": true }],
        }),
    );
    let slot = VoteSlot { validator: v1(), power: 1, prepare: true, commit: false, timeout: false };
    golden(
        &ConsensusState {
            epoch: Epoch::ZERO,
            view: View::new(8),
            mode: Mode::Active,
            leader: Some(v1()),
            high_qc_view: View::new(7),
            committed: anchor(),
            view_age_ms: 3,
            waits_for: None,
            votes: vec![slot],
            quorum: 1,
        },
        json!({
            "epoch": "0", "view": "8", "mode": "active", "leader": { "index": 1, "name": "v1" },
            "high_qc_view": "7", "committed": anchor_json(), "view_age_ms": "3",
            "votes": [{
                "validator": { "index": 1, "name": "v1" }, "power": "1",
                "prepare": true, "commit": false, "timeout": false,
            }],
            "quorum": "1",
        }),
    );
    golden(
        &MempoolStats {
            count: 5,
            bytes: 1_000,
            in_flight: 2,
            accounts: 3,
            max_count: 100,
            max_bytes: 9_000_000_000,
            min_fee: Amount::new(100),
        },
        json!({
            "count": 5, "bytes": "1000", "in_flight": 2, "accounts": 3, "max_count": 100,
            "max_bytes": "9000000000", "min_fee": "100",
        }),
    );
}

#[test]
fn blocks() {
    let header = HeaderView {
        epoch: Epoch::ZERO,
        view: View::new(60),
        height: Height::new(52),
        parent: BlockHash::new(digest(4)),
        parent_view: View::new(59),
        timestamp: TimestampMs::new(6),
        proposer: v1(),
        payload: PayloadHash::new(digest(5)),
        executed: executed(),
    };
    let signer = SignerView { validator: v1(), power: 1, signed: true, missed: None };
    let batch = BatchView { hash: BatchHash::new(digest(6)), author: v1(), count: 2, bytes: 400 };
    golden(
        &BlockView {
            hash: BlockHash::new(digest(0xbb)),
            header,
            payload: HexBytes(vec![1, 2]),
            batches: vec![batch],
            transaction_count: 2,
            evidence_count: 1,
            transactions: Some(vec![TxHash::new(digest(7))]),
            results: Some(executed()),
            signers: vec![signer.clone()],
        },
        json!({
            "hash": hexes("bb"),
            "header": {
                "epoch": "0", "view": "60", "height": "52", "parent": hexes("04"),
                "parent_view": "59", "timestamp": "6",
                "proposer": { "index": 1, "name": "v1" }, "payload": hexes("05"),
                "executed": executed_json(),
            },
            "payload": "0102",
            "batches": [{
                "hash": hexes("06"), "author": { "index": 1, "name": "v1" }, "count": 2,
                "bytes": 400,
            }],
            "transaction_count": 2, "evidence_count": 1, "transactions": [hexes("07")], "results": executed_json(),
            "signers": [{
                "validator": { "index": 1, "name": "v1" }, "power": "1", "signed": true,
            }],
        }),
    );
    let summary = BlockSummary {
        height: Height::new(52),
        hash: BlockHash::new(digest(0xbb)),
        view: View::new(60),
        timestamp: TimestampMs::new(6),
        proposer: v1(),
        transactions: 2,
    };
    golden(
        &Page { items: vec![summary], at: anchor(), next_cursor: Some("51".to_owned()) },
        json!({
            "items": [{
                "height": "52", "hash": hexes("bb"), "view": "60", "timestamp": "6",
                "proposer": { "index": 1, "name": "v1" }, "transactions": 2,
            }],
            "at": anchor_json(), "next_cursor": "51",
        }),
    );
    golden(
        &BlockCertificate {
            block: BlockHash::new(digest(0xbb)),
            height: Height::new(52),
            view: View::new(60),
            headers: vec![HexBytes(vec![1, 2])],
            certificate: HexBytes(vec![3]),
            signers: vec![signer],
            power: 3,
            quorum: 3,
        },
        json!({
            "block": hexes("bb"), "height": "52", "view": "60", "headers": ["0102"],
            "certificate": "03",
            "signers": [{
                "validator": { "index": 1, "name": "v1" }, "power": "1", "signed": true,
            }],
            "power": "3", "quorum": "3",
        }),
    );
}

#[test]
fn where_a_transaction_stands() {
    let hash = TxHash::new(digest(7));
    for (status, expected) in [
        (TxStatus::Unknown, json!({ "state": "unknown" })),
        (TxStatus::Pending, json!({ "state": "pending" })),
        (TxStatus::InFlight, json!({ "state": "in_flight" })),
        (
            TxStatus::Final(place()),
            json!({
                "state": "final", "height": "52", "block": hexes("bb"), "index": 3,
                "success": true,
            }),
        ),
        (
            TxStatus::Dropped { reason: "EXPIRED".to_owned() },
            json!({ "state": "dropped", "reason": "EXPIRED" }),
        ),
    ] {
        golden(&status, expected.clone());
        golden(
            &Submitted { hash, status: status.clone(), known: false },
            json!({ "hash": hexes("07"), "status": expected, "known": false }),
        );
    }
    let settled = [TxStatus::Unknown, TxStatus::Pending, TxStatus::InFlight];
    assert!(!settled.iter().any(TxStatus::is_settled));
    assert!(TxStatus::Final(place()).is_settled());
}

#[test]
fn transactions() {
    golden(&body(), body_json());
    let view = TxView {
        hash: TxHash::new(digest(7)),
        body: body(),
        signature: Signature::from_bytes([9; 64]),
        cosignatures: vec![],
        size: 200,
    };
    let failure = FailureView {
        code: "INSUFFICIENT_BALANCE".to_owned(),
        operation: Some(0),
        message: "too little".to_owned(),
        expected: Some("10".to_owned()),
        got: Some("9".to_owned()),
    };
    let failed = TxPlace { success: false, failure: Some(failure), ..place() };
    let details = TxDetails {
        tx: view,
        bytes: HexBytes(vec![1]),
        timestamp: TimestampMs::new(6),
        receipt: ReceiptView { tx: TxHash::new(digest(7)), place: failed, fee: Amount::new(100) },
        proof: Some(TxProof {
            inclusion: HexBytes(vec![1]),
            headers: vec![HexBytes(vec![2])],
            certificate: HexBytes(vec![3]),
            receipt: None,
        }),
    };
    golden(
        &details,
        json!({
            "tx": {
                "hash": hexes("07"), "body": body_json(), "signature": "09".repeat(64),
                "cosignatures": [], "size": 200,
            },
            "bytes": "01", "timestamp": "6",
            "receipt": {
                "tx": hexes("07"), "height": "52", "block": hexes("bb"), "index": 3,
                "success": false,
                "failure": {
                    "code": "INSUFFICIENT_BALANCE", "operation": 0, "message": "too little",
                    "expected": "10", "got": "9",
                },
                "fee": "100",
            },
            "proof": { "inclusion": "01", "headers": ["02"], "certificate": "03" },
        }),
    );
    golden(
        &SubmittedEach { items: vec![SubmitOutcome::Error(RpcError::mempool_full(None, 250))] },
        json!({ "items": [{ "error": {
            "code": -32007, "message": "the mempool is full",
            "data": {
                "code": "MEMPOOL_FULL",
                "hint": "send the same bytes again after 250 ms, or pay a higher fee",
                "retry_after_ms": 250,
            },
        } }] }),
    );
}

#[test]
fn accounts() {
    golden(
        &AccountView {
            address: address(),
            balance: Amount::COIN,
            nonce: Nonce::new(3),
            next_nonce: Nonce::new(5),
            exists: true,
            at: anchor(),
            proof: None,
        },
        json!({
            "address": address(), "balance": "1000000", "nonce": "3", "next_nonce": "5",
            "exists": true, "at": anchor_json(),
        }),
    );
    let activity = AddressActivity {
        hash: TxHash::new(digest(7)),
        height: Height::new(52),
        index: 3,
        timestamp: TimestampMs::new(6),
        sender: address(),
        success: true,
        received: Amount::ZERO,
        sent: Amount::COIN,
        fee: Amount::new(100),
    };
    golden(
        &Page { items: vec![activity], at: anchor(), next_cursor: None },
        json!({ "items": [{
            "hash": hexes("07"), "height": "52", "index": 3, "timestamp": "6",
            "sender": address(), "success": true, "received": "0", "sent": "1000000",
            "fee": "100",
        }], "at": anchor_json() }),
    );
}

#[test]
fn parameters_by_name_and_by_position() {
    let hash = TxHash::new(digest(7));
    let wait = TxWait { hash, timeout_ms: Some(5_000) };
    golden(&wait, json!({ "hash": hexes("07"), "timeout_ms": 5_000 }));
    assert_eq!(parse_params::<TxWait>(json!([hash, 5_000])).unwrap(), wait);
    assert_eq!(parse_params::<PageRequest>(Value::Null).unwrap(), PageRequest::default());
    let get = AccountGet { address: address(), at: None, min_height: None, prove: true };
    golden(&get, json!({ "address": address(), "prove": true }));
    golden(&TxSubmitBatch { txs: vec![HexBytes(vec![1])] }, json!({ "txs": ["01"] }));
    golden(
        &FaucetDrip { address: address(), amount: Some(Amount::COIN) },
        json!({ "address": address(), "amount": "1000000" }),
    );
    golden(
        &TxEncode { body: body(), signature: None, cosignatures: vec![] },
        json!({ "body": body_json() }),
    );
}

#[test]
fn bad_parameters_say_what_is_wrong() {
    let refused = |params: Value| parse_params::<AccountGet>(params).unwrap_err();
    let mistyped = refused(json!({ "adress": address() }));
    assert_eq!(mistyped.code, ErrorCode::InvalidParams);
    assert_eq!(mistyped.data.hint, "did you mean address?");
    assert!(refused(json!({})).message.contains("missing field `address`"));
    assert!(refused(json!({ "address": "lgt1nonsense" })).message.contains("lgt1"));
    assert!(refused(json!({ "address": address(), "at": 7 })).message.contains("string"));
    assert!(refused(json!("x")).message.contains("neither object nor array"));
    let tx = |tx: Value| parse_params::<TxBytes>(json!({ "tx": tx })).unwrap_err().message;
    assert!(tx(json!("0x01")).contains("without 0x"));
    assert!(tx(json!("AB")).contains("lowercase"));
    assert!(tx(json!("0")).contains("not hex"));
    assert!(tx(json!(1)).contains("invalid type"));
}

#[test]
fn a_block_is_named_one_way() {
    let (height, hash) = (Some(Height::new(1)), Some(BlockHash::ZERO));
    let min_height = None;
    let which = |height, hash| BlockSelector { height, hash, min_height }.which();
    assert_eq!(which(None, None), Ok(WhichBlock::Latest));
    assert_eq!(which(height, None), Ok(WhichBlock::Height(Height::new(1))));
    assert_eq!(which(None, hash), Ok(WhichBlock::Hash(BlockHash::ZERO)));
    assert_eq!(which(height, hash).unwrap_err().code, ErrorCode::InvalidParams);
}

#[test]
fn numbers_have_one_form() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Number(#[serde(with = "Decimal")] u64);
    golden(&Number(u64::MAX), json!("18446744073709551615"));
    golden(&Number(0), json!("0"));
    for bad in
        [json!("01"), json!("+1"), json!("-1"), json!(""), json!(1), json!("18446744073709551616")]
    {
        assert!(serde_json::from_value::<Number>(bad.clone()).is_err(), "{bad}");
    }
}
