//! The client against nodes that refuse, fall silent, talk nonsense or are not there.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logothete_client::rpc::error::Refusal;
use logothete_client::rpc::method::{ChainInfoMethod, FaucetDripMethod, TxStatusMethod};
use logothete_client::rpc::types::{Empty, FaucetDrip, Submitted, TxState, TxStatus, TxStatusGet};
use logothete_client::rpc::{ErrorCode, Request, Response, RpcError};
use logothete_client::{Client, ClientError, RetryPolicy, TxBuilder};
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Amount, BlockHash, ChainId, Height, Nonce, SecretKey, TxHash};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the node does with its next call. The last one repeats.
#[derive(Clone)]
enum Step {
    Answer(Value),
    Refuse(RpcError),
    /// The connection ends without an answer.
    Vanish,
    /// The connection stays open without an answer.
    Hang,
    Say(&'static str),
}

#[derive(Clone)]
struct Node {
    url: String,
    steps: Arc<Mutex<VecDeque<Step>>>,
    calls: Arc<Mutex<Vec<Request>>>,
}

impl Node {
    async fn with(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let steps = Arc::new(Mutex::new(steps.into_iter().collect()));
        let node = Self { url, steps, calls: Arc::default() };
        let serving = node.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        node
    }

    async fn serve(self, mut stream: TcpStream) {
        let request = read_request(&mut stream).await;
        let id = request.id.clone().unwrap();
        self.calls.lock().unwrap().push(request);
        let step = {
            let mut steps = self.steps.lock().unwrap();
            if steps.len() > 1 { steps.pop_front().unwrap() } else { steps[0].clone() }
        };
        let body = match step {
            Step::Answer(result) => serde_json::to_string(&Response::new(id, Ok(result))).unwrap(),
            Step::Refuse(error) => serde_json::to_string(&Response::new(id, Err(error))).unwrap(),
            Step::Say(text) => text.to_owned(),
            Step::Vanish => return,
            Step::Hang => return tokio::time::sleep(Duration::from_secs(60)).await,
        };
        let status = if body.starts_with('{') { "200 OK" } else { "503 Service Unavailable" };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
    }

    fn methods(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|call| call.method.clone()).collect()
    }
}

async fn read_request(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "the request ended early");
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        assert!(text.starts_with("post /rpc http/1.1"), "{text}");
        let length = text.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if bytes.len() == head + 4 + length {
            return serde_json::from_slice(&bytes[head + 4..]).unwrap();
        }
    }
}

/// The address of a node that is not there.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client(urls: impl IntoIterator<Item = String>) -> Client {
    let policy = RetryPolicy {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(5),
        budget: Duration::from_millis(300),
        attempt: Duration::from_millis(200),
    };
    Client::new(urls).unwrap().with_retry(policy, policy)
}

fn tx() -> Transaction {
    let key = SecretKey::from_seed([1; 32]);
    TxBuilder::new(ChainId::ZERO)
        .nonce(Nonce::ZERO)
        .expiry(Height::new(9))
        .transfer(SecretKey::from_seed([2; 32]).public().into(), Amount::COIN)
        .sign(&key)
        .unwrap()
}

fn answer<T: Serialize>(result: &T) -> Step {
    Step::Answer(serde_json::to_value(result).unwrap())
}

fn taken(hash: TxHash) -> Step {
    answer(&Submitted { hash, status: TxStatus::Pending, known: false })
}

fn state(hash: TxHash, status: TxStatus) -> Step {
    answer(&TxState { hash, status })
}

fn place() -> TxStatus {
    TxStatus::Final(logothete_client::rpc::types::TxPlace {
        height: Height::new(7),
        block: BlockHash::ZERO,
        index: 0,
        success: true,
        failure: None,
    })
}

fn nonce_too_low() -> RpcError {
    let refusal = Refusal {
        reason: "NONCE_TOO_LOW".to_owned(),
        expected: Some("1".to_owned()),
        got: Some("0".to_owned()),
    };
    RpcError::tx_rejected(None, refusal, "sign again")
}

