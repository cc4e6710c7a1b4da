//! A server whose interface behaves as the tests need it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use logothete_client::rpc::types::{
    AccountGet, AccountHistory, AccountView, AddressActivity, Anchor, AtLeast, BlockCertificate,
    BlockGet, BlockSelector, BlockSummary, BlockView, ChainInfo, ConsensusState, Empty, Event,
    EventKind, EvidenceView, ExecutedTx, ExecutedTxs, FaucetDrip, MempoolStats, NodePeers,
    NodeStatus, NodeWhy, OpenRpc, Page, PageRequest, Position, StateProofGet, StateProofView,
    Submitted, SubmittedEach, Subscribe, Told, TxBytes, TxDetails, TxEncode, TxEncoded, TxGet,
    TxSimulated, TxState, TxStatus, TxStatusGet, TxSubmitBatch, TxView, TxWait, UptimeGet,
    ValidatorsList, ValidatorsUptime, ViewRecord,
};
use logothete_client::rpc::{Api, RpcError, openrpc};
use logothete_node::metrics::Metrics;
use logothete_node::rpc::{
    Check, Dispatcher, Feed, Feeds, Health, Hosts, Limits, Server, bind, router, serve,
};
use logothete_primitives::{Amount, BlockHash, Height, TxHash};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What it serves as the encoding of the chain specification.
pub(crate) const GENESIS: &[u8] = b"a chain";

/// A running server with a fake behind it.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What answers its calls.
    pub(crate) dispatcher: Arc<Dispatcher<Fake>>,
    /// Ends it.
    pub(crate) stop: CancellationToken,
    /// Ends when it has stopped.
    pub(crate) server: JoinHandle<()>,
    /// A client.
    pub(crate) http: reqwest::Client,
}

impl Running {
    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Starts a server with the usual limits.
pub(crate) async fn start() -> Running {
    start_with(Limits::default()).await
}

/// Starts a server.
pub(crate) async fn start_with(limits: Limits) -> Running {
    let (metrics, stop) = (Metrics::new("test", &[]), CancellationToken::new());
    let dispatcher =
        Dispatcher::new(Fake::default(), limits.clone(), metrics.clone(), stop.clone());
    let hosts = Hosts::new(&["node.example".to_owned()], &["https://wallet.example".to_owned()]);
    let tasks = TaskTracker::new();
    let others = (tasks.clone(), GENESIS.into());
    let router = router(dispatcher.clone(), hosts, metrics.clone(), others);
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server { limits: Arc::new(limits), metrics, stopping: stop.clone(), tasks };
    let server = tokio::spawn(serve(listener, router, server));
    Running { address, dispatcher, stop, server, http: reqwest::Client::new() }
}

/// `mempool_stats` answers, `tx_wait` is pending, `chain_info` finds nothing, `node_status` takes
/// 400 ms, `consensus_state` panics; all others fail.
#[derive(Default)]
pub(crate) struct Fake {
    /// How many events were made.
    pub(crate) made: Arc<AtomicU64>,
    /// Told when a feed is dropped.
    pub(crate) dropped: Arc<Notify>,
}

/// Tells when it is dropped.
struct Drops(Arc<Notify>);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// How many transactions an event of the fake has.
pub(crate) const TXS_PER_EVENT: usize = 500;

/// `txs` are large events without end, `blocks` lags after three, `validators` fails at once, and of
/// `consensus` nothing is ever told.
impl Feeds for Fake {
    fn feed(&self, wish: &Subscribe) -> Result<Feed, RpcError> {
        let at = Anchor { height: Height::new(7), hash: BlockHash::ZERO };
        let (made, drops) = (Arc::clone(&self.made), Drops(Arc::clone(&self.dropped)));
        let next = move |number: u64| {
            made.fetch_add(1, Ordering::Relaxed);
            let _alive = &drops;
            large_event(number)
        };
        let events = match wish.kind {
            EventKind::Txs => stream::iter(1..).map(next).boxed(),
            EventKind::Blocks => {
                let lagged = Told::Lagged { resume_from: Height::new(99) };
                let lagged = Event { position: None, told: lagged };
                stream::iter(1..=3).map(next).chain(stream::iter([lagged])).boxed()
            }
            EventKind::Validators => stream::empty().boxed(),
            EventKind::Account => return Err(RpcError::pruned("it", Height::new(5))),
            EventKind::Consensus => stream::pending().boxed(),
        };
        Ok(Feed { at, events })
    }
}

fn large_event(number: u64) -> Event {
    let height = Height::new(number);
    let tx = ExecutedTx { hash: TxHash::ZERO, index: 0, success: true };
    let items = vec![tx; TXS_PER_EVENT];
    let told = Told::Txs(ExecutedTxs { height, block: BlockHash::ZERO, items });
    Event { position: Some(Position::all_of(height)), told }
}

fn fails<T>() -> Result<T, RpcError> {
    Err(RpcError::internal())
}

impl Api for Fake {
    async fn chain_info(&self, _: Empty) -> Result<ChainInfo, RpcError> {
        Err(RpcError::not_found("it"))
    }

