//! `tx_submit`, `tx_submit_batch`, `tx_status`, `tx_wait`, `tx_get`, `tx_encode`, `tx_decode`.

use std::time::Duration;

use logothete_client::rpc::types::{
    FailureView, HexBytes, ReceiptView, SubmitOutcome, Submitted, SubmittedEach, TxDetails,
    TxEncode, TxEncoded, TxGet, TxPlace, TxState, TxStatus, TxView,
};
use logothete_client::rpc::{ErrorCode, RpcError};
use logothete_ledger::error::TxError;
use logothete_ledger::mempool::DropReason;
use logothete_ledger::receipt::Receipt;
use logothete_ledger::store::TxLocation;
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{BlockHash, TxHash};

use super::envelope::as_u64;
use super::lookup::{Lookup, TxReader, failed, store_failed};
use super::{NodeApi, proof, refusal, views};
use crate::admission::SubmitError;
use crate::chain::ChainError;
use crate::service;

impl NodeApi {
    pub(super) async fn submit(&self, bytes: Vec<u8>) -> Result<Submitted, RpcError> {
        let [outcome] = <[_; 1]>::try_from(self.submit_each(vec![bytes]).await)
            .unwrap_or_else(|_| [Err(RpcError::internal())]);
        outcome
    }

    pub(super) async fn submit_batch(&self, txs: Vec<HexBytes>) -> Result<SubmittedEach, RpcError> {
        let max = self.limits().submit_batch;
        if txs.is_empty() {
            return Err(RpcError::invalid_params("txs is empty", "give at least one transaction"));
        }
        if txs.len() > max {
            return Err(RpcError::too_large("the number of transactions", as_u64(max)));
        }
        let outcomes = self.submit_each(txs.into_iter().map(|tx| tx.0).collect()).await;
        let item = |outcome| match outcome {
            Ok(submitted) => SubmitOutcome::Ok(submitted),
            Err(error) => SubmitOutcome::Error(error),
        };
        Ok(SubmittedEach { items: outcomes.into_iter().map(item).collect() })
    }

    async fn submit_each(&self, txs: Vec<Vec<u8>>) -> Vec<Result<Submitted, RpcError>> {
        let outcomes = self.service().submit_batch(&txs).await;
        let answers = txs.iter().zip(outcomes);
        answers.map(|(bytes, outcome)| self.submitted(bytes, outcome)).collect()
    }

    fn submitted(
        &self,
        bytes: &[u8],
        outcome: Result<service::Submitted, (Option<TxHash>, SubmitError)>,
    ) -> Result<Submitted, RpcError> {
        match outcome {
            Ok(taken) => Ok(Submitted {
                hash: taken.hash,
                status: status_view(&self.lookup(), &taken.hash, taken.status)?,
                known: !taken.new,
            }),
            Err((hash, SubmitError::Invalid(error))) => {
                let hash = hash.or_else(|| hash_if_readable(bytes, &error));
                Err(refusal::invalid(hash, &error))
            }
            Err((hash, error)) => {
                // What is missing, coins or earlier nonces, may be in the blocks that this node has yet to execute.
                match self.blocks_behind().filter(|_| refusal::may_pass(&error)) {
                    Some(lag) => Err(refusal::about(hash, RpcError::not_synced(lag))),
                    None => Err(refusal::refused(hash, &error)),
                }
            }
        }
    }

    pub(super) fn read_tx_state(&self, hash: TxHash) -> Result<TxState, RpcError> {
        let status = self.service().tx_status(&hash).map_err(store_failed)?;
        Ok(TxState { hash, status: status_view(&self.lookup(), &hash, status)? })
    }

    /// Waits within bounds; an answer that is not settled says that the wait is over, not more.
    pub(super) async fn wait_for_tx(
        &self,
        hash: TxHash,
        time: Option<Duration>,
    ) -> Result<TxState, RpcError> {
        let now = self.read_tx_state(hash)?;
        if now.status.is_settled() {
            return Ok(now);
        }
        let limits = self.limits();
        let time = time.unwrap_or(limits.wait_time_default).min(limits.wait_time_max);
        let status = self.service().wait_final(&hash, time).await.map_err(store_failed)?;
        if self.service().stop.is_cancelled() && !is_settled(&status) {
            return Err(RpcError::shutting_down().about(hash));
        }
        Ok(TxState { hash, status: status_view(&self.lookup(), &hash, status)? })
    }

