//! `verify proof|evidence|block|backup|chain`: checks made here, without any node.

mod block;
mod chain;
mod proof;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use logothete_client::rpc::types::{EvidenceView, OffenceKind, Page};
use logothete_client::verify;
use logothete_genesis::Spec;
use serde::Deserialize;

use super::config::Place;
use super::context::Context;
use super::output::{Failure, Outcome, Reply, table};
use super::{backup, show};

/// Check what a node said, against the chain file alone.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, from the command line")]
pub enum Verify {
    /// A proof of a block, a transaction or an account: certificate, paths, and what is claimed.
    #[command(after_help = "Examples:\n  logothete account prove alice --json > proof.json\n  \
                      logothete verify proof proof.json --genesis genesis.toml")]
    Proof(File),
    /// Evidence of equivocation: both signatures of each proof.
    #[command(after_help = "Example:\n  logothete consensus evidence --json > evidence.json\n  \
                      logothete verify evidence evidence.json --genesis genesis.toml")]
    Evidence(File),
    /// Blocks as `block export` writes them: certificates, hash links, and what is shown of each.
    #[command(after_help = "Examples:\n  logothete block export --to 100 --out blocks.jsonl\n  \
                      logothete verify block blocks.jsonl --genesis genesis.toml")]
    Block(File),
    /// A backup, the same as `backup verify`.
    #[command(after_help = "Example:\n  logothete verify backup ./backup --genesis genesis.toml")]
    Backup(backup::Verify),
    /// The whole chain of a node that does not run, from the first block to the newest, and its state. Changes nothing.
    #[command(after_help = "Example:\n  logothete verify chain --home ./node0\n\n\
        Exit code 7 names the height and the check that fails: block, block_hash, parent, payload, justification, batch, receipts,\n\
        results, certificate, state_order, state_root, database.")]
    Chain(Place),
}

/// What to verify.
#[derive(Args, Debug)]
pub struct File {
    /// What a command printed with `--json`, or what the explorer downloaded; `-` is standard input.
    file: PathBuf,
}

/// Accepted forms: the envelope of a command, the page of the RPC, one proof.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Envelope { data: Page<EvidenceView> },
    Page(Page<EvidenceView>),
    One(Box<EvidenceView>),
}

/// Verifies.
///
/// # Errors
/// The file cannot be read, there is no chain file, or a proof proves nothing.
pub async fn perform(context: &Context, command: Verify) -> Outcome {
    match command {
        Verify::Proof(File { file }) => {
            let spec = context.trusted_spec()?;
            proof::perform(&read(&file)?, &spec, context.printer.tick())
        }
        Verify::Evidence(File { file }) => evidence(&file, &context.trusted_spec()?),
        Verify::Block(File { file }) => {
            block::perform(&file, &context.trusted_spec()?, context.printer)
        }
        Verify::Backup(wish) => backup::verify(context, wish).await,
        Verify::Chain(place) => chain::perform(context, &place).await,
    }
}

fn evidence(file: &Path, spec: &Spec) -> Outcome {
    let items = match serde_json::from_slice(&read(file)?) {
        Ok(Form::Envelope { data: page } | Form::Page(page)) => page.items,
        Ok(Form::One(item)) => vec![*item],
        Err(_) => {
            return Err(Failure::usage(format!("{} holds no evidence", file.display()))
                .with_hint("it is what `logothete consensus evidence --json` prints"));
        }
    };
    let text = check_evidence(&items, spec)?;
    Ok(Reply::new(items, text))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    /// More than a page of evidence ever takes.
    const LONGEST: u64 = 16 << 20;
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(LONGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::new("io", format!("reading {}: {error}", file.display())))?;
    Ok(bytes)
}

/// The proofs as a table, after each of them was verified.
///
/// # Errors
/// The first that proves nothing, or something else than it is shown as.
pub fn check_evidence(items: &[EvidenceView], spec: &Spec) -> Result<String, Failure> {
    let (chain, validators) = (spec.chain_id(), spec.validator_set());
    for item in items {
        let proven = verify::evidence(&item.evidence, &chain, &validators)?;
        let shown = (item.validator.index, item.kind, item.view);
        if shown != (proven.signer().get(), proven.kind().into(), proven.view()) {
            return Err(verify::VerifyError::Mismatch { what: "offence" }.into());
        }
    }
    let result = match items.len() {
        0 => "the chain records no evidence".to_owned(),
        1 => "verified locally: both signatures are the validator's".to_owned(),
        count => format!("{count} proofs verified locally: both signatures are the validator's"),
    };
    Ok(list_evidence(items) + &result)
}

/// The proofs as a table; nothing for none.
#[must_use]
pub fn list_evidence(items: &[EvidenceView]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let row = |item: &EvidenceView| {
        vec![
            item.height.to_string(),
            show::time(item.timestamp),
            show::validator(&item.validator),
            signed_twice(item.kind).to_owned(),
            item.view.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    table(&["height", "time", "validator", "signed two", "in view"], &rows)
}

const fn signed_twice(kind: OffenceKind) -> &'static str {
    match kind {
        OffenceKind::Proposal => "proposals",
        OffenceKind::PrepareVote => "prepare votes",
        OffenceKind::CommitVote => "commit votes",
        OffenceKind::Timeout => "timeouts",
    }
}