#[tokio::test]
async fn a_submit_is_repeated_with_the_same_bytes_until_it_is_answered() {
    let hash = tx().hash();
    let steps = [Step::Vanish, Step::Say("<html>"), Step::Vanish, taken(hash)];
    let node = Node::with(steps).await;
    let submitted = client([node.url.clone()]).submit(&tx()).await.unwrap();
    assert_eq!(submitted.hash, hash);
    let calls = node.calls.lock().unwrap();
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|call| call.params == calls[0].params));
    assert_eq!(calls[0].params["tx"], hex::encode(tx().encode()));
}

#[tokio::test]
async fn a_submit_goes_to_another_node_when_one_is_gone() {
    let node = Node::with([taken(tx().hash())]).await;
    let submitted = client([nobody().await, node.url.clone()]).submit(&tx()).await.unwrap();
    assert_eq!(submitted.status, TxStatus::Pending);
    assert_eq!(node.methods(), ["tx_submit"]);
}

#[tokio::test]
async fn a_known_transaction_counts_as_taken() {
    let hash = tx().hash();
    let node = Node::with([Step::Refuse(RpcError::already_known(hash, TxStatus::InFlight))]).await;
    let submitted = client([node.url]).submit(&tx()).await.unwrap();
    assert_eq!(submitted, Submitted { hash, status: TxStatus::InFlight, known: true });
}

#[tokio::test]
async fn a_refusal_is_final_at_once() {
    let node = Node::with([Step::Refuse(nonce_too_low())]).await;
    let refused = client([node.url.clone()]).submit(&tx()).await.unwrap_err();
    assert_eq!(refused.rpc().unwrap().code, ErrorCode::TxRejected);
    assert_eq!(node.methods(), ["tx_submit"]);
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_may_be_success() {
    let hash = tx().hash();
    let node =
        Node::with([Step::Vanish, Step::Refuse(nonce_too_low()), state(hash, place())]).await;
    let submitted = client([node.url.clone()]).submit(&tx()).await.unwrap();
    assert_eq!(submitted, Submitted { hash, status: place(), known: true });
    assert_eq!(node.methods(), ["tx_submit", "tx_submit", "tx_status"]);

    let unknown = state(hash, TxStatus::Unknown);
    let node = Node::with([Step::Vanish, Step::Refuse(nonce_too_low()), unknown]).await;
    let refused = client([node.url]).submit(&tx()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Rpc(_)), "{refused:?}");

    let node = Node::with([Step::Vanish, Step::Refuse(nonce_too_low()), Step::Vanish]).await;
    let unknown = client([node.url]).submit(&tx()).await.unwrap_err();
    assert!(matches!(unknown, ClientError::Unknown { hash: told, .. } if told == hash));
}

