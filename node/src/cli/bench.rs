//! `bench`: one measurement a command.

pub mod growth;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use logothete_genesis::dev;
use logothete_primitives::limits::MAX_OPERATIONS;
use tokio_util::sync::CancellationToken;

use self::growth::Growth;
use super::context::Context;
use super::output::{Failure, Outcome, Reply};
use crate::bench::ground::Ground;
use crate::bench::network::Network;
use crate::bench::targets::{Extent, Suite};
use crate::bench::{self, Options, order, reads, recover, sync};
use crate::devnet::{lifecycle, up};

/// Measurements.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Signed transfers to all nodes: committed per second, latency, CPU time per transaction.
    ///
    /// Without --url and without a devnet it starts four validators of its own and removes them.
    #[command(
        after_help = "Examples:\n  logothete bench load                          as fast as it goes, on the devnet\n  \
        logothete bench load --rate 2000 --duration 30\n  logothete bench load --url http://a:8080,http://b:8080 --from ./rich-key.json --json\n  logothete bench load --profile load.svg"
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
    /// Opaque payloads through four fresh nodes: what ordering alone costs, without signatures and execution.
    ///
    /// The consensus, dissemination, storage and network of the real node; needs no devnet and makes none.
    #[command(
        after_help = "Examples:\n  logothete bench order                             as fast as it goes, then at half of that\n  \
        logothete bench order --rate 100000 --size 512 --duration 30 --json\n  logothete bench order --profile order.svg"
    )]
    Order(Order),
    /// A chain of transfers, and how fast a follower and a wiped validator fetch, verify and execute it; on a fresh devnet.
    #[command(
        after_help = "Example:\n  logothete devnet up --detach && logothete bench sync --transfers 100000"
    )]
    Sync(Sync),
    /// A validator killed under load, and how long it takes to serve and to vote again; on a fresh devnet.
    #[command(
        after_help = "Example:\n  logothete devnet up --detach && logothete bench recover --transfers 5000,20000,80000"
    )]
    Recover(Recover),
    /// Reads from one validator beside a small load, and subscribers that only listen; on a fresh devnet.
    ///
    /// With a rate the reads are sent evenly, whatever the answers take, and it is measured by turns with and without them: what
    /// that does to the votes of the validator.
    #[command(
        after_help = "Examples:\n  logothete devnet up --detach && logothete bench reads\n  logothete bench reads --mix all --batch 20 --json\n  logothete bench reads --rate 20000 --batch 20 --duration 30"
    )]
    Reads(Reads),
    /// One process of the network that `bench order` makes.
    #[command(hide = true)]
    OrderNode(OrderNode),
}

/// Arguments of `bench order`.
#[derive(Args, Debug)]
pub struct Order {
    /// Validators, each a process of its own.
    #[arg(short, long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    nodes: u16,
    /// Bytes of a payload.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=4096))]
    size: u16,
    /// Payloads a second; without it as fast as they become final, then at half of what that was.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    /// Payloads on the way at one time, without a rate.
    #[arg(long, default_value_t = 64_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    outstanding: u64,
    /// Seconds of each load that are measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    duration: u64,
    /// Seconds of load before that.
    #[arg(long, default_value_t = 3)]
    warmup: u64,
    /// Where the databases of the nodes are meanwhile; else the temporary directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write a flame graph of all nodes in the first measured time; needs the program perf.
    #[arg(long, value_name = "FILE.svg")]
    profile: Option<PathBuf>,
}

/// Arguments of `bench sync`.
#[derive(Args, Debug)]
pub struct Sync {
    /// Transfers of the chain.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    transfers: u64,
    /// Who pays: name or file of a key.
    #[arg(long, default_value = "alice")]
    from: String,
}

/// Arguments of `bench recover`.
#[derive(Args, Debug)]
pub struct Recover {
    /// Lengths of the chain, in transfers.
    #[arg(long, value_delimiter = ',', default_value = "5000,20000,80000", value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    transfers: Vec<u64>,
    /// Kills at each length.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    kills: u8,
    /// Transfers a second meanwhile.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Milliseconds that the validator stays down each time.
    #[arg(long, default_value_t = 1_000)]
    down_ms: u64,
    /// Who pays: name or file of a key.
    #[arg(long, default_value = "alice")]
    from: String,
}

/// Arguments of `bench reads`.
#[derive(Args, Debug)]
pub struct Reads {
    /// What is read.
    #[arg(long, value_enum, default_value = "cheap")]
    mix: reads::Mix,
    /// Readers, each with a connection that it keeps.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
    /// Calls a request.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    batch: u8,
    /// Subscribers that only listen.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(0..=4_000))]
    subscribers: u16,
    /// Transfers a second meanwhile.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    transfers: u64,
    /// Calls a second, sent evenly; without it each reader asks again as soon as it is answered.
    #[arg(long, conflicts_with = "subscribers", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    rate: Option<u64>,
    /// How often both sides are measured, with a rate.
    #[arg(long, default_value_t = 2, requires = "rate", value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Seconds that each part is measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    duration: u64,
    /// Seconds of each part before that.
    #[arg(long, default_value_t = 3)]
    warmup: u64,
    /// Who pays: name or file of a key.
    #[arg(long, default_value = "alice")]
    from: String,
}

