//! A chain of one validator, whole and real, with its RPC.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use logothete_client::rpc::types::{TxPlace, TxStatus};
use logothete_client::rpc::{Method, RpcError};
use logothete_client::{Client, ClientError, TxBuilder};
use logothete_genesis::dev::{self, DevAccount};
use logothete_genesis::network_files::{Keys, NodeOptions, Options, generate};
use logothete_genesis::spec::AccountSpec;
use logothete_ledger::params::ChainParams;
use logothete_ledger::transaction::Transaction;
use logothete_node::config::{
    Audit, Config, Log, LogFormat, Mempool, P2p, Paths, Role, Rpc, Traces,
};
use logothete_node::node::Node;
use logothete_node::rpc::{self, Limits};
use logothete_node::service::Service;
use logothete_primitives::{Address, Amount, ChainId, Height, TimestampMs, ValidatorSet};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running chain.
pub(crate) struct TestChain {
    /// A client of its node.
    pub(crate) client: Client,
    /// Where the node listens.
    pub(crate) url: String,
    /// The node.
    pub(crate) service: Arc<Service>,
    /// Ends it.
    pub(crate) stop: CancellationToken,
    /// The same address, as the system has it.
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
    node: Node,
    limits: Limits,
    traces: Option<String>,
    dir: TempDir,
}

/// A development account; its coins are in the genesis.
pub(crate) fn account(name: &str) -> DevAccount {
    dev::account(name).unwrap()
}

impl TestChain {
    /// Starts the chain.
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    /// Starts the chain with other limits of its interface.
    pub(crate) async fn start_with(limits: Limits) -> Self {
        Self::start_traced(limits, None).await
    }

    /// Starts the chain with the traces of all its transactions sent to an endpoint.
    pub(crate) async fn start_traced(limits: Limits, traces: Option<String>) -> Self {
        let dir = TempDir::new().unwrap();
        generate(&options(), &dir.path().join("net")).unwrap();
        Self::run(dir, "127.0.0.1:0".parse().unwrap(), (limits, traces)).await
    }

    /// Stops the node, and starts it again at the same address.
    pub(crate) async fn restart(self) -> Self {
        let Self { service, stop, server, node, dir, address, limits, traces, .. } = self;
        // Whoever holds the service holds the database.
        drop(service);
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
        node.finished().await.unwrap();
        Self::run(dir, address, (limits, traces)).await
    }

    async fn run(
        dir: TempDir,
        listen: SocketAddr,
        (limits, traces): (Limits, Option<String>),
    ) -> Self {
        let home = dir.path().join("net/node0");
        let config = Config {
            role: Role::Validator,
            paths: Paths {
                data: home.join("data"),
                genesis: home.join("genesis.toml"),
                key: home.join("key.json"),
            },
            p2p: P2p {
                listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
                bootstrap: Vec::new(),
                external: Vec::new(),
                discover: false,
            },
            rpc: Rpc { listen, hosts: Vec::new(), origins: Vec::new() },
            admin: None,
            mempool: Mempool { transactions: 100_000 },
            log: Log { format: LogFormat::Text, level: "info".to_owned() },
            traces: Traces { endpoint: traces.clone(), every: 1 },
            audit: Audit { signed: None },
            passphrase: None,
        };
        let listener = rpc::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let node = Node::start(config).await.unwrap();
        let (service, stop) = (node.service.clone(), node.stop_token());
        let options = rpc::Options { limits: limits.clone(), ..rpc::Options::default() };
        let server = rpc::spawn(listener, service.clone(), options, stop.clone());
        let client = Client::new([url.clone()]).unwrap();
        Self { client, url, address, service, stop, server, node, limits, traces, dir }
    }

    /// Calls a method.
    pub(crate) async fn call<M: Method>(&self, params: M::Params) -> M::Result {
        self.client.call_once::<M>(params).await.unwrap()
    }

    /// Calls a method that must refuse.
    pub(crate) async fn refused<M: Method>(&self, params: M::Params) -> RpcError
    where
        M::Result: std::fmt::Debug,
    {
        match self.client.call_once::<M>(params).await {
            Err(ClientError::Rpc(error)) => {
                assert!(!error.data.hint.is_empty(), "{error:?}");
                assert_eq!(error.data.code, error.code.name());
                *error
            }
            other => panic!("an error was expected, not {other:?}"),
        }
    }

    /// The identity of the chain.
    pub(crate) fn id(&self) -> ChainId {
        self.service.chain.genesis().chain
    }

    /// Its validators.
    pub(crate) fn validators(&self) -> &ValidatorSet {
        &self.service.chain.genesis().validators
    }

    /// A signed transfer with the sender's next nonce.
    pub(crate) async fn transfer(&self, from: &str, to: Address, amount: Amount) -> Transaction {
        let sender = account(from);
        let state = self.client.account(&sender.address).await.unwrap();
        let builder = TxBuilder::new(self.id()).nonce(state.next_nonce).transfer(to, amount);
        builder.expires_after(state.at.height, 1_000).sign(&sender.secret).unwrap()
    }

    /// Sends a transaction and waits until it is final.
    pub(crate) async fn settle(&self, tx: &Transaction) -> TxPlace {
        let taken = self.client.submit(tx).await.unwrap();
        match self.client.wait(taken.hash, Duration::from_secs(20)).await.unwrap() {
            TxStatus::Final(place) => place,
            other => panic!("a final transaction was expected, not {other:?}"),
        }
    }

    /// Waits until a final header attests a height.
    pub(crate) async fn attested(&self, height: Height) {
        let mut head = self.service.head.clone();
        let reached = head.wait_for(|head| head.attested.height >= height);
        tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap().unwrap();
    }

    /// Stops the node and waits for its server and its stages.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.server).await.unwrap().unwrap();
        self.node.finished().await.unwrap();
    }
}

fn options() -> Options {
    let accounts = dev::accounts().map(|account| AccountSpec {
        address: account.address,
        balance: Amount::new(1_000_000_000_000),
        name: Some(account.name.to_owned()),
    });
    Options {
        chain_name: "rpc-test".to_owned(),
        timestamp: TimestampMs::new(1_700_000_000_000),
        params: ChainParams {
            dev: true,
            fee_account: dev::treasury().address,
            empty_block_interval_ms: 100,
            ..ChainParams::default()
        },
        nodes: vec![NodeOptions::local_validator("v0", 0, 0)],
        accounts: accounts.collect(),
        keys: Keys::Plain,
    }
}
