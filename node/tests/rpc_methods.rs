//! Every method of the interface, asked of a real node: a chain of one validator.

#![allow(clippy::unwrap_used)]

mod rpc;

use std::time::Duration;

use logothete_client::rpc::ErrorCode;
use logothete_client::rpc::method::{
    AccountGetMethod, AccountHistoryMethod, BlockCertificateMethod, BlockGetMethod,
    BlockListMethod, ChainInfoMethod, ConsensusStateMethod, ConsensusViewsMethod, FaucetDripMethod,
    MempoolStatsMethod, NodePeersMethod, NodeStatusMethod, NodeWhyMethod, StateProofMethod,
    TxDecodeMethod, TxEncodeMethod, TxGetMethod, TxSimulateMethod, TxStatusMethod,
    TxSubmitBatchMethod, TxSubmitMethod, TxWaitMethod, ValidatorsListMethod,
    ValidatorsUptimeMethod,
};
use logothete_client::rpc::types::{
    AccountGet, AccountHistory, AtLeast, BlockGet, BlockSelector, BodyView, Empty, FaucetDrip,
    HexBytes, Mode, PageRequest, Role, StateProofGet, SubmitOutcome, TxBytes, TxEncode, TxGet,
    TxStatus, TxStatusGet, TxSubmitBatch, TxWait, UptimeGet, ViewEnd, ViewOutcome,
};
use logothete_client::{Client, TxBuilder, verify};
use logothete_ledger::account::Account;
use logothete_ledger::state::{Namespace, StateKey, StateValue};
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Amount, BlockHash, ChainId, Digest, Height, Nonce, TxHash};

use rpc::node::{TestChain, account};

const COIN: u64 = 1_000_000;

fn bytes(tx: &Transaction) -> TxBytes {
    TxBytes { tx: HexBytes(tx.encode()) }
}

fn account_of(name: &str) -> AccountGet {
    AccountGet { address: account(name).address, at: None, min_height: None, prove: false }
}

fn history_of(name: &str) -> AccountHistory {
    AccountHistory { address: account(name).address, cursor: None, limit: None, min_height: None }
}

