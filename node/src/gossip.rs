//! Transactions that followers admit travel to the validators by gossip.
//!
//! A follower publishes what it admitted and again, under the next attempt number, what is not final after a
//! while. Each attempt belongs to one validator, so that a transaction is not sealed by all of them at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use logothete_ledger::mempool::Presence;
use logothete_p2p::{Gossip, Network, SendError};
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::limits::{MAX_GOSSIP_BYTES, MAX_TX_BYTES};
use logothete_primitives::{BoundedBytes, BoundedVec};
use logothete_primitives::{TxHash, ValidatorIndex};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::admission::{Admission, SubmitError};
use crate::mempool::SharedMempool;
use crate::supervise::Pulse;

/// Transactions in one message.
const MAX_TRANSACTIONS: usize = 64;
/// Bytes of a message that are not transactions.
const ENVELOPE_BYTES: usize = 64;
/// How long a published transaction may take to become final before it is published again.
const REPUBLISH_AFTER: Duration = Duration::from_secs(2);
/// Pause before a refused publication is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Published transactions that are watched at the same time.
const WATCHED_MAX: usize = 65_536;

/// A message of the transaction topic.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GossipedTransactions {
    /// How often these were published before; decides which validator takes them.
    pub attempt: u32,
    /// Encoded transactions.
    pub transactions: BoundedVec<BoundedBytes<MAX_TX_BYTES>, MAX_TRANSACTIONS>,
}

impl GossipedTransactions {
    /// The validator whose turn it is, among `validators`.
    pub fn assignee(&self, validators: u16) -> Option<ValidatorIndex> {
        let first = self.transactions.first()?;
        let hash = logothete_ledger::transaction::Transaction::hash_of(first);
        let seed =
            hash.digest().as_bytes()[..4].iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
        let turn = seed.wrapping_add(self.attempt) % u32::from(validators.max(1));
        u16::try_from(turn).ok().map(ValidatorIndex::new)
    }
}

/// The listening side: every node hears the topic, the assignee takes what it hears.
pub struct Listener {
    /// The gossiped messages.
    pub inbound: mpsc::Receiver<Gossip>,
    /// Where transactions go.
    pub admission: Admission,
    /// Our place, if we are a validator.
    pub own: Option<ValidatorIndex>,
    /// How many validators there are.
    pub validators: u16,
    /// The pulse of the stage.
    pub pulse: Arc<Pulse>,
}

impl Listener {
    /// Listens until the network is gone.
    pub async fn run(mut self) {
        while let Some(gossip) = self.inbound.recv().await {
            let pulse = self.pulse.clone();
            let _busy = pulse.busy();
            self.hear(gossip).await;
        }
    }

    async fn hear(&self, gossip: Gossip) {
        let Ok(message) = codec::decode::<GossipedTransactions>(&gossip.bytes) else {
            debug!(event = "gossip.malformed", from = %gossip.from);
            return gossip.accept.reject();
        };
        // A follower takes everything: it publishes again under its own name.
        if self.own.is_some() && message.assignee(self.validators) != self.own {
            return gossip.accept.ignore();
        }
        let transactions: Vec<Vec<u8>> =
            message.transactions.iter().map(|bytes| bytes.to_vec()).collect();
        let verdicts = self.admission.submit(&transactions).await;
        let invalid = verdicts.iter().any(|v| matches!(v, Err((_, SubmitError::Invalid(_)))));
        if invalid { gossip.accept.reject() } else { gossip.accept.ignore() }
    }
}

struct Watched {
    hash: TxHash,
    attempt: u32,
    again_at: Instant,
}

/// The publishing side of a follower.
pub struct Publisher {
    /// The network.
    pub network: Arc<dyn Network>,
    /// What the follower admitted.
    pub mempool: SharedMempool,
    /// The pulse of the stage.
    pub pulse: Arc<Pulse>,
}

impl Publisher {
    /// Publishes until the node stops.
    pub async fn run(self, stop: CancellationToken) {
        let mut watched: VecDeque<Watched> = VecDeque::new();
        loop {
            let next = watched.front().map(|first| first.again_at);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.mempool.arrived() => {}
                () = wait(next) => {}
            }
            let pulse = self.pulse.clone();
            let _busy = pulse.busy();
            self.publish_new(&mut watched).await;
            self.publish_again(&mut watched).await;
        }
    }

    async fn publish_new(&self, watched: &mut VecDeque<Watched>) {
        while watched.len() < WATCHED_MAX {
            let taken = self.mempool.take_batch();
            if taken.is_empty() {
                return;
            }
            let items = taken.iter().map(|tx| (tx.hash, tx.bytes.to_vec())).collect();
            self.publish(items, 0, watched).await;
        }
    }

    async fn publish_again(&self, watched: &mut VecDeque<Watched>) {
        let now = Instant::now();
        while watched.front().is_some_and(|first| first.again_at <= now) {
            let Some(due) = watched.pop_front() else { return };
            if self.mempool.presence(&due.hash) != Some(Presence::InFlight) {
                continue;
            }
            if let Some(tx) = self.mempool.transaction(&due.hash) {
                self.publish(vec![(due.hash, tx.bytes.to_vec())], due.attempt + 1, watched).await;
            }
        }
    }

    /// Publishes transactions in as few messages as they fit into.
    async fn publish(
        &self,
        items: Vec<(TxHash, Vec<u8>)>,
        attempt: u32,
        watched: &mut VecDeque<Watched>,
    ) {
        let mut message = Vec::new();
        let mut size = 0;
        for (hash, bytes) in items {
            watched.push_back(Watched {
                hash,
                attempt,
                again_at: Instant::now() + REPUBLISH_AFTER,
            });
            let full = size + bytes.len() + ENVELOPE_BYTES > MAX_GOSSIP_BYTES;
            if full || message.len() == MAX_TRANSACTIONS {
                self.send(std::mem::take(&mut message), attempt).await;
                size = 0;
            }
            size += bytes.len() + 4;
            message.extend(BoundedBytes::try_from(bytes));
        }
        self.send(message, attempt).await;
    }

    async fn send(&self, transactions: Vec<BoundedBytes<MAX_TX_BYTES>>, attempt: u32) {
        let Ok(transactions) = BoundedVec::try_from(transactions) else { return };
        if transactions.is_empty() {
            return;
        }
        let frame = Bytes::from(codec::encode(&GossipedTransactions { attempt, transactions }));
        match self.network.publish(frame.clone()) {
            Ok(()) => {}
            Err(SendError::GossipFull) => {
                sleep(RETRY_AFTER).await;
                if let Err(error) = self.network.publish(frame) {
                    warn!(event = "gossip.delayed", %error);
                }
            }
            // What does not get through is published again when its time comes.
            Err(error) => warn!(event = "gossip.delayed", %error),
        }
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
