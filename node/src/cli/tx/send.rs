//! Handing in, waiting, verifying.

use std::time::{Duration, Instant};

use logothete_client::rpc::method::TxGetMethod;
use logothete_client::rpc::types::{Submitted, TxDetails, TxGet, TxPlace, TxStatus};
use logothete_client::verify::{self, VerifyError};
use logothete_client::{Client, ClientError};
use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Address, TxHash};
use serde::Serialize;
use serde_json::json;

use super::draft::{self, Terms};
use super::{Send, Submit, Wait, read};
use crate::cli::context::Context;
use crate::cli::output::{Exit, Failure, Outcome, Reply, short};
use crate::cli::show;

/// How long a proof may take to be attested after the transaction is final.
const PROOF_PATIENCE: Duration = Duration::from_secs(5);
/// How long the proof of its outcome may take: a later header attests it.
const OUTCOME_PATIENCE: Duration = Duration::from_secs(2);

/// `tx send`.
pub(super) async fn send(context: &Context, wish: &Send) -> Outcome {
    let key = context.signer(&wish.from, wish.passphrase_file.as_deref())?;
    let to = context.address(&wish.to)?;
    let terms = Terms {
        sender: Address::from(key.public()),
        nonce: None,
        fee: wish.fee,
        memo: wish.memo.as_deref(),
        expires_in: wish.expires_in,
    };
    let operations = vec![Operation::Transfer { from: None, to, amount: wish.amount }];
    let (chain, body) = draft::body(context, terms, operations).await?;
    let tx = Transaction::sign(&chain, body, &[&key])?;
    let began = Instant::now();
    let taken = hand_in(&context.client()?, &tx).await?;
    if wish.no_wait {
        return Ok(accepted(&taken));
    }
    finish(context, taken.hash, began, Duration::from_secs(wish.timeout)).await
}

/// `tx submit`.
pub(super) async fn submit(context: &Context, wish: &Submit) -> Outcome {
    let tx = read::source(&wish.source.tx)?;
    let began = Instant::now();
    let taken = hand_in(&context.client()?, &tx).await?;
    if !wish.wait {
        return Ok(accepted(&taken));
    }
    finish(context, taken.hash, began, Duration::from_secs(wish.timeout)).await
}

/// `tx wait`.
pub(super) async fn wait(context: &Context, wish: &Wait) -> Outcome {
    finish(context, wish.which.hash, Instant::now(), Duration::from_secs(wish.timeout)).await
}

fn accepted(taken: &Submitted) -> Reply {
    let hash = taken.hash;
    let text = match &taken.status {
        TxStatus::Final(place) => format!("final already, in block {}   tx {hash}", place.height),
        _ => format!("accepted   tx {hash}\nwait for it: logothete tx wait {hash}"),
    };
    Reply::new(taken, text)
}

/// Submits. Whatever happens from here on, the hash is told.
async fn hand_in(client: &Client, tx: &Transaction) -> Result<Submitted, Failure> {
    let hash = tx.hash();
    match client.submit(tx).await {
        Ok(taken) => Ok(taken),
        Err(ClientError::Rpc(error)) => {
            let data = json!({ "hash": hash, "rpc_error": error });
            Err(Failure::from(*error).with_data(data))
        }
        Err(error) => Err(unknown(hash, &format!("the answer was lost: {error}"))),
    }
}

fn unknown(hash: TxHash, why: &str) -> Failure {
    Failure::new("outcome_unknown", format!("{why}\ntx {hash}"))
        .with_exit(Exit::Unknown)
        .with_hint(format!("it may still become final; ask: logothete tx wait {hash} (sending the same bytes again is harmless)"))
        .with_data(json!({ "hash": hash }))
}

/// Waits, fetches the proof, verifies it, reports.
async fn finish(context: &Context, hash: TxHash, began: Instant, patience: Duration) -> Outcome {
    let client = context.client()?;
    let status = match client.wait(hash, patience).await {
        Ok(status) => status,
        Err(ClientError::Rpc(error)) if !error.code.is_transient() => return Err((*error).into()),
        Err(error) => return Err(unknown(hash, &format!("no answer: {error}"))),
    };
    match status {
        TxStatus::Final(place) => report(context, &client, hash, &place, began.elapsed()).await,
        TxStatus::Dropped { reason } => {
            let data = json!({ "hash": hash, "reason": reason });
            Err(Failure::new(
                reason.to_lowercase(),
                format!("the transaction left the mempool: {reason}"),
            )
            .with_exit(Exit::Rejected)
            .with_data(data))
        }
        _ => Err(unknown(hash, &format!("not final after {}", show::duration(began.elapsed())))),
    }
}

