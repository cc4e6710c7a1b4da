//! A server whose interface behaves as the tests need it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use logothete_client::rpc::types::{
    AccountGet, AccountHistory, AccountView, AddressActivity, BlockCertificate, BlockGet,
    BlockSelector, BlockSummary, BlockView, ChainInfo, ConsensusState, Empty, EvidenceView,
    FaucetDrip, MempoolStats, NodePeers, NodeStatus, Page, PageRequest, Submitted, SubmittedEach,
    TxBytes, TxDetails, TxEncode, TxEncoded, TxGet, TxHashOnly, TxSimulated, TxState, TxStatus,
    TxSubmitBatch, TxView, TxWait, ValidatorsList,
};
use logothete_client::rpc::{Api, RpcError};
use logothete_node::metrics::Metrics;
use logothete_node::rpc::{Check, Dispatcher, Health, Hosts, Limits, Server, bind, router, serve};
use logothete_primitives::Amount;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    let dispatcher = Dispatcher::new(Fake, limits.clone(), metrics.clone(), stop.clone());
    let hosts = Hosts::new(&["node.example".to_owned()], &["https://wallet.example".to_owned()]);
    let router = router(dispatcher.clone(), hosts, metrics.clone(), GENESIS.into());
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server { limits: Arc::new(limits), metrics, stopping: stop.clone() };
    let server = tokio::spawn(serve(listener, router, server));
    Running { address, dispatcher, stop, server, http: reqwest::Client::new() }
}

/// `mempool_stats` answers, `tx_wait` is pending, `chain_info` finds nothing, `node_status` takes
/// 400 ms, `consensus_state` panics; all others fail.
pub(crate) struct Fake;

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

    async fn tx_status(&self, _: TxHashOnly) -> Result<TxState, RpcError> {
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

    async fn validators_list(&self, _: Empty) -> Result<ValidatorsList, RpcError> {
        fails()
    }

    async fn evidence_list(&self, _: PageRequest) -> Result<Page<EvidenceView>, RpcError> {
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
