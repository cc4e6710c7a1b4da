//! `tx_simulate`: what executing a transaction now would do.

use std::sync::Arc;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{FailureView, TxSimulated};
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::execute::{BlockInput, execute};
use logothete_ledger::receipt::Outcome;

use super::tx::hash_if_readable;
use super::{NodeApi, refusal};

impl NodeApi {
    pub(super) fn simulate(&self, bytes: &[u8]) -> Result<TxSimulated, RpcError> {
        let service = self.service();
        let (chain, params) = (service.chain.genesis().chain, &service.spec.params);
        let candidate = Candidate::decode(bytes, &chain, params)
            .map_err(|error| refusal::invalid(hash_if_readable(bytes, &error), &error))?;
        let (hash, fee) = (candidate.hash, candidate.tx.body.fee);
        let admitted = Admitted::verify(candidate, &chain)
            .map_err(|error| refusal::invalid(Some(hash), &error))?;
        let lookup = self.lookup();
        let transactions = [Arc::new(admitted)];
        let input = BlockInput {
            height: lookup.head().height.next(),
            timestamp: lookup.head().timestamp,
            transactions: &transactions,
            params,
        };
        let outcome = execute(&service.state, &input).outcomes.into_iter().next();
        let mut simulated = TxSimulated {
            hash,
            at: lookup.anchor(),
            success: false,
            fee,
            failure: None,
            skipped: None,
        };
        match outcome {
            Some(Outcome::Executed(receipt)) => {
                simulated.success = receipt.status.is_success();
                simulated.failure = FailureView::of(&receipt.status);
            }
            Some(Outcome::Skipped(reason)) => simulated.skipped = Some(FailureView::from(&reason)),
            None => return Err(RpcError::internal()),
        }
        Ok(simulated)
    }
}
