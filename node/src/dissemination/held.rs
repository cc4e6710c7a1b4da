//! A batch whose transactions were decoded and whose signatures were checked.

use std::sync::Arc;

use bytes::Bytes;
use logothete_ledger::account_keys::AccountKeys;
use logothete_ledger::admission::{Admitted, admit};
use logothete_ledger::batch::{Batch, BatchRef, SealedBatch};
use logothete_ledger::error::BatchError;
use logothete_ledger::params::ChainParams;
use logothete_primitives::{BatchHash, ChainId, TxHash};

/// What a batch is checked against.
#[derive(Clone, Debug)]
pub struct BatchRules {
    /// The chain that the signatures name.
    pub chain: ChainId,
    /// The limits of the chain.
    pub params: Arc<ChainParams>,
    /// The keys of those who signed lately.
    pub keys: Arc<AccountKeys>,
}

/// Whether the signatures inside a batch must be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// From a peer: check every signature.
    Check,
    /// From our own store, or vouched for by a certificate: an honest validator checked it before voting.
    Certified,
}

/// A decoded, verified batch, shared by dissemination and execution.
#[derive(Debug)]
pub struct HeldBatch {
    /// What a proposal says of it.
    pub reference: BatchRef,
    /// Its transactions, in order.
    pub transactions: Vec<Arc<Admitted>>,
    /// The encoded batch, as sent and stored.
    pub bytes: Bytes,
}

impl HeldBatch {
    /// The hash by which proposals name the batch.
    pub fn hash(&self) -> BatchHash {
        self.reference.hash
    }

    /// A batch that this node sealed from transactions it admitted itself.
    pub fn sealed(sealed: SealedBatch, transactions: Vec<Arc<Admitted>>) -> Self {
        Self { reference: sealed.reference, transactions, bytes: Bytes::from(sealed.bytes) }
    }

    /// Decodes a batch and, unless it is vouched for, checks its signatures in one go.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn verify(rules: &BatchRules, bytes: Bytes, trust: Trust) -> Result<Self, BatchError> {
        let batch = Batch::decode(&bytes)?;
        let candidates = batch.candidates(&rules.chain, &rules.params)?;
        let transactions = match trust {
            Trust::Certified => {
                candidates.into_iter().map(|tx| Arc::new(Admitted::vouched(tx))).collect()
            }
            Trust::Check => admit(&rules.chain, &rules.keys, candidates)
                .into_iter()
                .enumerate()
                .map(|(position, verdict)| {
                    verdict.map_err(|error| BatchError::Transaction { position, error })
                })
                .collect::<Result<Vec<_>, _>>()?,
        };
        let hashes: Vec<TxHash> = transactions.iter().map(|tx: &Arc<Admitted>| tx.hash).collect();
        Ok(Self { reference: batch.reference_for(&hashes), transactions, bytes })
    }
}