fn tx_of(hash: TxHash, prove: bool) -> TxGet {
    TxGet { hash, prove, min_height: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_describes_its_chain_and_itself() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(COIN)).await;
    let place = chain.settle(&tx).await;

    let info = chain.call::<ChainInfoMethod>(Empty {}).await;
    assert_eq!(info.chain_id, chain.id());
    assert_eq!(info.chain_name, "rpc-test");
    assert_eq!((info.validators, info.quorum, info.max_faulty), (1, 1, 0));
    assert!(info.dev && info.head.height >= place.height);

    let status = chain.call::<NodeStatusMethod>(Empty {}).await;
    assert_eq!(status.name.as_deref(), Some("v0"));
    assert_eq!((status.role, status.mode), (Role::Validator, Mode::Active));
    assert!(status.healthy, "{}", status.summary);
    assert_eq!(status.missing().count(), 0);
    assert_eq!((status.power_present, status.quorum), (1, 1));
    assert_eq!(status.executed.height, status.height);
    assert_eq!(status.pid, std::process::id());

    assert!(chain.call::<NodePeersMethod>(Empty {}).await.items.is_empty());
    let validators = chain.call::<ValidatorsListMethod>(AtLeast::default()).await;
    assert!(matches!(&validators.items[..], [one] if one.connected));
    assert_eq!(validators.set_hash, chain.validators().hash());

    let consensus = chain.call::<ConsensusStateMethod>(Empty {}).await;
    assert_eq!((consensus.mode, consensus.votes.len()), (Mode::Active, 1));
    assert!(consensus.waits_for.is_none() && consensus.committed.height >= place.height);

    let mempool = chain.call::<MempoolStatsMethod>(Empty {}).await;
    assert_eq!((mempool.count, mempool.bytes, mempool.max_count > 0), (0, 0, true));
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_can_be_followed_read_and_proven() {
    let chain = TestChain::start().await;
    let bob = account("bob").address;
    let tx = chain.transfer("alice", bob, Amount::new(5 * COIN)).await;
    let taken = chain.call::<TxSubmitMethod>(bytes(&tx)).await;
    assert_eq!((taken.hash, taken.known), (tx.hash(), false));

    let wait = TxWait { hash: tx.hash(), timeout_ms: Some(20_000) };
    let TxStatus::Final(place) = chain.call::<TxWaitMethod>(wait).await.status else {
        panic!("the transaction is not final");
    };
    assert!(place.success);
    let state =
        chain.call::<TxStatusMethod>(TxStatusGet { hash: tx.hash(), min_height: None }).await;
    assert_eq!(state.status, TxStatus::Final(place.clone()));

    chain.attested(place.height).await;
    let details = chain.call::<TxGetMethod>(tx_of(tx.hash(), true)).await;
    assert_eq!(details.bytes.0, tx.encode());
    assert_eq!(details.tx.body, BodyView::from(&tx.body));
    assert_eq!(details.receipt.place, place);
    let proof = details.proof.unwrap();
    let proven = verify::transaction(&tx.hash(), &proof, &chain.id(), chain.validators()).unwrap();
    assert_eq!((proven.block, proven.height), (place.block, place.height));
    assert!(proven.receipt.unwrap().status.is_success());
    let other = TxHash::new(Digest::new([9; 32]));
    assert!(verify::transaction(&other, &proof, &chain.id(), chain.validators()).is_err());
    let unproven = chain.call::<TxGetMethod>(tx_of(tx.hash(), false)).await;
    assert!(unproven.proof.is_none());
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_answered_with_its_status() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(COIN)).await;
    let place = chain.settle(&tx).await;
    let again = chain.call::<TxSubmitMethod>(bytes(&tx)).await;
    assert!(again.known);
    assert_eq!(again.hash, tx.hash());
    assert_eq!(again.status, TxStatus::Final(place));
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_reason_and_numbers() {
    let chain = TestChain::start().await;
    let (alice, bob) = (account("alice"), account("bob").address);
    let first = chain.transfer("alice", bob, Amount::new(COIN)).await;
    chain.settle(&first).await;
    let good = || TxBuilder::new(chain.id()).nonce(Nonce::new(1)).transfer(bob, Amount::new(COIN));
    let far = Height::new(1_000_000);

    let low = good().nonce(Nonce::ZERO).expiry(far).sign(&alice.secret).unwrap();
    let foreign = TxBuilder::new(ChainId::new(Digest::new([3; 32])));
    let foreign = foreign.nonce(Nonce::new(1)).transfer(bob, Amount::new(1)).expiry(far);
    let mut forged = good().expiry(far).sign(&alice.secret).unwrap();
    forged.body.memo = b"changed".to_vec().try_into().unwrap();
    let poor = good().transfer(bob, Amount::new(u64::MAX / 4)).expiry(far);
    let cases = [
        (low, "NONCE_TOO_LOW", Some("1"), Some("0")),
        (
            good().nonce(Nonce::new(100)).expiry(far).sign(&alice.secret).unwrap(),
            "NONCE_TOO_HIGH",
            Some("1"),
            Some("100"),
        ),
        (
            good().fee(Amount::new(1)).expiry(far).sign(&alice.secret).unwrap(),
            "FEE_TOO_LOW",
            Some("100"),
            Some("1"),
        ),
        (foreign.sign(&alice.secret).unwrap(), "WRONG_CHAIN", None, Some("03030303")),
        (forged, "INVALID_SIGNATURE", None, None),
        (good().expiry(Height::ZERO).sign(&alice.secret).unwrap(), "EXPIRED", None, Some("0")),
        (poor.sign(&alice.secret).unwrap(), "INSUFFICIENT_BALANCE", None, None),
    ];
    for (tx, reason, expected, got) in cases {
        let error = chain.refused::<TxSubmitMethod>(bytes(&tx)).await;
        assert_eq!(error.code, ErrorCode::TxRejected, "{error:?}");
        assert_eq!(error.data.reason.as_deref(), Some(reason), "{error:?}");
        assert_eq!(error.data.hash, Some(tx.hash()), "{error:?}");
        if expected.is_some() {
            assert_eq!(error.data.expected.as_deref(), expected, "{error:?}");
        }
        if got.is_some() {
            assert_eq!(error.data.got.as_deref(), got, "{error:?}");
        }
    }
    for garbage in [vec![], vec![1, 2, 3], vec![0; 20_000]] {
        let error = chain.refused::<TxSubmitMethod>(TxBytes { tx: HexBytes(garbage) }).await;
        assert_eq!(error.code, ErrorCode::TxRejected, "{error:?}");
        assert_eq!(error.data.hash, None);
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_transaction_for_itself() {
    let chain = TestChain::start().await;
    let bob = account("bob").address;
    let good = chain.transfer("alice", bob, Amount::new(COIN)).await;
    let other = chain.transfer("carol", bob, Amount::new(COIN)).await;
    let mut bad = good.clone();
    bad.body.fee = Amount::new(7_000);
    let txs = [&good, &bad, &good, &other].map(|tx| HexBytes(tx.encode())).to_vec();
    let items = chain.call::<TxSubmitBatchMethod>(TxSubmitBatch { txs }).await.items;
    assert_eq!(items.len(), 4);
    assert!(matches!(&items[0], SubmitOutcome::Ok(taken) if taken.hash == good.hash()));
    let SubmitOutcome::Error(error) = &items[1] else { panic!("{items:?}") };
    assert_eq!(error.data.reason.as_deref(), Some("INVALID_SIGNATURE"));
    assert!(matches!(&items[2], SubmitOutcome::Ok(taken) if taken.hash == good.hash()));
    assert!(matches!(&items[3], SubmitOutcome::Ok(taken) if taken.hash == other.hash()));

    let none = chain.refused::<TxSubmitBatchMethod>(TxSubmitBatch { txs: Vec::new() }).await;
    assert_eq!(none.code, ErrorCode::InvalidParams);
    let txs = vec![HexBytes(vec![0]); 1_025];
    let many = chain.refused::<TxSubmitBatchMethod>(TxSubmitBatch { txs }).await;
    assert_eq!(many.code, ErrorCode::TooLarge);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_runs_out_answers_and_a_strange_hash_is_not_found() {
    let chain = TestChain::start().await;
    let hash = TxHash::new(Digest::new([1; 32]));
    let state = chain.call::<TxWaitMethod>(TxWait { hash, timeout_ms: Some(50) }).await;
    assert_eq!((state.hash, state.status), (hash, TxStatus::Unknown));
    let error = chain.refused::<TxGetMethod>(tx_of(hash, false)).await;
    assert_eq!(error.code, ErrorCode::NotFound);
    assert_eq!(error.data.hash, Some(hash));

    // A nonce ahead of its turn waits: it is known, and not final.
    let alice = account("alice");
    let ahead = TxBuilder::new(chain.id()).nonce(Nonce::new(5));
    let ahead = ahead.transfer(account("bob").address, Amount::new(1)).expiry(Height::new(9_999));
    let ahead = ahead.sign(&alice.secret).unwrap();
    chain.call::<TxSubmitMethod>(bytes(&ahead)).await;
    let error = chain.refused::<TxGetMethod>(tx_of(ahead.hash(), false)).await;
    assert_eq!(error.code, ErrorCode::NotFound);
    assert_eq!(error.data.status, Some(TxStatus::Pending));
    assert_eq!(chain.call::<MempoolStatsMethod>(Empty {}).await.count, 1);
    let state = chain.call::<AccountGetMethod>(account_of("alice")).await;
    assert_eq!((state.nonce, state.next_nonce), (Nonce::ZERO, Nonce::ZERO));
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_can_be_tried_encoded_and_decoded() {
    let chain = TestChain::start().await;
    let bob = account("bob").address;
    let tx = chain.transfer("alice", bob, Amount::new(COIN)).await;
    let tried = chain.call::<TxSimulateMethod>(bytes(&tx)).await;
    assert!(tried.success && tried.failure.is_none() && tried.skipped.is_none());
    assert_eq!((tried.hash, tried.fee), (tx.hash(), tx.body.fee));
    let rich = chain.transfer("alice", bob, Amount::new(u64::MAX / 4)).await;
    let tried = chain.call::<TxSimulateMethod>(bytes(&rich)).await;
    assert!(!tried.success);
    assert_eq!(tried.failure.unwrap().code, "INSUFFICIENT_BALANCE");
    let mut forged = tx.clone();
    forged.body.nonce = Nonce::new(1);
    let error = chain.refused::<TxSimulateMethod>(bytes(&forged)).await;
    assert_eq!(error.data.reason.as_deref(), Some("INVALID_SIGNATURE"));
    assert_eq!(chain.call::<MempoolStatsMethod>(Empty {}).await.count, 0, "nothing was sent");

    let body = BodyView::from(&tx.body);
    let unsigned = TxEncode { body: body.clone(), signature: None, cosignatures: Vec::new() };
    let encoded = chain.call::<TxEncodeMethod>(unsigned).await;
    assert_eq!(encoded.signing_message.0, tx.body.signing_message(&chain.id()));
    assert_eq!((encoded.tx, encoded.hash), (None, None));
    let signature = Some(tx.signature);
    let signed = TxEncode { body: body.clone(), signature, cosignatures: Vec::new() };
    let encoded = chain.call::<TxEncodeMethod>(signed).await;
    assert_eq!(encoded.tx, Some(HexBytes(tx.encode())));
    assert_eq!(encoded.hash, Some(tx.hash()));
    let decoded = chain.call::<TxDecodeMethod>(bytes(&tx)).await;
    assert_eq!((decoded.hash, decoded.body), (tx.hash(), body));
    let error = chain.refused::<TxDecodeMethod>(TxBytes { tx: HexBytes(vec![7; 9]) }).await;
    assert_eq!(error.data.reason.as_deref(), Some("MALFORMED"));
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_can_be_listed_read_and_certified() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(COIN)).await;
    let place = chain.settle(&tx).await;
    chain.attested(Height::new(5)).await;

    let by_height =
        BlockGet { height: Some(place.height), transactions: true, ..BlockGet::default() };
    let block = chain.call::<BlockGetMethod>(by_height).await;
    assert_eq!(block.hash, place.block);
    assert_eq!(block.transactions, Some(vec![tx.hash()]));
    assert_eq!((block.transaction_count, block.batches.len()), (1, 1));
    assert!(block.signers.iter().all(|signer| signer.signed));
    assert_eq!(block.results.as_ref().unwrap().height, place.height);
    let by_hash = BlockGet { hash: Some(place.block), ..BlockGet::default() };
    assert_eq!(chain.call::<BlockGetMethod>(by_hash).await.header, block.header);
    let genesis =
        BlockGet { height: Some(Height::ZERO), transactions: true, ..BlockGet::default() };
    let genesis = chain.call::<BlockGetMethod>(genesis).await;
    assert_eq!(genesis.hash, chain.service.chain.genesis().hash);
    let latest = chain.call::<BlockGetMethod>(BlockGet::default()).await;
    assert!(latest.header.height >= place.height);

    for view in [&genesis, &block] {
        let height = view.header.height;
        let selector = BlockSelector { height: Some(height), ..BlockSelector::default() };
        let answer = chain.call::<BlockCertificateMethod>(selector).await;
        let certified =
            verify::block_certificate(&answer, &chain.id(), chain.validators()).unwrap();
        assert_eq!(certified.height, height);
        verify::block_payload(view, &certified.header, chain.validators()).unwrap();
    }

    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let params = PageRequest { cursor: cursor.take(), limit: Some(2), min_height: None };
        let page = chain.call::<BlockListMethod>(params).await;
        assert!(page.items.len() <= 2);
        seen.extend(page.items.iter().map(|block| block.height.get()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let top = *seen.first().unwrap();
    assert_eq!(seen, (0..=top).rev().collect::<Vec<_>>(), "newest first, none twice, none lost");
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let chain = TestChain::start().await;
    let far = BlockGet { height: Some(Height::new(1 << 40)), ..BlockGet::default() };
    let error = chain.refused::<BlockGetMethod>(far).await;
    assert_eq!(error.code, ErrorCode::NotFound);
    let hash = Some(BlockHash::new(Digest::new([5; 32])));
    let strange = BlockGet { hash, ..BlockGet::default() };
    assert_eq!(chain.refused::<BlockGetMethod>(strange).await.code, ErrorCode::NotFound);
    let both = BlockSelector { height: Some(Height::ZERO), hash, min_height: None };
    let error = chain.refused::<BlockCertificateMethod>(both).await;
    assert_eq!(error.code, ErrorCode::InvalidParams);

    for limit in [0, 101] {
        let params = PageRequest { limit: Some(limit), ..PageRequest::default() };
        let error = chain.refused::<BlockListMethod>(params).await;
        assert_eq!(error.code, ErrorCode::InvalidParams);
    }
    for cursor in ["", "zz", "t1.2"] {
        let params = PageRequest { cursor: Some(cursor.to_owned()), ..PageRequest::default() };
        assert_eq!(chain.refused::<BlockListMethod>(params).await.code, ErrorCode::BadCursor);
    }
    let params = AccountHistory { cursor: Some("b5".to_owned()), ..history_of("alice") };
    assert_eq!(chain.refused::<AccountHistoryMethod>(params).await.code, ErrorCode::BadCursor);

    let min_height = Some(Height::new(1 << 40));
    let params = AccountGet { min_height, ..account_of("alice") };
    let error = chain.refused::<AccountGetMethod>(params).await;
    assert_eq!(error.code, ErrorCode::NotSynced);
    assert!(error.data.lag.unwrap() > 0);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_read_at_a_height_and_proven() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(3 * COIN)).await;
    let place = chain.settle(&tx).await;
    let read = AccountGet { min_height: Some(place.height), ..account_of("bob") };
    let bob = chain.call::<AccountGetMethod>(read).await;
    assert_eq!(bob.balance, Amount::new(1_000_003 * COIN));
    assert!(bob.exists && bob.at.height >= place.height && bob.proof.is_none());
    let alice = chain.call::<AccountGetMethod>(account_of("alice")).await;
    assert_eq!((alice.nonce, alice.next_nonce), (Nonce::new(1), Nonce::new(1)));

    chain.attested(place.height).await;
    for name in ["bob", "alice"] {
        let read = AccountGet { prove: true, ..account_of(name) };
        let view = chain.call::<AccountGetMethod>(read).await;
        let proof = view.proof.clone().unwrap();
        let attested = verify::account(&view, &proof, &chain.id(), chain.validators()).unwrap();
        assert_eq!(attested.header.executed.height, view.at.height);
    }
    // An address that was never used: absence is proven too.
    let nobody = logothete_primitives::SecretKey::from_seed([77; 32]).public().into();
    let read = AccountGet { address: nobody, at: None, min_height: None, prove: true };
    let view = chain.call::<AccountGetMethod>(read).await;
    assert!(!view.exists && view.balance.is_zero());
    verify::account(&view, &view.proof.clone().unwrap(), &chain.id(), chain.validators()).unwrap();

    let early = AccountGet { at: Some(Height::ZERO), ..account_of("bob") };
    let error = chain.refused::<AccountGetMethod>(early).await;
    assert_eq!(error.code, ErrorCode::Pruned, "bob has changed since");
    let same = AccountGet { at: Some(Height::ZERO), ..account_of("carol") };
    let carol = chain.call::<AccountGetMethod>(same).await;
    assert_eq!(carol.at.height, Height::ZERO);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_tells_what_came_and_went() {
    let chain = TestChain::start().await;
    let bob = account("bob").address;
    for coins in 1..=5 {
        let tx = chain.transfer("alice", bob, Amount::new(coins * COIN)).await;
        chain.settle(&tx).await;
    }
    let back = chain.transfer("bob", account("alice").address, Amount::new(COIN)).await;
    chain.settle(&back).await;

    let page = chain.call::<AccountHistoryMethod>(history_of("bob")).await;
    assert_eq!(page.items.len(), 6);
    assert_eq!(page.next_cursor, None);
    let newest = &page.items[0];
    assert_eq!((newest.hash, newest.sender), (back.hash(), bob));
    assert_eq!((newest.sent, newest.received), (Amount::new(COIN), Amount::ZERO));
    assert_eq!(newest.fee, back.body.fee);
    let received: Vec<u64> =
        page.items[1..].iter().map(|entry| entry.received.units() / COIN).collect();
    assert_eq!(received, [5, 4, 3, 2, 1]);
    assert!(page.items[1..].iter().all(|entry| entry.fee.is_zero() && entry.success));

    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let params = AccountHistory { cursor: cursor.take(), limit: Some(4), ..history_of("bob") };
        let page = chain.call::<AccountHistoryMethod>(params).await;
        paged.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, page.items);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faucet_gives_each_time_with_its_own_nonce() {
    let chain = TestChain::start().await;
    let address = logothete_primitives::SecretKey::from_seed([5; 32]).public().into();
    let drip = |amount| chain.call::<FaucetDripMethod>(FaucetDrip { address, amount });
    let (first, second, third) =
        tokio::join!(drip(None), drip(Some(Amount::new(COIN))), drip(None));
    for taken in [first.hash, second.hash, third.hash] {
        let status = chain.client.wait(taken, Duration::from_secs(20)).await.unwrap();
        assert!(matches!(status, TxStatus::Final(place) if place.success));
    }
    let read = AccountGet { address, at: None, min_height: None, prove: false };
    let view = chain.call::<AccountGetMethod>(read).await;
    assert_eq!(view.balance, Amount::new(201 * COIN));
    for amount in [Some(Amount::ZERO), Some(Amount::new(u64::MAX))] {
        let error = chain.refused::<FaucetDripMethod>(FaucetDrip { address, amount }).await;
        assert_eq!(error.code, ErrorCode::InvalidParams);
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_of_a_real_node_answer() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(COIN)).await;
    chain.settle(&tx).await;
    let get = |path: &'static str| {
        let url = format!("{}{path}", chain.url);
        async move {
            let answer = reqwest::get(url).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let (status, text) = get("/livez?verbose").await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("[+] driver"), "{text}");
    let (status, text) = get("/readyz?verbose").await;
    assert_eq!(status, 200, "{text}");
    let (_, text) = get("/metrics").await;
    for name in ["logothete_consensus_height", "logothete_execution_height"] {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert_ne!(line.rsplit(' ').next(), Some("0"), "{line}");
    }
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_calls_end_when_the_node_stops() {
    let chain = TestChain::start().await;
    let client = Client::new([chain.url.clone()]).unwrap();
    let hash = TxHash::new(Digest::new([1; 32]));
    let waiting = tokio::spawn(async move {
        let wait = TxWait { hash, timeout_ms: Some(60_000) };
        client.call_once::<TxWaitMethod>(wait).await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    chain.stop().await;
    let answer = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!(answer.unwrap_err().rpc().unwrap().code, ErrorCode::ShuttingDown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_that_nothing_is_in_its_way() {
    let chain = TestChain::start().await;
    chain.attested(Height::new(1)).await;
    let why = chain.call::<NodeWhyMethod>(Empty {}).await;
    assert!(why.healthy && why.obstacle.is_none() && why.missing.is_empty(), "{why:?}");
    assert_eq!((why.summary.as_str(), why.power_present), ("voting", why.quorum));
    assert!(why.stages.iter().any(|stage| stage.name == "driver" && stage.ok), "{why:?}");
    assert!(why.at.height >= Height::new(1));
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_value_of_the_state_is_proven_present_and_absent() {
    let chain = TestChain::start().await;
    let tx = chain.transfer("alice", account("bob").address, Amount::new(COIN)).await;
    let place = chain.settle(&tx).await;
    chain.attested(place.height).await;
    let bob = account("bob").address;
    let wish = StateProofGet { account: Some(bob), ..StateProofGet::default() };
    let (id, set) = (chain.id(), chain.validators());
    let view = chain.call::<StateProofMethod>(wish).await;
    let held = Account::from_value(&StateValue::new(&view.value.as_ref().unwrap().0)).unwrap();
    assert_eq!(held.balance, Amount::new(1_000_001 * COIN));
    let key = StateKey::account(&bob);
    let proof = view.proof.clone().unwrap();
    let attested = verify::state(&key, &view, &proof, &id, set).unwrap();
    assert_eq!(attested.header.executed.state_root, view.state_root);

    let nothing = StateKey::derive(Namespace::Accounts, b"nobody");
    let wish = StateProofGet { key: Some(*nothing.digest()), ..StateProofGet::default() };
    let absent = chain.call::<StateProofMethod>(wish).await;
    assert_eq!(absent.value, None);
    verify::state(&nothing, &absent, absent.proof.as_ref().unwrap(), &id, set).unwrap();
    let claimed = verify::state(&key, &absent, absent.proof.as_ref().unwrap(), &id, set);
    assert!(claimed.is_err(), "a proof is for its key");

    let neither = chain.refused::<StateProofMethod>(StateProofGet::default()).await;
    assert_eq!(neither.code, ErrorCode::InvalidParams);
    let both = StateProofGet { account: Some(bob), ..wish };
    assert_eq!(chain.refused::<StateProofMethod>(both).await.code, ErrorCode::InvalidParams);
    let early = StateProofGet { account: Some(bob), at: Some(Height::ZERO), ..Default::default() };
    assert_eq!(chain.refused::<StateProofMethod>(early).await.code, ErrorCode::Pruned);
    let late = StateProofGet { min_height: Some(Height::new(1 << 40)), ..wish };
    assert_eq!(chain.refused::<StateProofMethod>(late).await.code, ErrorCode::NotSynced);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_of_the_validators_is_counted_over_the_blocks_asked_for() {
    let chain = TestChain::start().await;
    chain.attested(Height::new(6)).await;
    let wish = UptimeGet { blocks: Some(3), at: Some(Height::new(5)), min_height: None };
    let uptime = chain.call::<ValidatorsUptimeMethod>(wish).await;
    assert_eq!((uptime.first_height, uptime.at.height), (Height::new(3), Height::new(5)));
    assert_eq!(uptime.blocks, 3);
    let [only] = uptime.items.as_slice() else { panic!("{uptime:?}") };
    assert_eq!((only.proposed, only.signed, only.missed), (3, 3, 0));
    assert_eq!((only.last_proposed, only.last_signed), (wish.at, wish.at));
    let all = UptimeGet { blocks: Some(1_000), ..wish };
    assert_eq!(chain.call::<ValidatorsUptimeMethod>(all).await.blocks, 5, "not genesis");
    let genesis = UptimeGet { at: Some(Height::ZERO), ..wish };
    assert_eq!(chain.call::<ValidatorsUptimeMethod>(genesis).await.blocks, 0);
    for blocks in [0, 1_001] {
        let error =
            chain.refused::<ValidatorsUptimeMethod>(UptimeGet { blocks: Some(blocks), ..wish });
        assert_eq!(error.await.code, ErrorCode::InvalidParams);
    }
    let late = UptimeGet { at: Some(Height::new(1 << 40)), ..wish };
    assert_eq!(chain.refused::<ValidatorsUptimeMethod>(late).await.code, ErrorCode::NotSynced);
    chain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_listed_once_each_while_the_chain_grows() {
    let chain = TestChain::start().await;
    chain.attested(Height::new(6)).await;
    let mut views = Vec::new();
    let mut cursor = None;
    loop {
        let params = PageRequest { cursor: cursor.take(), limit: Some(2), min_height: None };
        let page = chain.call::<ConsensusViewsMethod>(params).await;
        views.extend(page.items);
        // Blocks that come between two pages move nothing.
        chain.attested(page.at.height.next()).await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let first = views.first().unwrap().view.get();
    let numbers: Vec<u64> = views.iter().map(|record| record.view.get()).collect();
    assert_eq!(numbers, (1..=first).rev().collect::<Vec<_>>());
    let heights: Vec<u64> =
        views.iter().filter_map(|record| record.block).map(|block| block.height.get()).collect();
    let top = *heights.first().unwrap();
    assert_eq!(heights, (1..=top).rev().collect::<Vec<_>>());
    for record in &views {
        assert_eq!(record.block.is_some(), record.outcome == ViewOutcome::Block, "{record:?}");
        let seen = record.seen.as_ref().unwrap();
        assert_eq!((seen.votes.len(), seen.timer_ms), (1, 1_000));
        if record.outcome == ViewOutcome::Block {
            let own = seen.votes[0];
            assert!(own.prepare_ms.is_some() && own.commit_ms.is_some(), "{record:?}");
            assert_eq!((own.timeout_ms, seen.ended), (None, Some(ViewEnd::Votes)), "{record:?}");
        }
    }
    for record in views.iter().filter_map(|record| record.block) {
        let stored = chain.service.chain.expect_block(record.height).unwrap();
        assert_eq!((stored.hash, stored.block.header.timestamp), (record.hash, record.timestamp));
    }
    chain.stop().await;
}