/// Arguments of `bench order-node`.
#[derive(Args, Debug)]
pub struct OrderNode {
    /// Directory of the network.
    #[arg(long)]
    home: PathBuf,
    /// Which node.
    #[arg(long)]
    index: u16,
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
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
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
    /// Write a flame graph of all nodes in the measured time; needs the program perf.
    #[arg(long, value_name = "FILE.svg")]
    profile: Option<PathBuf>,
}

/// Measures and reports.
///
/// # Errors
/// No node answers, the funds do not suffice, nothing becomes final.
pub async fn perform(context: &Context, command: Bench) -> Outcome {
    match command {
        Bench::Load(wish) => load(context, wish).await,
        Bench::Targets(wish) => targets(context, wish).await,
        Bench::Growth(wish) => growth::perform(context, wish).await,
        Bench::Order(wish) => order(context, wish).await,
        Bench::Sync(wish) => sync(context, wish).await,
        Bench::Recover(wish) => recover(context, wish).await,
        Bench::Reads(wish) => reads(context, wish).await,
        Bench::OrderNode(wish) => order_node(&wish).await,
    }
}

async fn targets(context: &Context, wish: Targets) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let directory = context.directory();
    let state = lifecycle::load(&directory)?;
    let many_accounts =
        usize::try_from(wish.many_accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let extent = Extent {
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
    let own = match context.named_urls().is_empty() && context.devnet().is_none() {
        true => {
            context.printer.progress("no devnet and no --url: starting four validators …");
            Some(Network::start(up::DEFAULT_NODES, false).await?)
        }
        false => None,
    };
    let funder = match (&own, dev::account(&wish.from)) {
        (Some(_), Some(account)) => account.secret,
        _ => context.signer(&wish.from, None)?,
    };
    let accounts =
        usize::try_from(wish.accounts).map_err(|_| Failure::usage("too many accounts"))?;
    let options = Options {
        urls: own.as_ref().map_or_else(|| context.urls(), Network::urls),
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
        committed_max: None,
        stop: CancellationToken::new(),
        warmup: Duration::from_secs(wish.warmup),
        profile: wish.profile,
    };
    let measured = bench::run(&options, &funder, context.printer);
    let report = Box::pin(bench::interruptible(measured)).await?;
    let text = report.table();
    Ok(Reply::new(report, text))
}

async fn order(context: &Context, wish: Order) -> Outcome {
    let options = order::Options {
        nodes: wish.nodes,
        size: wish.size.into(),
        rate: wish.rate,
        outstanding: wish.outstanding,
        duration: Duration::from_secs(wish.duration),
        warmup: Duration::from_secs(wish.warmup),
        directory: wish.data,
        profile: wish.profile,
    };
    let report = Box::pin(bench::interruptible(order::run(&options, context.printer))).await?;
    let text = report.table();
    Ok(Reply::new(report, text))
}

async fn sync(context: &Context, wish: Sync) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let ground =
        Ground { directory: context.directory(), funder: &funder, printer: context.printer };
    let report = bench::interruptible(sync::run(&ground, wish.transfers)).await?;
    let text = report.table();
    Ok(Reply::new(report, text))
}

async fn recover(context: &Context, wish: Recover) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let ground =
        Ground { directory: context.directory(), funder: &funder, printer: context.printer };
    let plan = recover::Plan {
        transfers: wish.transfers,
        kills: wish.kills.into(),
        rate: wish.rate,
        down: Duration::from_millis(wish.down_ms),
    };
    let report = recover::run(&ground, &plan).await?;
    let text = report.table();
    Ok(Reply::new(report, text))
}

async fn reads(context: &Context, wish: Reads) -> Outcome {
    let funder = context.signer(&wish.from, None)?;
    let ground =
        Ground { directory: context.directory(), funder: &funder, printer: context.printer };
    let plan = reads::Plan {
        mix: wish.mix,
        connections: wish.connections.into(),
        batch: wish.batch.into(),
        // None listens while the rate is kept.
        subscribers: if wish.rate.is_some() { 0 } else { wish.subscribers.into() },
        transfers: wish.transfers,
        rate: wish.rate,
        duration: Duration::from_secs(wish.duration),
        warmup: Duration::from_secs(wish.warmup),
    };
    if let Some(rate) = wish.rate {
        let paced = reads::run_paced(&ground, &plan, rate, wish.rounds);
        let figures = Box::pin(bench::interruptible(paced)).await?;
        let text = figures.table();
        return Ok(Reply::new(figures, text));
    }
    let figures = Box::pin(bench::interruptible(reads::run(&ground, &plan))).await?;
    let text = figures.table();
    Ok(Reply::new(figures, text))
}

async fn order_node(wish: &OrderNode) -> Outcome {
    let ended = order::node::run(&wish.home, wish.index).await;
    ended.map_err(|error| Failure::new("node_stopped", format!("{error:#}")))?;
    Ok(Reply::new(serde_json::Value::Null, ""))
}
