//! `bench load`, `bench targets` and `bench growth`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum as _};
use logothete_primitives::limits::MAX_OPERATIONS;

use super::context::Context;
use super::output::{Failure, Outcome, Reply};
use crate::bench::growth::{self, Axis, Extent, Study};
use crate::bench::targets::{self, Suite};
use crate::bench::{self, Options};
use crate::devnet::lifecycle;

/// Measurements.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Signed transfers to all nodes: committed per second, latency, CPU time per transaction.
    #[command(
        after_help = "Examples:\n  logothete bench load                          as fast as it goes, on the devnet\n  \
        logothete bench load --rate 2000 --duration 30\n  logothete bench load --url http://a:8080,http://b:8080 --from ./rich-key.json --json"
    )]
    Load(Load),
    /// The figures that the project wants to reach, next to what this machine gives; on a fresh devnet.
    ///
    /// Idle, unloaded, saturated, at four fifths of that, at twice of that, with many accounts; then a node is wiped.
    #[command(
        after_help = "Example:\n  logothete devnet up --detach && logothete bench targets --json"
    )]
    Targets(Targets),
    /// What becomes of throughput, cost and latency when validators, accounts, the chain, transactions, the load or delays grow.
    ///
    /// Starts devnets of its own and removes them. Prints the tables; with `--out` the figures and a picture are kept.
    #[command(
        after_help = "Examples:\n  logothete bench growth --out growth\n  logothete bench growth --axes validators,delay --each 5"
    )]
    Growth(Growth),
}

/// Arguments of `bench growth`.
#[derive(Args, Debug)]
pub struct Growth {
    /// What grows; everything without it.
    #[arg(long, value_delimiter = ',', value_name = "AXIS,…")]
    axes: Vec<Axis>,
    /// Seconds that each point is measured.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    each: u64,
    /// Accounts at most.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    most_accounts: u32,
    /// Transactions in the chain at most.
    #[arg(long, default_value_t = 1_000_000)]
    most_transactions: u64,
    /// Directory for `growth.json`, `growth.md` and `growth.svg`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Arguments of `bench targets`.
#[derive(Args, Debug)]
pub struct Targets {
    /// Seconds of the saturated load.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    saturated: u64,
    /// Seconds of each other load.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    other: u64,
    /// Accounts in the measurement with many.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    many_accounts: u32,
    /// Who pays: name or file of a key.
    #[arg(long, default_value = "alice")]
    from: String,
}

/// Arguments of `bench load`.
#[derive(Args, Debug)]
pub struct Load {
    /// Accounts that send.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    accounts: u32,
    /// Transactions of one account on the way at one time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    in_flight: u8,
    /// Transactions of all accounts on the way at one time.
    #[arg(long)]
    outstanding: Option<u32>,
    /// Transactions a request.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Transfers a transaction.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=MAX_OPERATIONS as i64))]
    operations: u8,
    /// Requests to one node at one time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    workers: u8,
    /// Transactions a second; as fast as they become final without it.
    #[arg(long)]
    rate: Option<u64>,
    /// Percent of the transfers that all pay the same account.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    skew: u8,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 10)]
    duration: u64,
    /// Seconds of load before that.
    #[arg(long, default_value_t = 2)]
    warmup: u64,
    /// Who pays: name or file of a key.
    #[arg(long, default_value = "alice")]
    from: String,
}

/// Measures and reports.
///
/// # Errors
/// No node answers, the funds do not suffice, nothing becomes final.
pub async fn perform(context: &Context, command: Bench) -> Outcome {
    match command {
        Bench::Load(wish) => load(context, wish).await,
        Bench::Targets(wish) => targets(context, wish).await,
        // The networks go with the future, so an interrupt leaves none behind.
        Bench::Growth(wish) => tokio::select! {
            measured = growth(context, wish) => measured,
            _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted", "stopped before all was measured")),
        },
    }
}

async fn growth(context: &Context, wish: Growth) -> Outcome {
    let most_accounts =
        usize::try_from(wish.most_accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let extent = Extent {
        axes: if wish.axes.is_empty() { Axis::value_variants().to_vec() } else { wish.axes },
        each: Duration::from_secs(wish.each),
        most_accounts,
        most_transactions: wish.most_transactions,
    };
    if let Some(directory) = &wish.out {
        std::fs::create_dir_all(directory)?;
    }
    let keep = |growth: &growth::Growth| match &wish.out {
        Some(directory) => keep_growth(directory, growth),
        None => Ok(()),
    };
    let growth = Study::new(extent, context.printer)?.run(keep).await?;
    let text = growth.tables();
    Ok(Reply::new(growth, text))
}

fn keep_growth(directory: &Path, growth: &growth::Growth) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(growth).map_err(std::io::Error::other)?;
    std::fs::write(directory.join("growth.json"), json)?;
    std::fs::write(directory.join("growth.md"), growth.tables())?;
    std::fs::write(directory.join("growth.svg"), growth.picture())?;
    Ok(())
}

async fn targets(context: &Context, wish: Targets) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let directory = context.directory();
    let state = lifecycle::load(&directory)?;
    let many_accounts =
        usize::try_from(wish.many_accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let extent = targets::Extent {
        saturated: Duration::from_secs(wish.saturated),
        other: Duration::from_secs(wish.other),
        many_accounts,
    };
    let suite =
        Suite { directory, urls: state.urls(), funder: &funder, extent, printer: context.printer };
    let figures = suite.run().await?;
    let text = figures.table();
    Ok(Reply::new(figures, text))
}

async fn load(context: &Context, wish: Load) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let accounts =
        usize::try_from(wish.accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let options = Options {
        urls: context.urls(),
        accounts,
        in_flight: wish.in_flight.into(),
        outstanding: wish
            .outstanding
            .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)),
        batch: wish.batch.into(),
        operations: wish.operations.into(),
        workers: wish.workers.into(),
        rate: wish.rate,
        skew: wish.skew,
        duration: Duration::from_secs(wish.duration.max(1)),
        warmup: Duration::from_secs(wish.warmup),
    };
    let report = bench::run(&options, &funder, context.printer).await?;
    let text = report.table();
    Ok(Reply::new(report, text))
}
