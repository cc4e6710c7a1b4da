//! Reading transactions: from the chain, from bytes, and what they would do.

use std::path::Path;

use logothete_client::rpc::method::TxSimulateMethod;
use logothete_client::rpc::types::{HexBytes, TxBytes, TxSimulated};
use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::TxHash;
use serde_json::json;

use super::draft::Draft;
use super::send;
use crate::cli::context::Context;
use crate::cli::output::{Exit, Failure, Outcome, Reply};
use crate::cli::show;

/// A signed transaction, from a file or from hexadecimal bytes.
pub(super) fn source(text: &str) -> Result<Transaction, Failure> {
    if Path::new(text).is_file() {
        return Draft::read(Path::new(text))?.complete();
    }
    let bytes = hex::decode(text.trim()).map_err(|error| {
        Failure::usage(format!("neither a file nor hexadecimal bytes: {error}"))
            .with_hint("make a file: logothete tx build …")
    })?;
    Ok(Transaction::decode(&bytes)?)
}

/// `tx show`.
pub(super) async fn show(context: &Context, hash: TxHash) -> Outcome {
    let details = send::with_proof(&context.client()?, hash).await?;
    let (verified, certificate) = send::check(context, hash, &details)?;
    let place = &details.receipt.place;
    let outcome = match &place.failure {
        None => "succeeded".to_owned(),
        Some(failure) => format!("failed: {}", failure.message),
    };
    let tx = Transaction::decode(&details.bytes.0)?;
    let text = format!(
        "tx {hash}\nblock      {} · {} · position {}\noutcome    {outcome}\n{}\n{certificate}",
        place.height,
        show::time(details.timestamp),
        place.index,
        describe(&tx.body),
    );
    Ok(Reply::new(json!({ "details": details, "verified": verified }), text))
}

/// `tx decode`.
pub(super) fn decode(text: &str) -> Outcome {
    let tx = source(text)?;
    let bytes = tx.encode();
    let data =
        json!({ "hash": tx.hash(), "size": bytes.len(), "tx": tx, "bytes": hex::encode(&bytes) });
    let text =
        format!("tx {}\n{}\nsize       {} bytes", tx.hash(), describe(&tx.body), bytes.len());
    Ok(Reply::new(data, text))
}

/// `tx simulate`.
pub(super) async fn simulate(context: &Context, text: &str) -> Outcome {
    let tx = source(text)?;
    let result = context.call::<TxSimulateMethod>(TxBytes { tx: HexBytes(tx.encode()) }).await?;
    let text = verdict(&result);
    let exit = if result.success { Exit::Ok } else { Exit::Rejected };
    Ok(Reply::new(result, text).with_exit(exit))
}

fn verdict(result: &TxSimulated) -> String {
    let at = format!("on the state of block {}", result.at.height);
    match (&result.skipped, &result.failure) {
        (Some(why), _) => format!("would not execute {at}: {}", why.message),
        (None, Some(why)) => format!("would fail {at}, and cost {}: {}", result.fee, why.message),
        (None, None) => format!("would succeed {at}, and cost {}", result.fee),
    }
}

fn describe(body: &Body) -> String {
    let mut text = format!(
        "sender     {}\nnonce      {} · fee {} · may execute up to block {}",
        body.sender, body.nonce, body.fee, body.expiry
    );
    for operation in body.operations.iter() {
        let Operation::Transfer { from, to, amount } = operation;
        let from = from.map_or(String::new(), |from| format!(" from {from}"));
        text.push_str(&format!("\ntransfer   {amount}{from} to {to}"));
    }
    if !body.memo.is_empty() {
        text.push_str(&format!("\nmemo       {:?}", String::from_utf8_lossy(&body.memo)));
    }
    for cosigner in body.cosigners.iter() {
        text.push_str(&format!("\nco-signer  {cosigner}"));
    }
    text
}
