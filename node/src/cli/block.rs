//! `block show|list|prove|export`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{BlockCertificateMethod, BlockGetMethod, BlockListMethod};
use logothete_client::rpc::types::{BlockGet, BlockSelector, BlockSummary, BlockView};
use logothete_client::verify;
use logothete_ledger::progress::{Step, Unit};
use logothete_primitives::Height;
use serde_json::json;

use super::context::{Context, Paging};
use super::output::{Failure, Outcome, Reply, short, table};
use super::progress::Meter;
use super::show;

/// Final blocks.
#[derive(Debug, Subcommand)]
pub enum Block {
    /// One block, by height or hash; the latest without either.
    #[command(
        after_help = "Examples:\n  logothete block show\n  logothete block show 52 --transactions"
    )]
    Show(Show),
    /// Blocks, newest first.
    #[command(after_help = "Example:\n  logothete block list --limit 50")]
    List(List),
    /// The certificate that makes a block final, verified here against the chain file.
    #[command(after_help = "Example:\n  logothete block prove 52")]
    Prove(Which),
    /// Blocks with their certificates as JSON lines, oldest first.
    #[command(
        after_help = "Example:\n  logothete block export --from 1 --to 100 --out blocks.jsonl"
    )]
    Export(Export),
}

/// Which block.
#[derive(Args, Debug)]
pub struct Which {
    /// Height or hash.
    block: Option<String>,
}

/// Arguments of `block show`.
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    which: Which,
    /// List the hashes of its transactions.
    #[arg(long)]
    transactions: bool,
}

/// Arguments of `block list`.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    paging: Paging,
}

/// Arguments of `block export`.
#[derive(Args, Debug)]
pub struct Export {
    /// First height.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Last height; the latest without one.
    #[arg(long)]
    to: Option<u64>,
    /// File to write; standard output without one.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads blocks.
///
/// # Errors
/// The node's refusal; a certificate that does not verify.
pub async fn perform(context: &Context, command: Block) -> Outcome {
    match command {
        Block::Show(wish) => {
            let BlockSelector { height, hash, min_height } = select(wish.which.block.as_deref())?;
            let params = BlockGet { height, hash, transactions: wish.transactions, min_height };
            let view = context.call::<BlockGetMethod>(params).await?;
            let text = describe(&view);
            Ok(Reply::new(view, text))
        }
        Block::List(wish) => list(context, wish).await,
        Block::Prove(which) => prove(context, &which).await,
        Block::Export(wish) => export(context, wish).await,
    }
}

fn select(text: Option<&str>) -> Result<BlockSelector, Failure> {
    let Some(text) = text else { return Ok(BlockSelector::default()) };
    if let Ok(height) = text.parse() {
        return Ok(BlockSelector { height: Some(Height::new(height)), ..BlockSelector::default() });
    }
    match text.parse() {
        Ok(hash) => Ok(BlockSelector { hash: Some(hash), ..BlockSelector::default() }),
        Err(_) => {
            Err(Failure::usage(format!("{text} is neither a height nor a hash of 64 digits")))
        }
    }
}

fn describe(view: &BlockView) -> String {
    let header = &view.header;
    let mut text = format!(
        "block {} · {}\nhash        {}\nparent      {}\nview        {} · epoch {}\nproposer    {}\n\
         transactions {} in {} batches\nfinal by    {}",
        header.height,
        show::time(header.timestamp),
        view.hash,
        header.parent,
        header.view,
        header.epoch,
        show::validator(&header.proposer),
        view.transaction_count,
        view.batches.len(),
        show::signers(&view.signers),
    );
    if view.evidence_count > 0 {
        let hint = "`logothete consensus evidence` shows it";
        text.push_str(&format!("\nevidence    {} ({hint})", view.evidence_count));
    }
    if let Some(results) = &view.results {
        text.push_str(&format!("\nstate root  {}", results.state_root));
    }
    text.push_str(&format!(
        "\nattests     height {} state root {}",
        header.executed.height, header.executed.state_root
    ));
    for hash in view.transactions.iter().flatten() {
        text.push_str(&format!("\n  {hash}"));
    }
    text
}

async fn list(context: &Context, wish: List) -> Outcome {
    let page = context.call::<BlockListMethod>(wish.paging.into()).await?;
    let row = |block: &BlockSummary| {
        vec![
            block.height.to_string(),
            short(&block.hash.to_string()),
            block.view.to_string(),
            show::time(block.timestamp),
            show::validator(&block.proposer),
            block.transactions.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    let mut text = table(&["height", "hash", "view", "time", "proposer", "txs"], &rows);
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!("more: --cursor {cursor}"));
    }
    Ok(Reply::new(page, text))
}

async fn prove(context: &Context, which: &Which) -> Outcome {
    let spec = context.trusted_spec()?;
    let selector = select(which.block.as_deref())?;
    let certificate = context.call::<BlockCertificateMethod>(selector).await?;
    let certified =
        verify::block_certificate(&certificate, &spec.chain_id(), &spec.validator_set())?;
    let text = format!(
        "block {} · {}\nview {} · signed by {}\n{} certificate verified locally: {} of {} voting power, {} decide",
        certificate.height,
        certificate.block,
        certificate.view,
        show::signers(&certificate.signers),
        context.printer.tick(),
        certified.power,
        certified.total_power,
        certificate.quorum,
    );
    Ok(Reply::new(json!({ "certificate": certificate, "verified": true }), text))
}

/// A reader that has seen enough closes the pipe: that is its wish, not a fault.
async fn export(context: &Context, wish: Export) -> Outcome {
    if context.printer.json && wish.out.is_none() {
        return Err(Failure::usage(
            "the blocks would stand before the envelope on standard output",
        )
        .with_hint("name a file with --out, or leave out --json: the lines are JSON anyway"));
    }
    match write_all(context, wish).await {
        Err(failure) if failure.code == "closed" => Ok(Reply::new(json!({}), "")),
        outcome => outcome,
    }
}

async fn write_all(context: &Context, wish: Export) -> Outcome {
    let latest = context.call::<BlockGetMethod>(BlockGet::default()).await?.header.height.get();
    let to = wish.to.unwrap_or(latest).min(latest);
    let mut out: Box<dyn std::io::Write> = match &wish.out {
        Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create(path)?)),
        None => Box::new(std::io::stdout()),
    };
    let mut count = 0_u64;
    // On standard output the lines show by themselves how far it is.
    let mut meter = wish.out.is_some().then(|| Meter::new(context.printer));
    let total = Some(to.saturating_sub(wish.from) + 1);
    for height in wish.from..=to {
        let height = Some(Height::new(height));
        let block = context
            .call::<BlockGetMethod>(BlockGet { height, transactions: true, ..BlockGet::default() })
            .await?;
        let certificate = context
            .call::<BlockCertificateMethod>(BlockSelector { height, ..BlockSelector::default() })
            .await?;
        writeln!(out, "{}", json!({ "block": block, "certificate": certificate }))?;
        count += 1;
        if let Some(meter) = &mut meter {
            meter.at(Step { work: "exporting", unit: Unit::Blocks, done: count, total });
        }
    }
    drop(meter);
    out.flush()?;
    // On standard output the lines are the answer.
    match wish.out {
        Some(path) => {
            let text = format!("{count} blocks in {}", path.display());
            Ok(Reply::new(json!({ "blocks": count, "file": path }), text))
        }
        None => Ok(Reply::new(json!({ "blocks": count }), "")),
    }
}
