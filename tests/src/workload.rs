//! Clients that send signed transfers and remember what they were told is final.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{TxPlace, TxStatus};
use logothete_client::{Client, TxBuilder};
use logothete_primitives::{Address, Amount, ChainId, Height, Nonce, SecretKey, TxHash};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::network::{Plan, TestNet, account_key};

/// How long one wait for finality lasts before the same bytes are sent again.
const WAIT: Duration = Duration::from_secs(3);
/// How long a transaction may take in all, faults included.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many blocks a transaction may wait.
const EXPIRES_AFTER: u64 = 1_000_000;

/// What clients were told: every transaction that was reported final, and where.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<TxHash, TxPlace>>>);

impl Ledger {
    fn record(&self, hash: TxHash, place: TxPlace) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(hash, place);
    }

    /// Everything that was reported final so far.
    pub fn told(&self) -> BTreeMap<TxHash, TxPlace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many were reported final so far.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One sender, in a closed loop: it sends the next transfer when the last one is final.
struct Sender {
    client: Client,
    chain: ChainId,
    key: SecretKey,
    to: Address,
    nonce: Nonce,
    ledger: Ledger,
}

impl Sender {
    /// The sender of account `index`, who prefers node `index` but takes any of `nodes`.
    fn new(net: &TestNet, index: usize, nodes: &[usize], ledger: &Ledger) -> anyhow::Result<Self> {
        let mut order = nodes.to_vec();
        order.rotate_left(index % nodes.len());
        let urls = order.into_iter().map(|node| format!("http://{}", net.nodes[node].rpc));
        Ok(Self {
            client: Client::new(urls)?,
            chain: net.spec.chain_id(),
            key: account_key(index),
            to: account_key((index + 1) % net.spec.accounts.len()).public().into(),
            nonce: Nonce::ZERO,
            ledger: ledger.clone(),
        })
    }

    /// Goes on with the nonce that follows what the account has sent already.
    async fn resume(&mut self) -> anyhow::Result<()> {
        let address = self.key.public().into();
        self.nonce = self.client.account(&address).await?.next_nonce;
        Ok(())
    }

    /// Sends one transfer and waits until it is final; the same bytes go out again until they are.
    async fn transfer(&mut self) -> anyhow::Result<()> {
        let tx = TxBuilder::new(self.chain)
            .nonce(self.nonce)
            .transfer(self.to, Amount::new(1_000))
            .expiry(Height::new(EXPIRES_AFTER))
            .sign(&self.key)?;
        let hash = tx.hash();
        let deadline = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.client.submit(&tx).await {
                Ok(_) => {}
                Err(error) if error.rpc().is_some_and(is_final) => {
                    bail!("transaction {hash} was refused: {error}");
                }
                Err(error) => {
                    last = error.to_string();
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            }
            match self.client.wait(hash, WAIT).await {
                Ok(TxStatus::Final(place)) => {
                    self.ledger.record(hash, place);
                    self.nonce = self.nonce.next();
                    return Ok(());
                }
                Ok(other) => last = format!("{other:?}"),
                Err(error) => last = error.to_string(),
            }
        }
        bail!("transaction {hash} was not final after {PATIENCE:?}: {last}")
    }
}

/// Whether a refusal is the last word. A node that was just started does not know yet how far the others are.
fn is_final(error: &RpcError) -> bool {
    !error.code.is_transient() && error.data.reason.as_deref() != Some("NONCE_TOO_HIGH")
}

/// Sends `each` transfers from each of the first `senders` accounts to `nodes`, and waits for all of them.
///
/// # Errors
/// When one is refused or does not become final in time.
pub async fn send_all(
    net: &TestNet,
    nodes: &[usize],
    (senders, each): (usize, usize),
) -> anyhow::Result<Ledger> {
    let ledger = Ledger::default();
    let runs = (0..senders).map(|index| {
        let sender = Sender::new(net, index, nodes, &ledger);
        async move {
            let mut sender = sender?;
            sender.resume().await?;
            for _ in 0..each {
                sender.transfer().await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(runs).await?;
    Ok(ledger)
}

/// Starts a network and a load on all its validators, and waits until the first transactions are final.
///
/// # Errors
/// When the network does not come to life.
pub async fn network_under_load(plan: Plan, senders: usize) -> anyhow::Result<(TestNet, Load)> {
    let all: Vec<usize> = (0..plan.validators).collect();
    let net = TestNet::start(plan).await?;
    net.wait_ready().await?;
    let load = Load::start(&net, &all, senders)?;
    load.wait_progress(50, Duration::from_secs(60)).await?;
    Ok((net, load))
}

/// Load that runs beside a test until it is stopped.
pub struct Load {
    /// What the clients were told.
    pub ledger: Ledger,
    senders: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    /// Why the first sender gave up, if one did.
    gave_up: Arc<OnceLock<String>>,
}

impl Load {
    /// Starts `senders` closed loops against `nodes`.
    ///
    /// # Errors
    /// When a client cannot be made.
    pub fn start(net: &TestNet, nodes: &[usize], senders: usize) -> anyhow::Result<Self> {
        let ledger = Ledger::default();
        let stop = CancellationToken::new();
        let gave_up = Arc::<OnceLock<String>>::default();
        let mut running = JoinSet::new();
        for index in 0..senders {
            let mut sender = Sender::new(net, index, nodes, &ledger)?;
            let (stop, gave_up) = (stop.clone(), gave_up.clone());
            running.spawn(async move {
                while !stop.is_cancelled() {
                    let sent = sender.transfer().await;
                    sent.inspect_err(|error| drop(gave_up.set(format!("{error:#}"))))?;
                }
                Ok(())
            });
        }
        Ok(Self { ledger, senders: running, stop, gave_up })
    }

    /// Waits until the clients were told of `more` further final transactions.
    ///
    /// # Errors
    /// When they are not within `limit`.
    pub async fn wait_progress(&self, more: usize, limit: Duration) -> anyhow::Result<()> {
        let target = self.ledger.len() + more;
        let deadline = Instant::now() + limit;
        while self.ledger.len() < target {
            if let Some(reason) = self.gave_up.get() {
                bail!("a sender gave up: {reason}");
            }
            if Instant::now() > deadline {
                bail!(
                    "only {} of {target} transactions became final in {limit:?}",
                    self.ledger.len()
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Lets every sender finish its transfer, and returns what they were told.
    ///
    /// # Errors
    /// When a transaction was refused or did not become final.
    pub async fn finish(mut self) -> anyhow::Result<Ledger> {
        self.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended.context("a sender panicked")??;
        }
        Ok(self.ledger)
    }
}
