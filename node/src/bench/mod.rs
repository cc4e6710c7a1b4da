//! `bench load`: signed transfers against running nodes, measured from outside.
//!
//! [`accounts`] makes and funds fresh accounts, [`load`] keeps them busy, [`finality`] reads every
//! final block and says when a transaction was first seen in one, [`usage`] reads what the processes
//! used, [`floor`] measures the least that they could use, [`report`] puts the figures together;
//! [`targets`] measures what the project wants to reach, [`growth`] what becomes of the figures when one thing grows;
//! [`order`] measures ordering alone, [`sync`] how nodes catch up and [`recover`] how they come back and [`reads`] what reads cost, all on a [`ground`]; [`network`] is a devnet that goes again;
//! [`meter`] measures between two moments, [`profile`] draws where the time goes. A transaction counts as committed when the client has
//! seen it in a final block, not when a node said it would be.

pub mod accounts;
pub mod chart;
pub mod finality;
pub mod floor;
pub mod ground;
pub mod growth;
pub mod http;
pub mod load;
pub mod meter;
pub mod network;
pub mod order;
pub mod pace;
pub mod profile;
pub mod reads;
pub mod recover;
pub mod report;
pub mod sync;
pub mod targets;
pub mod usage;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logothete_client::Client;
use logothete_client::rpc::method::ChainInfoMethod;
use logothete_client::rpc::types::Empty;
use logothete_primitives::{Amount, ChainId, SecretKey};
use tokio_util::sync::CancellationToken;

use self::accounts::Account;
use self::finality::Tracker;
use self::meter::{Measured, Meter};
use self::pace::Pace;
use self::profile::{Profiler, Recorded};
use self::report::{Report, Setting};
use crate::cli::output::{Failure, Printer};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Nodes the load is spread over.
    pub urls: Vec<String>,
    /// Accounts that send.
    pub accounts: usize,
    /// Transactions of one account on the way at one time.
    pub in_flight: usize,
    /// Transactions of all accounts on the way at one time.
    pub outstanding: usize,
    /// Transactions a request.
    pub batch: usize,
    /// Transfers a transaction.
    pub operations: usize,
    /// Requests a node works on at one time.
    pub workers: usize,
    /// Transactions a second; as fast as they become final without one.
    pub rate: Option<u64>,
    /// Percent of the transfers that all pay the same account; the others pay one account each.
    pub skew: u8,
    /// How long it is measured, at most.
    pub duration: Duration,
    /// When so many became final in the measured time, it ends.
    pub committed_max: Option<u64>,
    /// Ends the measured time as well.
    pub stop: CancellationToken,
    /// How long the load runs before it is measured.
    pub warmup: Duration,
    /// Where a flame graph of the measured time is written, if anywhere.
    pub profile: Option<PathBuf>,
}

impl Options {
    /// What saturates the nodes: as many as become final, for ten seconds.
    #[must_use]
    pub fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            accounts: 8_000,
            in_flight: 1,
            outstanding: usize::MAX,
            batch: 500,
            operations: 1,
            workers: 2,
            rate: None,
            skew: 0,
            duration: Duration::from_secs(10),
            committed_max: None,
            stop: CancellationToken::new(),
            warmup: Duration::from_secs(3),
            profile: None,
        }
    }

    /// Whether the measured time is over, after so long and with so many final.
    fn is_enough(&self, elapsed: Duration, committed: u64) -> bool {
        let has_all = self.committed_max.is_some_and(|most| committed >= most);
        elapsed >= self.duration || has_all || self.stop.is_cancelled()
    }
}

/// The chain as the load needs it.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// What is signed for.
    pub id: ChainId,
    /// Fee of a transfer.
    pub fee: Amount,
    /// Height when the load began.
    pub height: u64,
}

impl Chain {
    /// As a node shows it now.
    async fn read(client: &Client) -> Result<Self, Failure> {
        let info = client.call::<ChainInfoMethod>(Empty {}).await?;
        Ok(Self { id: info.chain_id, fee: info.params.min_fee, height: info.head.height.get() })
    }
}

/// How often it is looked whether the measured time is over, and how often progress is told.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
const TELL_INTERVAL: Duration = Duration::from_secs(1);
/// How long transactions may take to become final after the load has stopped.
const DRAIN: Duration = Duration::from_secs(15);