async fn report(
    context: &Context,
    client: &Client,
    hash: TxHash,
    place: &TxPlace,
    took: Duration,
) -> Outcome {
    let printer = context.printer;
    let details = with_proof(client, hash).await?;
    let (verified, certificate) = check(context, hash, &details)?;
    let data = json!({
        "hash": hash, "height": place.height, "block": place.block, "success": place.success,
        "failure": place.failure, "fee": details.receipt.fee, "finality_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "verified": verified,
    });
    let tx = short(&hash.to_string());
    let mut text = format!(
        "  {} final   block {} · {}   tx {tx}   fee {}",
        printer.tick(),
        place.height,
        show::duration(took),
        details.receipt.fee,
    );
    text.push_str("\n  ");
    text.push_str(&certificate);
    if let Some(failure) = &place.failure {
        let message = format!(
            "the transaction is final in block {} and failed: {}",
            place.height, failure.message
        );
        return Err(Failure::new(failure.code.to_lowercase(), format!("{message}\n{text}"))
            .with_exit(Exit::Rejected)
            .with_hint("its fee and nonce are spent, nothing else changed")
            .with_data(data));
    }
    Ok(Reply::new(data, text))
}

/// The transaction with its proofs, as soon as certificates cover it and its outcome.
pub(super) async fn with_proof(client: &Client, hash: TxHash) -> Result<TxDetails, Failure> {
    let began = Instant::now();
    loop {
        let details =
            client.call::<TxGetMethod>(TxGet { hash, prove: true, min_height: None }).await?;
        let complete = details.proof.as_ref().is_some_and(|proof| proof.receipt.is_some());
        let patience = if details.proof.is_some() { OUTCOME_PATIENCE } else { PROOF_PATIENCE };
        if complete || began.elapsed() > patience {
            return Ok(details);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Verifies what there is against the chain file, and says in words what was verified.
///
/// Nothing is called verified that was not.
pub(super) fn check(
    context: &Context,
    hash: TxHash,
    details: &TxDetails,
) -> Result<(Verified, String), Failure> {
    let Some(spec) = context.spec()? else {
        let text = "not verified: no chain file is known here (--genesis FILE)".to_owned();
        return Ok((Verified::Nothing, text));
    };
    let Some(proof) = &details.proof else {
        return Ok((Verified::Nothing, "not verified: the node has no proof yet".to_owned()));
    };
    let set = spec.validator_set();
    let verified = verify::transaction(&hash, proof, &spec.chain_id(), &set)?;
    let place = &details.receipt.place;
    let claims = [
        ("block", place.block == verified.block && place.height == verified.height),
        ("bytes", Transaction::hash_of(&details.bytes.0) == hash),
        (
            "outcome",
            verified.receipt.as_ref().is_none_or(|receipt| {
                receipt.status.is_success() == place.success && receipt.fee == details.receipt.fee
            }),
        ),
    ];
    if let Some((what, _)) = claims.into_iter().find(|(_, holds)| !holds) {
        return Err(VerifyError::Mismatch { what }.into());
    }
    let signers = verified.signers.iter().filter_map(|index| set.get(*index));
    let names: Vec<&str> = signers.map(|validator| validator.name.as_str()).collect();
    let (level, outcome) = match verified.receipt {
        Some(_) => (Verified::InclusionAndOutcome, " · outcome too"),
        None => (Verified::Inclusion, ""),
    };
    let text = format!(
        "certificate {}/{} ({})   inclusion proof verified locally{outcome}",
        names.len(),
        set.len(),
        names.join(" "),
    );
    Ok((level, text))
}

/// How much was verified here, against the chain file.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verified {
    /// Nothing: the node's word.
    Nothing,
    /// That the transaction is in a final block.
    Inclusion,
    /// And how it ended.
    InclusionAndOutcome,
}
