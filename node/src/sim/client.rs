//! Clients: they pay one another through any member that is up, insist until they are told that it is final, and read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use logothete_client::TxBuilder;
use logothete_client::rpc::types::{AccountGet, TxBytes, TxPlace, TxStatus, TxWait};
use logothete_client::rpc::{Api as _, RpcError};
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Address, Amount, ChainId, Height, Nonce, SecretKey, TxHash};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use super::member::Stage;
use crate::rpc::{Limits, NodeApi};
use crate::service::Service;

/// How long a client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// An answer of the API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) height: Height,
    pub(super) address: Address,
    pub(super) balance: Amount,
    pub(super) nonce: Nonce,
}

/// What clients sent and were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// All transactions that were ever handed in.
    pub(super) submitted: BTreeSet<TxHash>,
    /// Those that were reported final, and where.
    pub(super) finals: BTreeMap<TxHash, TxPlace>,
    /// What was read.
    pub(super) reads: Vec<Read>,
}

/// The clients of a run.
pub(super) struct Clients {
    shared: Shared,
    wallets: Vec<SecretKey>,
    running: JoinSet<()>,
}

#[derive(Clone)]
struct Shared {
    chain: ChainId,
    addresses: Arc<Vec<Address>>,
    /// The interfaces of the members that are up.
    apis: Arc<Mutex<Vec<Option<NodeApi>>>>,
    told: Arc<Mutex<Told>>,
    journal: Journal,
    last: CancellationToken,
}