    async fn node_status(&self, _: Empty) -> Result<NodeStatus, RpcError> {
        tokio::time::sleep(Duration::from_millis(400)).await;
        fails()
    }

    async fn node_why(&self, _: Empty) -> Result<NodeWhy, RpcError> {
        fails()
    }

    async fn node_peers(&self, _: Empty) -> Result<NodePeers, RpcError> {
        fails()
    }

    async fn block_get(&self, _: BlockGet) -> Result<BlockView, RpcError> {
        fails()
    }

    async fn block_list(&self, _: PageRequest) -> Result<Page<BlockSummary>, RpcError> {
        fails()
    }

    async fn block_certificate(&self, _: BlockSelector) -> Result<BlockCertificate, RpcError> {
        fails()
    }

    async fn tx_submit(&self, _: TxBytes) -> Result<Submitted, RpcError> {
        fails()
    }

    async fn tx_submit_batch(&self, _: TxSubmitBatch) -> Result<SubmittedEach, RpcError> {
        fails()
    }

    async fn tx_status(&self, _: TxStatusGet) -> Result<TxState, RpcError> {
        fails()
    }

    async fn tx_wait(&self, params: TxWait) -> Result<TxState, RpcError> {
        Ok(TxState { hash: params.hash, status: TxStatus::Pending })
    }

    async fn tx_get(&self, _: TxGet) -> Result<TxDetails, RpcError> {
        fails()
    }

    async fn tx_simulate(&self, _: TxBytes) -> Result<TxSimulated, RpcError> {
        fails()
    }

    async fn tx_encode(&self, _: TxEncode) -> Result<TxEncoded, RpcError> {
        fails()
    }

    async fn tx_decode(&self, _: TxBytes) -> Result<TxView, RpcError> {
        fails()
    }

    async fn account_get(&self, _: AccountGet) -> Result<AccountView, RpcError> {
        fails()
    }

    async fn account_history(&self, _: AccountHistory) -> Result<Page<AddressActivity>, RpcError> {
        fails()
    }

    async fn state_proof(&self, _: StateProofGet) -> Result<StateProofView, RpcError> {
        fails()
    }

    async fn validators_list(&self, _: AtLeast) -> Result<ValidatorsList, RpcError> {
        fails()
    }

    async fn consensus_views(&self, _: PageRequest) -> Result<Page<ViewRecord>, RpcError> {
        fails()
    }

    async fn evidence_list(&self, _: PageRequest) -> Result<Page<EvidenceView>, RpcError> {
        fails()
    }

    async fn validators_uptime(&self, _: UptimeGet) -> Result<ValidatorsUptime, RpcError> {
        fails()
    }

    async fn consensus_state(&self, _: Empty) -> Result<ConsensusState, RpcError> {
        panic!("a secret of the node");
    }

    async fn mempool_stats(&self, _: Empty) -> Result<MempoolStats, RpcError> {
        Ok(MempoolStats {
            count: 7,
            bytes: u64::MAX,
            in_flight: 0,
            accounts: 1,
            max_count: 10,
            max_bytes: 10,
            min_fee: Amount::ZERO,
        })
    }

    async fn rpc_discover(&self, _: Empty) -> Result<OpenRpc, RpcError> {
        Ok(openrpc::document().clone())
    }

    async fn faucet_drip(&self, _: FaucetDrip) -> Result<Submitted, RpcError> {
        fails()
    }
}

impl Health for Fake {
    fn live(&self) -> Vec<Check> {
        vec![Check::new("driver", true, "busy")]
    }

    fn ready(&self) -> Vec<Check> {
        vec![Check::new("quorum", true, "4 of 4"), Check::new("sync", false, "9 behind")]
    }
}
