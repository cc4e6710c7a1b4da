//! Transactions in files: built on one machine, signed on another, submitted by a third.

use std::collections::BTreeMap;
use std::path::Path;

use logothete_client::rpc::method::{AccountGetMethod, ChainInfoMethod};
use logothete_client::rpc::types::{AccountGet, Empty};
use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::{Address, Amount, ChainId, Height, Nonce, Signature};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Build, Sign};
use crate::cli::context::Context;
use crate::cli::output::{Exit, Failure, Outcome, Reply};

/// The content of such a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    /// The chain it is for; part of what is signed.
    pub(super) chain_id: ChainId,
    /// What is agreed.
    pub(super) body: Body,
    /// The signatures there are.
    #[serde(default)]
    pub(super) signatures: BTreeMap<Address, Signature>,
}

impl Draft {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new("io", format!("cannot read {}: {error}", path.display()))
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("{} is not a transaction: {error}", path.display()))
        })
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        Ok(std::fs::write(path, text + "\n")?)
    }

    /// Those who must sign and have not.
    pub(super) fn missing(&self) -> Vec<Address> {
        self.body
            .signers()
            .filter(|signer| !self.signatures.contains_key(signer))
            .copied()
            .collect()
    }

    /// The transaction, when everybody has signed.
    pub(super) fn complete(&self) -> Result<Transaction, Failure> {
        let missing: Vec<String> = self.missing().iter().map(ToString::to_string).collect();
        if !missing.is_empty() {
            let message = format!("not signed by {}", missing.join(", "));
            return Err(Failure::new("not_signed", message)
                .with_exit(Exit::Rejected)
                .with_hint("add a signature: logothete tx sign FILE KEY"));
        }
        let mut signatures =
            self.body.signers().filter_map(|signer| self.signatures.get(signer)).copied();
        let signature = signatures.next().expect("the sender is a signer, and none is missing");
        let cosignatures: Vec<Signature> = signatures.collect();
        let cosignatures =
            cosignatures.try_into().map_err(|_| Failure::usage("too many co-signers"))?;
        Ok(Transaction { body: self.body.clone(), signature, cosignatures })
    }
}

/// What a body is made of besides its operations.
pub(super) struct Terms<'a> {
    pub(super) sender: Address,
    pub(super) nonce: Option<u64>,
    pub(super) fee: Option<Amount>,
    pub(super) memo: Option<&'a str>,
    pub(super) expires_in: u64,
}

/// Asks the chain for what was not given: chain id, nonce, least fee, height.
pub(super) async fn body(
    context: &Context,
    terms: Terms<'_>,
    operations: Vec<Operation>,
) -> Result<(ChainId, Body), Failure> {
    let chain = context.call::<ChainInfoMethod>(Empty {}).await?;
    if let Some(expected) = context.spec()?.map(|spec| spec.chain_id())
        && expected != chain.chain_id
    {
        let message =
            format!("the node is on chain {}, the chain file is of {expected}", chain.chain_id);
        return Err(Failure::new("wrong_chain", message)
            .with_exit(Exit::UnsafeRefused)
            .with_hint("name the right node with --url, or the right file with --genesis"));
    }
    let nonce = match terms.nonce {
        Some(nonce) => Nonce::new(nonce),
        None => {
            let params =
                AccountGet { address: terms.sender, at: None, min_height: None, prove: false };
            context.call::<AccountGetMethod>(params).await?.next_nonce
        }
    };
    let expiry = Height::new(chain.head.height.get().saturating_add(terms.expires_in));
    let mut body =
        Body::new(&chain.chain_id, terms.sender, nonce, Amount::new(0), expiry, operations)?;
    if let Some(memo) = terms.memo {
        body.memo = memo
            .as_bytes()
            .to_vec()
            .try_into()
            .map_err(|_| Failure::usage("the memo is too long"))?;
    }
    let least = chain.params.min_fee.units().saturating_mul(body.weight());
    body.fee = terms.fee.unwrap_or(Amount::new(least));
    Ok((chain.chain_id, body))
}

/// `tx build`.
pub(super) async fn build(context: &Context, wish: &Build) -> Outcome {
    let mut operations = Vec::new();
    for text in &wish.transfer {
        operations.push(transfer(context, None, text)?);
    }
    for text in &wish.transfer_from {
        let Some((from, rest)) = text.split_once(':') else {
            return Err(Failure::usage(format!("--transfer-from {text}: not FROM:TO=AMOUNT")));
        };
        operations.push(transfer(context, Some(context.address(from)?), rest)?);
    }
    if operations.is_empty() {
        return Err(
            Failure::usage("a transaction does something").with_hint("add --transfer TO=AMOUNT")
        );
    }
    let terms = Terms {
        sender: context.address(&wish.sender)?,
        nonce: wish.nonce,
        fee: wish.fee,
        memo: wish.memo.as_deref(),
        expires_in: wish.expires_in,
    };
    let (chain_id, body) = body(context, terms, operations).await?;
    let draft = Draft { chain_id, body, signatures: BTreeMap::new() };
    draft.write(&wish.out)?;
    Ok(progress(&draft, &wish.out))
}

/// `tx sign`.
pub(super) fn sign(context: &Context, wish: &Sign) -> Outcome {
    let mut draft = Draft::read(&wish.file)?;
    let key = context.signer(&wish.key, wish.passphrase_file.as_deref())?;
    let address = Address::from(key.public());
    if !draft.body.signers().any(|signer| *signer == address) {
        return Err(Failure::usage(format!("{address} is not a signer of this transaction"))
            .with_hint("the signers are the sender and every account that pays"));
    }
    let signature = key.sign(&draft.body.signing_message(&draft.chain_id));
    draft.signatures.insert(address, signature);
    draft.write(&wish.file)?;
    Ok(progress(&draft, &wish.file))
}

fn transfer(context: &Context, from: Option<Address>, text: &str) -> Result<Operation, Failure> {
    let Some((to, amount)) = text.split_once('=') else {
        return Err(Failure::usage(format!("{text}: not TO=AMOUNT")));
    };
    let amount = amount.parse().map_err(|error| Failure::usage(format!("{text}: {error}")))?;
    Ok(Operation::Transfer { from, to: context.address(to)?, amount })
}

fn progress(draft: &Draft, path: &Path) -> Reply {
    let missing = draft.missing();
    let shown = path.display();
    let data = json!({ "file": path, "missing_signers": missing });
    let text = if missing.is_empty() {
        format!("{shown}: signed by all; submit it: logothete tx submit {shown}")
    } else {
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        format!(
            "{shown}: needs the signature of {}\nsign it: logothete tx sign {shown} KEY",
            names.join(", ")
        )
    };
    Reply::new(data, text)
}
