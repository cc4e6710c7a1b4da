//! Workers that keep their accounts busy: sign, hand in by the batch, wait until accounts come back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use logothete_client::Client;
use logothete_client::rpc::RpcError;
use logothete_client::rpc::method::TxSubmitBatchMethod;
use logothete_client::rpc::types::{HexBytes, SubmitOutcome, TxSubmitBatch};
use logothete_primitives::{Address, TxHash};
use tokio::sync::mpsc;

use super::Chain;
use super::accounts::Account;
use super::finality::Tracker;
use super::pace::Pace;

/// Longest wait between two looks at whether it is over.
const PATIENCE: Duration = Duration::from_millis(100);
/// Wait before bytes that were pushed back are sent again, when the node names none.
const RETRY_AFTER: Duration = Duration::from_millis(20);
/// Shortest time from one request of a worker to its next. Requests of a handful of transactions each would measure HTTP; what is
/// due meanwhile waits, and the wait is in its latency.
const REQUEST_PAUSE: Duration = Duration::from_millis(5);
/// Attempts for one batch before its rest is given up.
const ATTEMPTS_MAX: u32 = 200;

/// What was handed in.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Transactions handed in.
    pub submitted: u64,
    /// Transactions pushed back and sent again.
    pub pushed_back: u64,
    /// Transactions refused for good, by reason.
    pub refused: BTreeMap<String, u64>,
}

impl Sent {
    /// Adds what another worker sent.
    pub fn add(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.pushed_back += other.pushed_back;
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
    }
}

/// Keeps its accounts busy against one node.
#[derive(Debug)]
pub struct Worker {
    /// To one node.
    pub client: Client,
    /// What is signed for.
    pub chain: Chain,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// Accounts whose transactions became final, by index.
    pub returned: mpsc::UnboundedReceiver<usize>,
    /// Where transactions are waited for.
    pub tracker: Arc<Tracker>,
    /// When it may send.
    pub pace: Pace,
    /// Transactions a request.
    pub batch: usize,
    /// Transfers a transaction.
    pub operations: usize,
    /// Transactions of one account on the way at one time.
    pub in_flight: usize,
    /// Transactions of all its accounts on the way at one time.
    pub outstanding: usize,
    /// The account that is paid by `skew` percent of the transfers.
    pub hot: Option<Address>,
    /// Percent of the transfers that pay it.
    pub skew: u8,
    /// Its number.
    pub index: usize,
}

/// A signed transaction that is to be handed in.
struct Ready {
    hash: TxHash,
    bytes: Vec<u8>,
    account: usize,
}

impl Worker {
    /// Runs until the pace is stopped.
    pub async fn run(mut self) -> Sent {
        let mut sent = Sent::default();
        // The first in is the first out, so that all accounts are used.
        let mut free: VecDeque<usize> =
            (0..self.in_flight).flat_map(|_| 0..self.accounts.len()).collect();
        let kept_back = free.len().saturating_sub(self.outstanding);
        let mut next = Instant::now();
        while !self.pace.is_stopped() {
            tokio::time::sleep_until(next.into()).await;
            self.collect(&mut free, kept_back).await;
            let usable = free.len().saturating_sub(kept_back);
            let turns = self.pace.take(usable.min(self.batch)).await;
            let mut batch = Vec::with_capacity(turns.len());
            for since in turns {
                let Some(account) = free.pop_front() else { break };
                let number = sent.submitted + u64::try_from(batch.len()).unwrap_or(0);
                if let Some(ready) = self.sign(account, number) {
                    self.tracker.begin(ready.hash, since, self.index, account);
                    batch.push(ready);
                }
            }
            if batch.is_empty() {
                continue;
            }
            next = Instant::now() + REQUEST_PAUSE;
            sent.submitted += u64::try_from(batch.len()).unwrap_or(0);
            self.hand_in(batch, &mut sent).await;
        }
        sent
    }

    /// Takes the accounts that came back; waits for one if none may be used.
    async fn collect(&mut self, free: &mut VecDeque<usize>, kept_back: usize) {
        if free.len() <= kept_back
            && let Ok(Some(account)) = tokio::time::timeout(PATIENCE, self.returned.recv()).await
        {
            free.push_back(account);
        }
        while let Ok(account) = self.returned.try_recv() {
            free.push_back(account);
        }
    }

    fn sign(&mut self, account: usize, number: u64) -> Option<Ready> {
        let is_hot = number % 100 < u64::from(self.skew);
        let to = self.hot.filter(|_| is_hot).or_else(|| self.recipient(account))?;
        let tx = self.accounts.get_mut(account)?.next_transfer(self.chain, to, self.operations)?;
        let bytes = tx.encode();
        let hash = logothete_ledger::transaction::Transaction::hash_of(&bytes);
        Some(Ready { hash, bytes, account })
    }

    /// The next account of the same worker, so that every transfer changes two accounts.
    fn recipient(&self, account: usize) -> Option<Address> {
        self.accounts.get((account + 1) % self.accounts.len()).map(|account| account.address)
    }

    async fn hand_in(&self, mut batch: Vec<Ready>, sent: &mut Sent) {
        for _ in 0..ATTEMPTS_MAX {
            if batch.is_empty() {
                return;
            }
            let txs = batch.iter().map(|ready| HexBytes(ready.bytes.clone())).collect();
            let mut pause = RETRY_AFTER;
            batch = match self.client.call_once::<TxSubmitBatchMethod>(TxSubmitBatch { txs }).await
            {
                Ok(answers) => self.sort_out(batch, answers.items, sent, &mut pause),
                Err(_) => batch,
            };
            if !batch.is_empty() {
                sent.pushed_back += u64::try_from(batch.len()).unwrap_or(0);
                tokio::time::sleep(pause).await;
            }
            if self.pace.is_stopped() {
                break;
            }
        }
        for ready in batch {
            self.give_up(&ready, "GIVEN_UP", sent);
        }
    }

    /// Keeps what was pushed back; counts and forgets what was refused.
    fn sort_out(
        &self,
        batch: Vec<Ready>,
        answers: Vec<SubmitOutcome>,
        sent: &mut Sent,
        pause: &mut Duration,
    ) -> Vec<Ready> {
        let mut again = Vec::new();
        for (ready, answer) in batch.into_iter().zip(answers) {
            match answer {
                SubmitOutcome::Ok(_) => {}
                SubmitOutcome::Error(error) if error.code.is_transient() => {
                    if let Some(ms) = error.data.retry_after_ms {
                        *pause = Duration::from_millis(ms.into());
                    }
                    again.push(ready);
                }
                SubmitOutcome::Error(error) => self.give_up(&ready, &reason(&error), sent),
            }
        }
        again
    }

    fn give_up(&self, ready: &Ready, reason: &str, sent: &mut Sent) {
        // The account's later nonces would wait for this one: it is not used again.
        tracing::debug!(event = "bench.account.retired", account = ready.account, reason);
        self.tracker.forget(&ready.hash);
        *sent.refused.entry(reason.to_owned()).or_default() += 1;
    }
}

fn reason(error: &RpcError) -> String {
    error.data.reason.clone().unwrap_or_else(|| error.code.name().to_owned())
}
