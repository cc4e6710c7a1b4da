//! Admission: from the bytes a client sends to a transaction that waits for an order.
//!
//! Decoding is done where the bytes arrive; signatures are checked many at a time by one stage behind a bounded
//! queue. A full queue is told to the client at once, never paid for with memory.

use std::sync::Arc;
use std::time::Duration;

use logothete_ledger::admission::{Admitted, Candidate, admit};
use logothete_ledger::error::TxError;
use logothete_ledger::mempool::MempoolError;
use logothete_primitives::{Height, TxHash};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::dissemination::BatchRules;
use crate::head::Head;
use crate::mempool::SharedMempool;
use crate::metrics::Metrics;
use crate::state::StateHandle;
use crate::supervise::Pulse;
use crate::workers::Workers;

/// Transactions that may wait for their signatures to be checked.
const QUEUED_MAX: usize = 16_384;
/// Signatures checked in one go: larger batches gain little and delay the first.
const CHECKED_AT_ONCE: usize = 1_024;

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Invalid for every node and for ever.
    #[error(transparent)]
    Invalid(#[from] TxError),
    /// Not acceptable to this node's mempool now.
    #[error(transparent)]
    Refused(#[from] MempoolError),
    /// Too many transactions wait for their signatures to be checked.
    #[error("too many transactions are being checked; try again in {} ms", retry_after.as_millis())]
    Busy {
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The node is about to stop.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// The transaction was known before, and the store failed when it was asked what became of it.
    #[error("the node cannot tell what became of the transaction: {0}")]
    Unreadable(String),
}

/// The verdict on one submitted transaction.
pub type Verdict = Result<TxHash, (Option<TxHash>, SubmitError)>;

struct Job {
    candidates: Vec<Candidate>,
    respond: oneshot::Sender<Vec<Result<(), SubmitError>>>,
    _room: OwnedSemaphorePermit,
}

/// The entrance for transactions. Cheap to clone.
#[derive(Clone)]
pub struct Admission {
    rules: BatchRules,
    queue: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    mempool: SharedMempool,
}

/// The stage that checks signatures.
pub struct AdmissionStage {
    rules: BatchRules,
    queue: mpsc::Receiver<Job>,
    mempool: SharedMempool,
    state: StateHandle,
    head: watch::Receiver<Head>,
    workers: Workers,
    metrics: Metrics,
    pulse: Arc<Pulse>,
}

/// What the stage works with.
pub struct Parts {
    /// The rules of the chain.
    pub rules: BatchRules,
    /// Where admitted transactions go.
    pub mempool: SharedMempool,
    /// Balances and nonces.
    pub state: StateHandle,
    /// The height they belong to.
    pub head: watch::Receiver<Head>,
    /// Where signatures are checked.
    pub workers: Workers,
    /// Figures.
    pub metrics: Metrics,
    /// The pulse of the stage.
    pub pulse: Arc<Pulse>,
}

impl Admission {
    /// The entrance and the stage behind it.
    pub fn new(parts: Parts) -> (Self, AdmissionStage) {
        let (sender, queue) = mpsc::channel(QUEUED_MAX);
        let room = Arc::new(Semaphore::new(QUEUED_MAX));
        let mempool = parts.mempool.clone();
        let entrance = Self { rules: parts.rules.clone(), queue: sender, room, mempool };
        let stage = AdmissionStage {
            rules: parts.rules,
            queue,
            mempool: parts.mempool,
            state: parts.state,
            head: parts.head,
            workers: parts.workers,
            metrics: parts.metrics,
            pulse: parts.pulse,
        };
        (entrance, stage)
    }

    /// Submits transactions. The verdicts come in their order; a transaction that decodes has its hash in the
    /// verdict, refused or not, so that a client can always ask about it.
    pub async fn submit(&self, transactions: &[Vec<u8>]) -> Vec<Verdict> {
        let mut candidates = Vec::with_capacity(transactions.len());
        let mut decode = |bytes: &Vec<u8>| {
            let candidate = Candidate::decode(bytes, &self.rules.chain, &self.rules.params)?;
            let hash = candidate.hash;
            candidates.push(candidate);
            Ok::<TxHash, TxError>(hash)
        };
        let decoded: Vec<Result<TxHash, TxError>> = transactions.iter().map(&mut decode).collect();
        let mut checked = self.check(candidates).await.into_iter();
        decoded
            .into_iter()
            .map(|decoded| match decoded {
                Err(error) => Err((None, error.into())),
                Ok(hash) => match checked.next().unwrap_or(Err(SubmitError::ShuttingDown)) {
                    Ok(()) => Ok(hash),
                    Err(error) => Err((Some(hash), error)),
                },
            })
            .collect()
    }

    async fn check(&self, candidates: Vec<Candidate>) -> Vec<Result<(), SubmitError>> {
        if candidates.is_empty() {
            return Vec::new();
        }
        let count = candidates.len();
        let refuse = |error: SubmitError| vec![Err(error); count];
        let busy = || SubmitError::Busy { retry_after: self.mempool.retry_after() };
        let Ok(permits) = u32::try_from(count) else { return refuse(busy()) };
        let Ok(room) = self.room.clone().try_acquire_many_owned(permits) else {
            return refuse(busy());
        };
        let (respond, verdicts) = oneshot::channel();
        match self.queue.try_send(Job { candidates, respond, _room: room }) {
            Ok(()) => verdicts.await.unwrap_or_else(|_| refuse(SubmitError::ShuttingDown)),
            Err(mpsc::error::TrySendError::Full(_)) => refuse(busy()),
            Err(mpsc::error::TrySendError::Closed(_)) => refuse(SubmitError::ShuttingDown),
        }
    }
}

impl AdmissionStage {
    /// Checks what comes until the last entrance is gone.
    pub async fn run(mut self) {
        let mut jobs = Vec::new();
        while self.queue.recv_many(&mut jobs, CHECKED_AT_ONCE).await > 0 {
            let pulse = self.pulse.clone();
            let _busy = pulse.busy();
            let mut group = Vec::new();
            let mut size = 0;
            for job in jobs.drain(..) {
                size += job.candidates.len();
                group.push(job);
                if size >= CHECKED_AT_ONCE {
                    self.check(std::mem::take(&mut group)).await;
                    size = 0;
                }
            }
            self.check(group).await;
        }
    }

    /// Checks the transactions of several jobs together, takes in the good ones and answers.
    async fn check(&self, mut jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let candidates: Vec<Candidate> =
            jobs.iter_mut().flat_map(|job| std::mem::take(&mut job.candidates)).collect();
        let counts_of = |job: &Job| job._room.num_permits();
        let (chain, keys) = (self.rules.chain, self.rules.keys.clone());
        let verdicts = self.workers.run(move || admit(&chain, &keys, candidates)).await;
        let mut results = self.insert(verdicts).into_iter();
        for job in jobs {
            let count = counts_of(&job);
            let answers: Vec<_> = results.by_ref().take(count).collect();
            // A client that went away does not need its answer.
            let _ = job.respond.send(answers);
        }
    }

    fn insert(
        &self,
        verdicts: Vec<Result<Arc<Admitted>, TxError>>,
    ) -> Vec<Result<(), SubmitError>> {
        let now: Height = self.head.borrow().height;
        let valid: Vec<Arc<Admitted>> = verdicts.iter().flatten().cloned().collect();
        let mut inserted = self.mempool.insert(now, valid, &self.state).into_iter();
        verdicts
            .into_iter()
            .map(|verdict| {
                let result = match verdict {
                    Err(error) => Err(SubmitError::Invalid(error)),
                    Ok(_) => match inserted.next() {
                        Some(Ok(_)) => Ok(()),
                        Some(Err(error)) => Err(SubmitError::Refused(error)),
                        None => Err(SubmitError::ShuttingDown),
                    },
                };
                self.metrics.submitted(result.as_ref().err().map(SubmitError::code));
                result
            })
            .collect()
    }
}

impl SubmitError {
    /// The stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Busy { .. } => "BUSY",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::Unreadable(_) => "UNREADABLE",
        }
    }
}
