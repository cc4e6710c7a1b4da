//! A batch whose transactions were decoded and whose signatures were checked.

use std::sync::Arc;

use bytes::Bytes;
use logothete_ledger::admission::Admitted;
use logothete_ledger::batch::{BatchRef, SealedBatch};
use logothete_ledger::error::BatchError;
use logothete_ledger::params::ChainParams;
use logothete_ledger::verified::Verified;
use logothete_primitives::{BatchHash, ChainId};

use super::decoded::DecodedBatch;

/// What a batch is checked against.
#[derive(Clone, Debug)]
pub struct BatchRules {
    /// The chain that the signatures name.
    pub chain: ChainId,
    /// The limits of the chain.
    pub params: Arc<ChainParams>,
    /// The transactions that were found to hold lately.
    pub verified: Arc<Verified>,
    /// What batches hold.
    pub content: Content,
}

/// What the batches of a chain hold. A chain file has no say in it: every chain made of one holds transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Transactions of the ledger, whose signatures are checked and which are executed.
    Transactions,
    /// Bytes that nobody looks into: of the chains that `bench order` makes for itself.
    Payloads,
}

/// A decoded, verified batch, shared by dissemination and execution.
#[derive(Debug)]
pub struct HeldBatch {
    /// What a proposal says of it.
    pub reference: BatchRef,
    /// Its transactions, in order; none in a batch of opaque payloads.
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

    /// Decodes a batch from our own store, or one that a certificate vouches for: an honest validator checked its
    /// signatures before it voted.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn certified(rules: &BatchRules, bytes: Bytes) -> Result<Self, BatchError> {
        DecodedBatch::decode(rules, bytes).map(DecodedBatch::vouched)
    }
}
