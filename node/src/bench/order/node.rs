//! One process of the network of `bench order`: a validator that orders what its one client sends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use logothete_genesis::{FreshMarker, Spec, dev};
use logothete_ledger::batch::Payload;
use logothete_primitives::{ChainId, Domain, Height, ValidatorIndex, hash};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::network::{Plan, Seat};
use super::queue::PayloadQueue;
use super::stream::{self, Note};
use crate::chain::{Chain, Genesis};
use crate::config::{Audit, Config, Log, LogFormat, Mempool, P2p, Paths, Role, Rpc, Traces};
use crate::devnet::create::multiaddress;
use crate::dissemination::Content;
use crate::node::{Identity, Node};
use crate::recover;
use crate::rpc;
use crate::run::stop_on_signals;
use crate::service::Service;
use crate::{logging, workers};

/// Tells these chains from the one that any other node makes of the same chain file.
const ORDER: Domain = Domain::new("lgt/bench-order");
/// How long the client may take to come.
const CLIENT_PATIENCE: Duration = Duration::from_secs(120);

/// Runs one node of the network in `home`, until its client goes away or a signal ends it.
///
/// It begins with a directory of its own that must not exist, and never comes back.
///
/// # Errors
/// Why it could not start, or why it ended.
pub async fn run(home: &Path, index: u16) -> anyhow::Result<()> {
    logging::init(LogFormat::Text, "info")?;
    workers::start().context("starting the worker threads")?;
    let plan = Plan::load(home)?;
    let seat = plan.seats.get(usize::from(index)).context("the plan has no such node")?;
    let listener = TcpListener::bind(seat.payloads).await.context("listening for the client")?;
    let metrics = rpc::bind(seat.metrics).await?;

    let spec = Arc::new(Spec::load(&home.join(super::network::GENESIS))?);
    let secret = dev::validator_key(plan.seed, index);
    let genesis = genesis_of(&spec);
    let data = home.join(format!("node{index}"));
    std::fs::create_dir(&data).context("making a directory of its own")?;
    FreshMarker { key: secret.public(), chain: genesis.chain }.write_new(&data)?;
    let queue = Arc::new(PayloadQueue::default());
    let identity = Identity { spec, secret, genesis, source: Some(queue.clone()) };
    let node = Node::start_as(config(&plan, seat, index, data), identity).await?;

    let (service, stop) = (node.service.clone(), node.stop_token());
    stop_on_signals(&stop)?;
    let server = tokio::spawn(serve_metrics(metrics, service.clone()));
    let own = ValidatorIndex::new(index);
    tokio::spawn(async move {
        let client = serve_client(listener, &queue, &service, own);
        match client.await {
            Ok(()) => info!(event = "order.client.gone"),
            Err(error) => info!(event = "order.client.gone", %error),
        }
        service.stop.cancel();
    });
    let ended = node.finished().await;
    // It ends with the node; what it says was logged.
    let _ = server.await;
    ended
}

/// What a chain of opaque payloads starts from: its identity is not the one of its chain file.
fn genesis_of(spec: &Spec) -> Genesis {
    let of_file = recover::genesis_of(spec);
    let chain = ChainId::new(hash(ORDER, of_file.chain.as_bytes()));
    let header =
        logothete_consensus::BlockHeader::genesis(chain, spec.timestamp, of_file.header.executed);
    let mut rules = of_file.rules;
    rules.chain = chain;
    rules.content = Content::Payloads;
    Genesis { chain, hash: header.hash(), header, validators: of_file.validators, rules }
}

fn config(plan: &Plan, seat: &Seat, index: u16, data: PathBuf) -> Config {
    let others = (0..).zip(&plan.seats).filter(|(other, _)| *other != index);
    let peer = |(other, seat): (u16, &Seat)| {
        format!("{}@{}", dev::validator_key(plan.seed, other).public(), multiaddress(seat.p2p))
    };
    Config {
        role: Role::Validator,
        paths: Paths { genesis: data.join("none"), key: data.join("none"), data },
        p2p: P2p {
            listen: vec![multiaddress(seat.p2p)],
            bootstrap: others.map(peer).collect(),
            external: Vec::new(),
            discover: false,
        },
        rpc: Rpc { listen: seat.metrics, hosts: Vec::new(), origins: Vec::new() },
        admin: None,
        mempool: Mempool { transactions: 1 },
        log: Log { format: LogFormat::Text, level: "info".to_owned() },
        traces: Traces { endpoint: None, every: 1 },
        audit: Audit { signed: None },
        passphrase: None,
    }
}

/// Metrics and nothing else: there is no ledger to ask about.
async fn serve_metrics(listener: TcpListener, service: Arc<Service>) {
    let metrics = service.metrics.clone();
    let render = move || {
        let metrics = metrics.clone();
        async move { metrics.render().unwrap_or_default() }
    };
    let server = rpc::Server {
        limits: Arc::new(rpc::Limits::default()),
        metrics: service.metrics.clone(),
        stopping: service.stop.clone(),
        tasks: TaskTracker::new(),
    };
    rpc::serve(listener, Router::new().route("/metrics", get(render)), server).await;
}

/// Takes payloads from the one client and tells it which are final, until it goes away.
async fn serve_client(
    listener: TcpListener,
    queue: &PayloadQueue,
    service: &Service,
    own: ValidatorIndex,
) -> io::Result<()> {
    let accepted = tokio::time::timeout(CLIENT_PATIENCE, listener.accept()).await;
    let (client, _) = accepted.map_err(|_| io::ErrorKind::TimedOut)??;
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    tokio::select! {
        ended = stream::take_in(from_client, queue) => ended,
        ended = tell(to_client, queue, service, own) => ended,
        () = service.stop.cancelled() => Ok(()),
    }
}

/// Sends a note for every batch of ours in every executed block.
async fn tell(
    mut to_client: impl AsyncWrite + Unpin,
    queue: &PayloadQueue,
    service: &Service,
    own: ValidatorIndex,
) -> io::Result<()> {
    let mut head = service.head.clone();
    let mut told = Height::ZERO;
    loop {
        let height = head.borrow_and_update().height;
        let mut notes = Vec::new();
        while told < height {
            told = told.next();
            let block = final_in(&service.chain, told, own)?;
            let settled = block.into_iter().filter_map(|hash| queue.settle(&hash));
            let note = |numbers| Note { numbers, height: told.get() }.to_bytes();
            notes.extend(settled.flat_map(note));
        }
        if !notes.is_empty() {
            to_client.write_all(&notes).await?;
        }
        if head.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// The batches of one author that the block of a height orders.
fn final_in(
    chain: &Chain,
    height: Height,
    own: ValidatorIndex,
) -> io::Result<Vec<logothete_primitives::BatchHash>> {
    let stored = chain.expect_block(height).map_err(io::Error::other)?;
    let payload = Payload::decode(&stored.block.payload).map_err(io::Error::other)?;
    let owned = payload.batches.iter().filter(|reference| reference.author == own);
    Ok(owned.map(|reference| reference.hash).collect())
}

#[cfg(test)]
mod tests {
    use super::super::network::chain_file;
    use super::*;

    #[test]
    fn the_chain_is_not_the_one_that_a_node_makes_of_the_same_file() {
        let spec = chain_file(4, 7).expect("a good chain file");
        let (ours, theirs) = (genesis_of(&spec), recover::genesis_of(&spec));
        assert_ne!(ours.chain, theirs.chain);
        assert_ne!(ours.hash, theirs.hash);
        assert_eq!(
            (ours.rules.content, theirs.rules.content),
            (Content::Payloads, Content::Transactions)
        );
    }
}
