//! Admission: from the bytes a client sends to a transaction that waits for an order.
//!
//! Decoding is done where the bytes arrive; signatures are checked many at a time by the stage that all share. When
//! too many wait for it, the client is told at once; it is never paid for with memory.

use std::sync::Arc;
use std::time::Duration;

use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::error::TxError;
use logothete_ledger::mempool::MempoolError;
use logothete_primitives::{Height, TxHash};
use thiserror::Error;
use tokio::sync::{Semaphore, watch};

use crate::dissemination::BatchRules;
use crate::head::Head;
use crate::mempool::SharedMempool;
use crate::metrics::Metrics;
use crate::signatures::{Signatures, Verdict};
use crate::state::StateHandle;

/// Transactions whose signatures may wait or be checked at the same time.
const CHECKED_MAX: usize = 16_384;

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
pub type Answer = Result<TxHash, (Option<TxHash>, SubmitError)>;

/// The entrance for transactions. Cheap to clone.
#[derive(Clone)]
pub struct Admission {
    parts: Arc<Parts>,
    room: Arc<Semaphore>,
}

/// What admission works with.
pub struct Parts {
    /// The rules of the chain.
    pub rules: BatchRules,
    /// Where signatures are checked.
    pub signatures: Signatures,
    /// Where admitted transactions go.
    pub mempool: SharedMempool,
    /// Balances and nonces.
    pub state: StateHandle,
    /// The height they belong to.
    pub head: watch::Receiver<Head>,
    /// Figures.
    pub metrics: Metrics,
}

impl Admission {
    /// The entrance of a node made of these parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), room: Arc::new(Semaphore::new(CHECKED_MAX)) }
    }

    /// Submits transactions. The verdicts come in their order; a transaction that decodes has its hash in the
    /// verdict, refused or not, so that a client can always ask about it.
    pub async fn submit(&self, transactions: &[Vec<u8>]) -> Vec<Answer> {
        let mut candidates = Vec::with_capacity(transactions.len());
        let mut decode = |bytes: &Vec<u8>| {
            let candidate =
                Candidate::decode(bytes, &self.parts.rules.chain, &self.parts.rules.params)?;
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
        let permits = u32::try_from(count).unwrap_or(u32::MAX);
        let Ok(_room) = self.room.try_acquire_many(permits) else {
            return refuse(SubmitError::Busy { retry_after: self.parts.mempool.retry_after() });
        };
        match self.parts.signatures.check(candidates).await {
            Some(verdicts) => self.insert(verdicts),
            None => refuse(SubmitError::ShuttingDown),
        }
    }

    fn insert(&self, verdicts: Vec<Verdict>) -> Vec<Result<(), SubmitError>> {
        let Parts { head, mempool, state, metrics, .. } = &*self.parts;
        let now: Height = head.borrow().height;
        let valid: Vec<Arc<Admitted>> = verdicts.iter().flatten().cloned().collect();
        let mut inserted = mempool.insert(now, valid, state).into_iter();
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
                metrics.submitted(result.as_ref().err().map(SubmitError::code));
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