/// A measurement that an interrupt from the terminal ends: the processes and files that it holds go with it.
///
/// # Errors
/// Those of the measurement; that it was interrupted.
pub async fn interruptible<T>(
    measuring: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        measured = measuring => measured,
        _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted", "the measurement was interrupted")),
    }
}

/// Funds accounts, loads the nodes, measures.
///
/// # Errors
/// No node answers, the funds do not suffice, or nothing becomes final.
pub async fn run(
    options: &Options,
    funder: &SecretKey,
    printer: Printer,
) -> Result<Report, Failure> {
    let profiler = options.profile.as_deref().map(Profiler::find).transpose()?;
    let client = Arc::new(Client::new(options.urls.clone())?);
    let chain = Chain::read(&client).await?;
    printer.progress(&format!("funding {} accounts …", options.accounts));
    let accounts = accounts::funded(&client, chain, funder, options.accounts).await?;
    let chain = Chain::read(&client).await?;
    accounts::seen_by_all(&options.urls, chain).await?;

    let hot = accounts.first().map(|account| account.address);
    let shares = share(accounts, options.urls.len() * options.workers);
    let (tracker, returned) = Tracker::new(shares.len());
    let tracker = Arc::new(tracker);
    let observer =
        tokio::spawn(finality::observe(Arc::clone(&client), Arc::clone(&tracker), chain.height));
    let pace = Pace::new(options.rate);
    let outstanding = (options.outstanding / shares.len()).max(1);
    let mut workers = Vec::with_capacity(shares.len());
    for (index, (share, returned)) in shares.into_iter().zip(returned).enumerate() {
        let url = options.urls.get(index % options.urls.len()).cloned().unwrap_or_default();
        let worker = load::Worker {
            client: Client::new(vec![url])?,
            chain,
            accounts: share,
            returned,
            tracker: Arc::clone(&tracker),
            pace: pace.clone(),
            batch: options.batch,
            operations: options.operations,
            in_flight: options.in_flight,
            outstanding,
            hot,
            skew: options.skew,
            index,
        };
        workers.push(tokio::spawn(worker.run()));
    }
    let measured = measure(options, &client, &tracker, (printer, profiler)).await;
    pace.stop();
    let mut sent = load::Sent::default();
    for worker in workers {
        if let Ok(part) = worker.await {
            sent.add(part);
        }
    }
    let deadline = Instant::now() + DRAIN;
    while tracker.waiting() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    observer.abort();
    let (measured, recorded) = measured?;
    if let Some(recorded) = recorded {
        printer.progress("drawing the flame graph …");
        recorded.draw("logothete bench load").await?;
    }
    let setting = Setting::of(options);
    Ok(Report::new(setting, measured, sent, tracker.waiting(), floor::Floor::measure()))
}

async fn measure(
    options: &Options,
    client: &Client,
    tracker: &Tracker,
    (printer, profiler): (Printer, Option<Profiler>),
) -> Result<(Measured, Option<Recorded>), Failure> {
    let nodes = usage::local_nodes(&options.urls).await;
    printer.progress(&format!("warming up for {} s …", options.warmup.as_secs_f64()));
    tokio::time::sleep(options.warmup).await;
    let meter = Meter::start(nodes, profiler).await?;
    tracker.open_window();
    let mut told = Instant::now();
    while !options.is_enough(meter.elapsed(), tracker.committed()) {
        let left = options.duration.saturating_sub(meter.elapsed());
        tokio::time::sleep(left.min(LOOK_INTERVAL)).await;
        if told.elapsed() >= TELL_INTERVAL {
            told = Instant::now();
            printer.progress(&format!(
                "{:>5.1} s   {} committed   {} waiting",
                meter.elapsed().as_secs_f64(),
                tracker.committed(),
                tracker.waiting()
            ));
        }
    }
    let (measured, recorded) = meter.stop(|| tracker.close_window()).await?;
    if measured.window.committed == 0 {
        let height = accounts::height(client).await?;
        return Err(Failure::new(
            "nothing_committed",
            format!("nothing became final; the chain is at height {height}"),
        )
        .with_hint("logothete status says what the nodes wait for"));
    }
    Ok((measured, recorded))
}

/// Deals accounts out to workers, one after the other.
fn share(accounts: Vec<Account>, workers: usize) -> Vec<Vec<Account>> {
    let mut shares: Vec<Vec<Account>> = (0..workers).map(|_| Vec::new()).collect();
    for (index, account) in accounts.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(index % workers) {
            share.push(account);
        }
    }
    shares
}
