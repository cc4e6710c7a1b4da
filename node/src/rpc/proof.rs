//! Proofs: from a transaction, a receipt or an account up to a commit certificate.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{AccountProof, HexBytes, ReceiptProof, TxProof};
use logothete_ledger::proof::{InclusionProof, ReceiptProof as ReceiptPath};
use logothete_ledger::receipt::{Receipt, receipts_root};
use logothete_ledger::state_tree::StateProof;
use logothete_ledger::store::TxLocation;
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Height, TxHash};

use super::lookup::{Lookup, TxReader, failed};
use super::views;
use crate::chain::ChainError;

/// Most heights whose receipts are read to prove one of an earlier height.
const PASSED_OVER_MAX: u64 = 64;

/// Proves that a final block orders a transaction and, if attested already, what came of it.
pub(super) fn prove_tx(
    lookup: &Lookup,
    reader: &mut TxReader<'_>,
    place: TxLocation,
) -> Result<TxProof, RpcError> {
    let found = reader.locate(place)?;
    let batch = reader.batch(found.batch, place.height)?;
    let hashes: Vec<TxHash> =
        batch.transactions.iter().map(|bytes| Transaction::hash_of(bytes)).collect();
    let payload = &reader.block(place.height)?.payload;
    let inclusion = InclusionProof::build(&batch.header(&hashes), &hashes, found.position, payload)
        .ok_or_else(|| inconsistent(place.height))?;
    let finality = lookup.finality(place.height)?;
    Ok(TxProof {
        inclusion: views::hex(&inclusion),
        headers: finality.header_bytes(),
        certificate: views::hex(&finality.certificate),
        receipt: prove_receipt(lookup, place)?,
    })
}

/// Proves a receipt against the first final header that attests the results of its height or of one
/// soon after it; `None` until there is one.
fn prove_receipt(lookup: &Lookup, place: TxLocation) -> Result<Option<ReceiptProof>, RpcError> {
    let Some(by) = lookup.attestation_reaching(place.height)? else { return Ok(None) };
    if by.attested.since(place.height) > PASSED_OVER_MAX {
        return Ok(None);
    }
    let before = match place.height.prev() {
        Some(height) => lookup.receipts_root(height)?,
        None => return Ok(None),
    };
    let mut later = Vec::new();
    let mut height = place.height;
    while height < by.attested {
        height = height.next();
        later.push(receipts_root(&lookup.receipts(height)?));
    }
    let receipts = lookup.receipts(place.height)?;
    let position = receipts
        .binary_search_by_key(&place.index, |receipt: &Receipt| receipt.index)
        .map_err(|_| inconsistent(place.height))?;
    let path = ReceiptPath::build(&receipts, position, before, later)
        .ok_or_else(|| inconsistent(place.height))?;
    let finality = lookup.finality(by.header)?;
    Ok(Some(ReceiptProof {
        receipt: views::hex(&receipts[position]),
        path: views::hex(&path),
        headers: finality.header_bytes(),
        certificate: views::hex(&finality.certificate),
    }))
}

/// Adds to the path of an account what makes its root final; `None` until it is attested.
pub(super) fn prove_account(
    lookup: &Lookup,
    at: Height,
    path: &StateProof,
) -> Result<Option<AccountProof>, RpcError> {
    let Some(attested_by) = lookup.attestation(at)? else { return Ok(None) };
    let finality = lookup.finality(attested_by)?;
    Ok(Some(AccountProof {
        path: encode_path(path),
        headers: finality.header_bytes(),
        certificate: views::hex(&finality.certificate),
    }))
}

fn encode_path(path: &StateProof) -> HexBytes {
    views::hex(path)
}

fn inconsistent(height: Height) -> RpcError {
    failed(&ChainError::Missing { what: "transaction", height })
}