    pub(super) fn read_tx(&self, params: TxGet) -> Result<TxDetails, RpcError> {
        let lookup = self.lookup_from(params.min_height)?;
        let Some(place) = lookup.place(&params.hash)? else {
            return Err(self.not_final(params.hash));
        };
        let mut reader = TxReader::new(&lookup);
        let found = reader.read(place)?;
        let block = reader.block(place.height)?;
        let (timestamp, block) = (block.header.timestamp, block.hash);
        let proof =
            if params.prove { Some(proof::prove_tx(&lookup, &mut reader, place)?) } else { None };
        Ok(TxDetails {
            tx: TxView::from(&found.tx),
            bytes: HexBytes(found.bytes),
            timestamp,
            receipt: ReceiptView {
                tx: params.hash,
                place: place_view(place, block, &found.receipt),
                fee: found.receipt.fee,
            },
            proof,
        })
    }

    /// A transaction that is on its way is not unknown: say where it stands.
    fn not_final(&self, hash: TxHash) -> RpcError {
        match self.read_tx_state(hash).map(|state| state.status) {
            Ok(status @ (TxStatus::Pending | TxStatus::InFlight | TxStatus::Dropped { .. })) => {
                let message = format!("transaction {hash} is not final");
                let mut error =
                    RpcError::new(ErrorCode::NotFound, message, "wait for it with tx_wait");
                error.data.status = Some(status);
                error.about(hash)
            }
            _ => RpcError::not_found(format_args!("transaction {hash}")).about(hash),
        }
    }

    pub(super) fn encode_tx(&self, params: TxEncode) -> Result<TxEncoded, RpcError> {
        let chain = self.service().chain.genesis().chain;
        let body = params.body.into_body(&chain).map_err(|error| not_a_body(&error))?;
        let mut encoded = TxEncoded {
            body: views::hex(&body),
            signing_message: HexBytes(body.signing_message(&chain)),
            tx: None,
            hash: None,
        };
        if let Some(signature) = params.signature {
            let cosignatures = params.cosignatures.try_into().map_err(|_| {
                let hint = "one signature for each co-signer, in their order";
                RpcError::invalid_params("too many co-signatures", hint)
            })?;
            let bytes = Transaction { body, signature, cosignatures }.encode();
            encoded.hash = Some(Transaction::hash_of(&bytes));
            encoded.tx = Some(HexBytes(bytes));
        }
        Ok(encoded)
    }

    pub(super) fn decode_tx(&self, bytes: &[u8]) -> Result<TxView, RpcError> {
        let tx = Transaction::decode(bytes)
            .map_err(|error| refusal::invalid(hash_if_readable(bytes, &error), &error))?;
        Ok(TxView::from(&tx))
    }
}

/// The hash of a transaction that is wrong but readable, so that its sender can name it.
pub(super) fn hash_if_readable(bytes: &[u8], error: &TxError) -> Option<TxHash> {
    let unreadable = matches!(error, TxError::Malformed(_) | TxError::TooLarge { .. });
    (!unreadable).then(|| Transaction::hash_of(bytes))
}

fn not_a_body(error: &TxError) -> RpcError {
    RpcError::invalid_params(error, "see docs/rpc.md for the fields of a body")
}

fn is_settled(status: &service::TxStatus) -> bool {
    matches!(status, service::TxStatus::Final(_) | service::TxStatus::Dropped(_))
}

/// Where a transaction stands. One that was executed above the head that is visible is on its way
/// until the head has moved on.
fn status_view(
    lookup: &Lookup,
    hash: &TxHash,
    status: service::TxStatus,
) -> Result<TxStatus, RpcError> {
    Ok(match status {
        service::TxStatus::Unknown => TxStatus::Unknown,
        service::TxStatus::Pending => TxStatus::Pending,
        service::TxStatus::InFlight => TxStatus::InFlight,
        service::TxStatus::Dropped(reason) => {
            TxStatus::Dropped { reason: drop_code(&reason).to_owned() }
        }
        service::TxStatus::Final(_) => match lookup.place(hash)? {
            Some(place) => TxStatus::Final(final_place(lookup, place)?),
            None => TxStatus::InFlight,
        },
    })
}

/// The stable code of why a transaction left.
fn drop_code(reason: &DropReason) -> &'static str {
    match reason {
        DropReason::Superseded => "SUPERSEDED",
        DropReason::Expired => "EXPIRED",
        DropReason::Skipped { reason } => reason.code(),
    }
}

fn final_place(lookup: &Lookup, place: TxLocation) -> Result<TxPlace, RpcError> {
    let height = place.height;
    let block = lookup.chain().store().block_hash(height).map_err(store_failed)?;
    let missing = ChainError::Missing { what: "block", height };
    let block = block.ok_or_else(|| failed(&missing))?;
    Ok(place_view(place, block, &lookup.receipt(place)?))
}

fn place_view(place: TxLocation, block: BlockHash, receipt: &Receipt) -> TxPlace {
    TxPlace {
        height: place.height,
        block,
        index: place.index,
        success: receipt.status.is_success(),
        failure: FailureView::of(&receipt.status),
    }
}