impl Shared {
    fn note_panic(&self, ended: &Result<(), JoinError>) {
        if ended.as_ref().is_err_and(JoinError::is_panic) {
            self.journal.violate("a client panicked");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clients {
    /// Clients with these wallets, for so many members.
    pub(super) fn new(
        stage: &Stage,
        wallets: Vec<SecretKey>,
        members: usize,
        journal: Journal,
    ) -> Self {
        let addresses = wallets.iter().map(|wallet| wallet.public().into()).collect();
        let shared = Shared {
            chain: stage.genesis.chain,
            addresses: Arc::new(addresses),
            apis: Arc::new(Mutex::new((0..members).map(|_| None).collect())),
            told: Arc::default(),
            journal,
            last: CancellationToken::new(),
        };
        Self { shared, wallets, running: JoinSet::new() }
    }

    /// Starts all.
    pub(super) fn start(&mut self, seed: u64) {
        for (number, wallet) in self.wallets.drain(..).enumerate() {
            let client = Client {
                shared: self.shared.clone(),
                number,
                address: wallet.public().into(),
                wallet,
                nonce: Nonce::ZERO,
                random: ChaCha8Rng::seed_from_u64(seed.rotate_left(17) ^ number as u64),
            };
            self.running.spawn(client.run());
        }
    }

    /// A member is up.
    pub(super) fn meet(&self, member: usize, service: Arc<Service>) {
        lock(&self.shared.apis)[member] = Some(NodeApi::new(service, Limits::default()));
    }

    /// A member is down.
    pub(super) fn lose(&self, member: usize) {
        lock(&self.shared.apis)[member] = None;
    }

    /// Asks all clients to finish what they are at.
    pub(super) fn wind_down(&self) {
        self.shared.last.cancel();
    }

    /// Whether all have.
    pub(super) fn are_done(&mut self) -> bool {
        while let Some(ended) = self.running.try_join_next() {
            self.shared.note_panic(&ended);
        }
        self.running.is_empty()
    }

    /// The highest height that a client was told of.
    pub(super) fn highest(&self) -> Height {
        lock(&self.shared.told).finals.values().map(|place| place.height).max().unwrap_or_default()
    }

    /// Ends all clients; what they sent and were told.
    pub(super) async fn finish(&mut self) -> Told {
        self.running.abort_all();
        while let Some(ended) = self.running.join_next().await {
            self.shared.note_panic(&ended);
        }
        std::mem::take(&mut lock(&self.shared.told))
    }
}

struct Client {
    shared: Shared,
    number: usize,
    wallet: SecretKey,
    address: Address,
    nonce: Nonce,
    random: ChaCha8Rng,
}

impl Client {
    async fn run(mut self) {
        while !self.shared.last.is_cancelled() {
            let pause = Duration::from_millis(self.random.random_range(0..400));
            sleep(pause).await;
            if self.random.random_bool(0.4) {
                self.read(None).await;
            } else if self.transfer().await.is_none() {
                return;
            }
        }
    }

    /// A member that is up, with its number.
    fn api(&mut self) -> Option<(usize, NodeApi)> {
        let apis = lock(&self.shared.apis);
        let up: Vec<usize> = (0..apis.len()).filter(|member| apis[*member].is_some()).collect();
        if up.is_empty() {
            return None;
        }
        let member = up[self.random.random_range(0..up.len())];
        apis[member].clone().map(|api| (member, api))
    }

    /// Pays somebody, and insists until that is final. `None` when the client gave up because of a violation.
    async fn transfer(&mut self) -> Option<()> {
        let others = self.shared.addresses.clone();
        let to = others[self.random.random_range(0..others.len())];
        let amount = self.random.random_range(1..1_000);
        let built = TxBuilder::new(self.shared.chain)
            .nonce(self.nonce)
            .transfer(to, Amount::new(amount))
            .expiry(Height::new(1_000_000))
            .sign(&self.wallet);
        let tx = match built {
            Ok(tx) => tx,
            Err(error) => return self.complain(&format!("cannot build a transfer: {error}")),
        };
        lock(&self.shared.told).submitted.insert(tx.hash());
        loop {
            if self.shared.journal.violation().is_some() {
                return None;
            }
            let Some((member, api)) = self.api() else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            match self.insist(&api, &tx).await {
                Ok(Some(place)) => {
                    self.nonce = self.nonce.next();
                    return self.settled(member, &api, tx.hash(), place).await;
                }
                Ok(None) => {}
                Err(error) if error.code.is_transient() => sleep(Duration::from_millis(50)).await,
                // The member does not know the earlier nonce yet: it will.
                Err(error) if error.data.reason.as_deref() == Some("NONCE_TOO_HIGH") => {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return self.complain(&format!("was refused by v{member}: {error}")),
            }
        }
    }

    fn complain(&self, what: &str) -> Option<()> {
        self.shared.journal.violate(format!("client {} {what}", self.number));
        None
    }

    /// Hands the transaction in and waits; where it is final, if it is.
    async fn insist(&self, api: &NodeApi, tx: &Transaction) -> Result<Option<TxPlace>, RpcError> {
        let hash = tx.hash();
        let bytes = TxBytes { tx: logothete_client::rpc::types::HexBytes(tx.encode()) };
        let Ok(taken) = timeout(PATIENCE, api.tx_submit(bytes)).await else { return Ok(None) };
        if let TxStatus::Final(place) = taken?.status {
            return Ok(Some(place));
        }
        let wait = TxWait { hash, timeout_ms: Some(2_000) };
        let Ok(state) = timeout(PATIENCE, api.tx_wait(wait)).await else { return Ok(None) };
        match state?.status {
            TxStatus::Final(place) => Ok(Some(place)),
            _ => Ok(None),
        }
    }

    /// Notes what is final, and that the member that said so shows it.
    async fn settled(
        &mut self,
        member: usize,
        api: &NodeApi,
        hash: TxHash,
        place: TxPlace,
    ) -> Option<()> {
        self.shared
            .journal
            .note(member, format!("tells client {} height {}", self.number, place.height));
        let height = place.height;
        let before = lock(&self.shared.told).finals.insert(hash, place.clone());
        if before.is_some_and(|before| before != place) {
            return self.complain(&format!("was told two places of {hash}"));
        }
        let min = Some((api.clone(), height, self.nonce));
        self.read(min).await;
        Some(())
    }

    /// Reads an account: the own one at a member that must show it, or any at any.
    async fn read(&mut self, own: Option<(NodeApi, Height, Nonce)>) {
        let (api, address, least) = match own {
            Some((api, height, nonce)) => (api, self.address, Some((height, nonce))),
            None => {
                let Some((_, api)) = self.api() else { return };
                let all = self.shared.addresses.clone();
                (api, all[self.random.random_range(0..all.len())], None)
            }
        };
        let params = AccountGet { address, at: None, min_height: None, prove: false };
        let Ok(Ok(view)) = timeout(PATIENCE, api.account_get(params)).await else { return };
        if let Some((height, nonce)) = least
            && (view.at.height < height || view.nonce < nonce)
        {
            self.complain(&format!(
                "does not read its own write: height {} after {height}, nonce {} after {nonce}",
                view.at.height, view.nonce
            ));
        }
        let read =
            Read { height: view.at.height, address, balance: view.balance, nonce: view.nonce };
        lock(&self.shared.told).reads.push(read);
    }
}