#[tokio::test]
async fn a_lost_answer_never_loses_the_hash() {
    let hash = tx().hash();
    for step in [Step::Vanish, Step::Hang, Step::Say("no"), Step::Say("{}"), taken(TxHash::ZERO)] {
        let node = Node::with([step]).await;
        match client([node.url]).submit(&tx()).await.unwrap_err() {
            ClientError::Unknown { hash: told, .. } => assert_eq!(told, hash),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_transaction_nobody_heard_of_is_not_called_unknown() {
    let error = client([nobody().await, nobody().await]).submit(&tx()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_full_mempool_is_given_the_time_it_asks_for() {
    let full = Step::Refuse(RpcError::mempool_full(None, 120));
    let node = Node::with([full, taken(tx().hash())]).await;
    let began = Instant::now();
    client([node.url]).submit(&tx()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn reads_go_around_nodes_that_cannot_answer() {
    let hash = tx().hash();
    let behind = Node::with([Step::Refuse(RpcError::not_synced(5))]).await;
    let good = Node::with([state(hash, TxStatus::Pending)]).await;
    let client = client([behind.url.clone(), nobody().await, good.url.clone()]);
    for _ in 0..3 {
        let found =
            client.call::<TxStatusMethod>(TxStatusGet { hash, min_height: None }).await.unwrap();
        assert_eq!(found.status, TxStatus::Pending);
    }
    assert_eq!(behind.methods().len(), 1, "the node that answered is asked first from then on");
    assert_eq!(good.methods().len(), 3);
}

#[tokio::test]
async fn a_read_that_all_nodes_refuse_ends_soon() {
    let behind = Node::with([Step::Refuse(RpcError::not_synced(5))]).await;
    let client = client([behind.url.clone(), behind.url.clone()]);
    let error = client.call::<ChainInfoMethod>(Empty {}).await.unwrap_err();
    assert_eq!(error.rpc().unwrap().code, ErrorCode::NotSynced);
    assert_eq!(behind.methods().len(), 2);
}

#[tokio::test]
async fn what_is_not_harmless_is_asked_for_once() {
    let node = Node::with([Step::Vanish]).await;
    let client = client([node.url.clone()]);
    let params =
        FaucetDrip { address: SecretKey::from_seed([1; 32]).public().into(), amount: None };
    let lost = client.call::<FaucetDripMethod>(params).await.unwrap_err();
    assert!(matches!(lost, ClientError::Lost { .. }), "{lost:?}");
    assert_eq!(node.methods(), ["faucet_drip"]);
}

#[tokio::test]
async fn senseless_answers_are_told_apart_from_refusals() {
    for text in [
        "{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
        "[]",
        "{",
    ] {
        let node = Node::with([Step::Say(text)]).await;
        let client = client([node.url]);
        let error = client.call_once::<ChainInfoMethod>(Empty {}).await.unwrap_err();
        assert!(matches!(error, ClientError::BadAnswer { .. }), "{text}: {error:?}");
    }
    let text = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"x\"}}";
    let node = Node::with([Step::Say(text)]).await;
    let error = client([node.url]).call_raw("x", Value::Null).await.unwrap_err();
    assert_eq!(error.rpc().unwrap().code, ErrorCode::ParseError);
}

#[tokio::test]
async fn a_wait_ends_when_the_transaction_is_settled() {
    let hash = tx().hash();
    let node = Node::with([
        state(hash, TxStatus::Unknown),
        state(hash, TxStatus::InFlight),
        Step::Vanish,
        state(hash, place()),
    ])
    .await;
    let status = client([node.url]).wait(hash, Duration::from_secs(20)).await.unwrap();
    assert_eq!(status, place());

    let dropped = TxStatus::Dropped { reason: "EXPIRED".to_owned() };
    let node = Node::with([state(hash, dropped.clone())]).await;
    assert_eq!(client([node.url]).wait(hash, Duration::from_secs(20)).await.unwrap(), dropped);
}

#[tokio::test]
async fn a_wait_that_runs_out_tells_what_was_seen_last() {
    let hash = tx().hash();
    let patience = Duration::from_millis(200);
    let node = Node::with([state(hash, TxStatus::Pending), Step::Vanish]).await;
    let status = client([node.url, nobody().await]).wait(hash, patience).await.unwrap();
    assert_eq!(status, TxStatus::Pending);

    let error = client([nobody().await]).wait(hash, patience).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");

    let node = Node::with([Step::Refuse(RpcError::invalid_params("x", "y"))]).await;
    let error = client([node.url.clone()]).wait(hash, patience).await.unwrap_err();
    assert_eq!(error.rpc().unwrap().code, ErrorCode::InvalidParams);
    assert_eq!(node.methods().len(), 1);
}

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    let none: [String; 0] = [];
    assert!(matches!(Client::new(none), Err(ClientError::NoUrls)));
    for bad in ["127.0.0.1:8080", "https://node.example", "ftp://x", "http://", "x y"] {
        let error = Client::new([bad]).unwrap_err();
        assert!(matches!(error, ClientError::BadUrl { .. }), "{bad}: {error:?}");
    }
    assert!(Client::new(["http://[::1]:8080", "http://node.example/prefix/rpc"]).is_ok());
}
