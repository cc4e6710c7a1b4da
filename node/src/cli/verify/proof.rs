//! `verify proof`: a block, a transaction or an account that a node proved, checked without any node.

use logothete_client::rpc::types::{AccountView, BlockCertificate, FailureView, TxDetails, TxView};
use logothete_client::verify::{self, VerifyError};
use logothete_genesis::Spec;
use logothete_ledger::transaction::Transaction;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::output::{Failure, Outcome, Reply};

/// What a node answered to `block_certificate`, or to `tx_get` or `account_get` with `prove`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Proof {
    Block(Box<BlockCertificate>),
    Transaction(Box<TxDetails>),
    Account(Box<AccountView>),
}

/// Verifies the text of a file; `tick` marks what holds.
///
/// # Errors
/// It holds no proof, or something in it does not hold.
pub(super) fn perform(bytes: &[u8], spec: &Spec, tick: &str) -> Outcome {
    let text = match read(bytes)? {
        Proof::Block(answer) => block(&answer, spec)?,
        Proof::Transaction(details) => transaction(&details, spec)?,
        Proof::Account(view) => account(&view, spec)?,
    };
    Ok(Reply::new(json!({ "verified": true, "proven": text }), format!("{tick} {text}")))
}

/// Reads the answer of a node as the explorer saves it, alone or in what a command printed.
fn read(bytes: &[u8]) -> Result<Proof, Failure> {
    let no_proof = || {
        Failure::usage("the file holds no proof of a block, a transaction or an account").with_hint(
            "it is what the explorer downloads, or what `logothete account prove --json`, `block prove --json` or `tx show --json` prints",
        )
    };
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| no_proof())?;
    for wrapping in ["data", "account", "details", "certificate"] {
        if let Some(inner) = value.get_mut(wrapping).filter(|inner| inner.is_object()) {
            value = inner.take();
        }
    }
    serde_json::from_value(value).map_err(|_| no_proof())
}

fn block(answer: &BlockCertificate, spec: &Spec) -> Result<String, Failure> {
    let proven = verify::block_certificate(answer, &spec.chain_id(), &spec.validator_set())?;
    let (power, total) = (proven.power, proven.total_power);
    Ok(format!(
        "block {} ({}) is final: signed by {power} of {total} voting power",
        proven.height, proven.block
    ))
}

fn transaction(details: &TxDetails, spec: &Spec) -> Result<String, Failure> {
    let tx = Transaction::decode(&details.bytes.0)?;
    let proof = details.proof.as_ref().ok_or_else(unproven)?;
    let proven = verify::transaction(&tx.hash(), proof, &spec.chain_id(), &spec.validator_set())?;
    let receipt = proven.receipt.as_ref().ok_or_else(unproven)?;
    let (shown, place) = (&details.receipt, &details.receipt.place);
    let claims = [
        ("transaction", details.tx == TxView::from(&tx) && shown.tx == tx.hash()),
        ("block", place.block == proven.block && place.height == proven.height),
        ("position", place.index == receipt.index),
        ("outcome", place.success == receipt.status.is_success()),
        ("failure", place.failure == FailureView::of(&receipt.status)),
        ("fee", shown.fee == receipt.fee),
    ];
    if let Some((what, _)) = claims.into_iter().find(|(_, holds)| !holds) {
        return Err(VerifyError::Mismatch { what }.into());
    }
    let outcome = if place.success { "succeeded" } else { "failed" };
    Ok(format!(
        "transaction {} {outcome} in block {}: signed by {} of {} voting power",
        tx.hash(),
        proven.height,
        proven.power,
        proven.total_power
    ))
}

fn account(view: &AccountView, spec: &Spec) -> Result<String, Failure> {
    let proof = view.proof.as_ref().ok_or_else(unproven)?;
    let by = verify::account(view, proof, &spec.chain_id(), &spec.validator_set())?;
    Ok(format!(
        "{} has {} and nonce {} at block {}: attested by block {}, signed by {} of {} voting power",
        view.address, view.balance, view.nonce, view.at.height, by.height, by.power, by.total_power
    ))
}

fn unproven() -> Failure {
    Failure::usage("the answer comes without its proof, or before its result was attested")
        .with_hint("ask for it again in a moment, with `prove`")
}
