//! `tx_simulate`: what executing a transaction now would do.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{FailureView, TxSimulated};
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::modules::Moment;
use logothete_ledger::simulate::simulate;

use super::tx::hash_if_readable;
use super::{NodeApi, refusal};

impl NodeApi {
    pub(super) fn simulate(&self, bytes: &[u8]) -> Result<TxSimulated, RpcError> {
        let service = self.service();
        let (chain, params) = (service.chain.genesis().chain, &service.spec.params);
        let candidate = Candidate::decode(bytes, &chain, params)
            .map_err(|error| refusal::invalid(hash_if_readable(bytes, &error), &error))?;
        let hash = candidate.hash;
        let admitted = Admitted::verify(candidate, &chain)
            .map_err(|error| refusal::invalid(Some(hash), &error))?;
        let (lookup, body) = (self.lookup(), &admitted.tx.body);
        let head = lookup.head();
        let moment = Moment { height: head.height.next(), timestamp: head.timestamp };
        let outcome = simulate(&service.state, moment, body).outcome;
        Ok(TxSimulated {
            hash,
            at: lookup.anchor(),
            success: outcome.as_ref().is_ok_and(|status| status.is_success()),
            fee: body.fee,
            failure: outcome.as_ref().ok().and_then(FailureView::of),
            skipped: outcome.as_ref().err().map(FailureView::from),
        })
    }
}
