//! What the RPC and the explorer may ask of a running node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use logothete_consensus::Status;
use logothete_genesis::Spec;
use logothete_ledger::mempool::{DropReason, MempoolError, Presence};
use logothete_ledger::store::StoreError;
use logothete_p2p::Network;
use logothete_primitives::TxHash;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::absent::Absent;
use crate::admission::{Admission, Answer, SubmitError};
use crate::chain::Chain;
use crate::clock::Clock;
use crate::config::Config;
use crate::driver::ViewLog;
use crate::finality::{Finality, Place};
use crate::head::Head;
use crate::mempool::SharedMempool;
use crate::metrics::Metrics;
use crate::state::StateHandle;
use crate::supervise::Supervisor;
use crate::sync::SyncStatus;
use crate::traces::Traces;
use crate::workers::Workers;

/// Where a transaction stands, as far as this node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// Never seen, or forgotten.
    Unknown,
    /// Waits in the mempool.
    Pending,
    /// In a batch on its way to a block.
    InFlight,
    /// Final, for ever.
    Final(Place),
    /// Left the mempool without having been executed.
    Dropped(DropReason),
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Hash of the transaction.
    pub hash: TxHash,
    /// Where it stands; anything but `Pending` means that it was known before.
    pub status: TxStatus,
    /// Whether this submission brought it in.
    pub new: bool,
}

/// What was heard of each validator, for `node_status` and `node_why`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoteWatch {
    /// By validator: the highest view in which a vote or timeout of it was seen.
    pub last_view: Vec<u64>,
    /// By validator: when that was, in milliseconds since the Unix epoch; 0 for never.
    pub last_seen_ms: Vec<u64>,
    /// By validator: by how many milliseconds its clock is ahead of ours, where its proposals said so.
    pub clock_ahead_ms: Vec<Option<i64>>,
}

impl VoteWatch {
    /// Nothing was heard of so many validators.
    pub fn of(validators: usize) -> Self {
        Self {
            last_view: vec![0; validators],
            last_seen_ms: vec![0; validators],
            clock_ahead_ms: vec![None; validators],
        }
    }
}

/// A handle on a running node. Cheap to clone through its `Arc`.
pub struct Service {
    /// The genesis file.
    pub spec: Arc<Spec>,
    /// The configuration the node runs with.
    pub config: Arc<Config>,
    /// Blocks, certificates, batches, receipts, indexes.
    pub chain: Chain,
    /// Balances, nonces and proofs.
    pub state: StateHandle,
    /// Peers.
    pub network: Arc<dyn Network>,
    /// The newest executed height.
    pub head: watch::Receiver<Head>,
    /// The consensus core, after its last step.
    pub consensus: watch::Receiver<Arc<Status>>,
    /// Who voted when.
    pub votes: watch::Receiver<Arc<VoteWatch>>,
    /// What sync does.
    pub sync: watch::Receiver<SyncStatus>,
    /// Waiting transactions.
    pub mempool: SharedMempool,
    /// The entrance for transactions.
    pub admission: Admission,
    /// What went on in the last views.
    pub views: ViewLog,
    /// Who is not connected, and why.
    pub absent: Absent,
    /// Who waits for finality.
    pub finality: Finality,
    /// Figures.
    pub metrics: Metrics,
    /// Traces of transactions.
    pub traces: Traces,
    /// The stages and their pulses.
    pub supervisor: Supervisor,
    /// The time.
    pub clock: Clock,
    /// Where reads of many records run.
    pub workers: Workers,
    /// When the process started.
    pub started: Instant,
    /// The same by the wall clock, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Cancelled when the node is about to stop.
    pub stop: CancellationToken,
}

impl Service {
    /// The newest executed height.
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Submits one encoded transaction. Idempotent: one that is known answers with its status.
    ///
    /// # Errors
    /// [`SubmitError`] with the hash, if the bytes decode.
    pub async fn submit(
        &self,
        transaction: Vec<u8>,
    ) -> Result<Submitted, (Option<TxHash>, SubmitError)> {
        let outcomes = self.submit_batch(&[transaction]).await;
        outcomes.into_iter().next().unwrap_or(Err((None, SubmitError::ShuttingDown)))
    }

