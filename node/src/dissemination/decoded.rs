//! A batch on its way from bytes to one that is held.

use std::sync::Arc;

use bytes::Bytes;
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::batch::{Batch, BatchRef};
use logothete_ledger::error::BatchError;
use logothete_primitives::{BatchHash, TxHash};

use super::held::{BatchRules, Content, HeldBatch};
use super::payloads;
use crate::signatures::Verdict;

/// A batch from a peer, decoded and known by its hash; its signatures are not checked yet.
#[derive(Debug)]
pub struct DecodedBatch {
    reference: BatchRef,
    candidates: Vec<Candidate>,
    bytes: Bytes,
}

impl DecodedBatch {
    /// Decodes a batch and its transactions.
    ///
    /// # Errors
    /// The first thing that is wrong with it, signatures aside.
    pub fn decode(rules: &BatchRules, bytes: Bytes) -> Result<Self, BatchError> {
        if rules.content == Content::Payloads {
            let HeldBatch { reference, bytes, .. } = payloads::open(bytes)?;
            return Ok(Self { reference, candidates: Vec::new(), bytes });
        }
        let batch = Batch::decode(&bytes)?;
        let candidates = batch.candidates(&rules.chain, &rules.params)?;
        let hashes: Vec<TxHash> = candidates.iter().map(|candidate| candidate.hash).collect();
        Ok(Self { reference: batch.reference_for(&hashes), candidates, bytes })
    }

    /// The hash by which proposals name the batch.
    pub const fn hash(&self) -> BatchHash {
        self.reference.hash
    }

    /// What a proposal says of it.
    pub const fn reference(&self) -> &BatchRef {
        &self.reference
    }

    /// Takes the transactions, so that their signatures can be checked.
    pub fn take_candidates(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.candidates)
    }

    /// The batch with the verdicts on its transactions, in their order.
    ///
    /// # Errors
    /// The first transaction whose signatures do not hold.
    pub fn verified(self, verdicts: Vec<Verdict>) -> Result<HeldBatch, BatchError> {
        let verdicts = verdicts.into_iter().enumerate();
        let transactions = verdicts
            .map(|(position, verdict)| {
                verdict.map_err(|error| BatchError::Transaction { position, error })
            })
            .collect::<Result<_, _>>()?;
        Ok(self.held(transactions))
    }

    /// The batch without a check: a certificate or our own store vouches for its signatures.
    pub fn vouched(mut self) -> HeldBatch {
        let candidates = self.take_candidates().into_iter();
        self.held(candidates.map(|tx| Arc::new(Admitted::vouched(tx))).collect())
    }

    fn held(self, transactions: Vec<Arc<Admitted>>) -> HeldBatch {
        HeldBatch { reference: self.reference, transactions, bytes: self.bytes }
    }
}
