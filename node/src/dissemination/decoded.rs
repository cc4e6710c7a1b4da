//! A batch on its way from bytes to one that is held.

use std::sync::Arc;

use bytes::Bytes;
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::batch::Batch;
use logothete_ledger::error::BatchError;
use logothete_primitives::TxHash;

use super::held::{BatchRules, HeldBatch};
use crate::signatures::Verdict;

/// A batch from a peer, decoded; its signatures are not checked yet.
#[derive(Debug)]
pub struct DecodedBatch {
    batch: Batch,
    bytes: Bytes,
}

impl DecodedBatch {
    /// Decodes a batch, and its transactions, whose signatures are to be checked.
    ///
    /// # Errors
    /// The first thing that is wrong with it, signatures aside.
    pub fn decode(rules: &BatchRules, bytes: Bytes) -> Result<(Self, Vec<Candidate>), BatchError> {
        let batch = Batch::decode(&bytes)?;
        let candidates = batch.candidates(&rules.chain, &rules.params)?;
        Ok((Self { batch, bytes }, candidates))
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

    pub(super) fn held(self, transactions: Vec<Arc<Admitted>>) -> HeldBatch {
        let hashes: Vec<TxHash> = transactions.iter().map(|tx| tx.hash).collect();
        HeldBatch { reference: self.batch.reference_for(&hashes), transactions, bytes: self.bytes }
    }
}