    /// Submits encoded transactions together, each with its own answer.
    pub async fn submit_batch(
        &self,
        transactions: &[Vec<u8>],
    ) -> Vec<Result<Submitted, (Option<TxHash>, SubmitError)>> {
        self.traces.came(transactions);
        let verdicts = self.admission.submit(transactions).await;
        verdicts.into_iter().map(|verdict| self.submitted(verdict)).collect()
    }

    fn submitted(&self, verdict: Answer) -> Result<Submitted, (Option<TxHash>, SubmitError)> {
        match &verdict {
            Ok(hash) => self.traces.admitted(hash),
            // One that is handed in twice is not traced.
            Err((hash, _)) => self.traces.dropped(hash.iter()),
        }
        match verdict {
            Ok(hash) => Ok(Submitted { hash, status: TxStatus::Pending, new: true }),
            Err((
                Some(hash),
                error @ SubmitError::Refused(
                    MempoolError::AlreadyKnown | MempoolError::NonceTooLow { .. },
                ),
            )) => known_before(hash, error, self.tx_status(&hash)),
            Err(refused) => Err(refused),
        }
    }

    /// Where a transaction stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tx_status(&self, hash: &TxHash) -> Result<TxStatus, StoreError> {
        // The mempool first: a transaction leaves it only after its place is in the store.
        let waiting = self.mempool.presence(hash);
        if let Some(location) = self.chain.store().tx_location(hash)? {
            // The store has a height a moment before the head shows it and the state can be read at it.
            let visible = location.height <= self.head().height;
            let place = Place { height: location.height, index: location.index };
            return Ok(if visible { TxStatus::Final(place) } else { TxStatus::InFlight });
        }
        Ok(match waiting {
            Some(Presence::Waiting) => TxStatus::Pending,
            Some(Presence::InFlight) => TxStatus::InFlight,
            None => self.mempool.drop_reason(hash).map_or(TxStatus::Unknown, TxStatus::Dropped),
        })
    }

    /// Waits until a transaction is final or was dropped, at most for `limit`; then answers where it stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn wait_final(&self, hash: &TxHash, limit: Duration) -> Result<TxStatus, StoreError> {
        let deadline = tokio::time::Instant::now() + limit;
        let waiter = self.finality.wait(*hash);
        let status = self.tx_status(hash)?;
        if matches!(status, TxStatus::Final(_)) {
            return Ok(status);
        }
        let Some(waiter) = waiter else { return Ok(status) };
        tokio::select! {
            biased;
            place = waiter => match place {
                Ok(place) => Ok(TxStatus::Final(place)),
                // It was dropped.
                Err(_) => self.tx_status(hash),
            },
            () = tokio::time::sleep_until(deadline) => self.tx_status(hash),
            () = self.stop.cancelled() => self.tx_status(hash),
        }
    }
}

/// The answer about a transaction that is refused because it, or its nonce, was seen before. One that may be final is
/// never called refused: its sender would pay twice.
fn known_before(
    hash: TxHash,
    refusal: SubmitError,
    status: Result<TxStatus, StoreError>,
) -> Result<Submitted, (Option<TxHash>, SubmitError)> {
    match status {
        Ok(TxStatus::Unknown | TxStatus::Dropped(_)) => Err((Some(hash), refusal)),
        Ok(status) => Ok(Submitted { hash, status, new: false }),
        Err(error) => Err((Some(hash), SubmitError::Unreadable(error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use logothete_primitives::{Digest, Nonce};

    use super::*;

    #[test]
    fn a_transaction_is_not_refused_when_its_place_cannot_be_read() {
        let hash = TxHash::new(Digest::ZERO);
        let refusal = || {
            let (expected, got) = (Nonce::new(1), Nonce::ZERO);
            SubmitError::Refused(MempoolError::NonceTooLow { expected, got })
        };
        let damaged = Err(StoreError::CorruptedFile("a block of tx_index".into()));
        let unreadable = known_before(hash, refusal(), damaged);
        assert!(matches!(unreadable, Err((Some(_), SubmitError::Unreadable(_)))));
        let unknown = known_before(hash, refusal(), Ok(TxStatus::Unknown));
        assert_eq!(unknown, Err((Some(hash), refusal())));
    }
}
