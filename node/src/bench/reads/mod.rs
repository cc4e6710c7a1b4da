//! `bench reads`: how many reads one validator answers beside its work, and what that does to its votes.
//!
//! A small load of transfers goes through the other validators all the time. It is measured three times: with nothing else,
//! with readers in a closed loop, and with subscribers that only listen. Or, at a rate, by turns: with nothing else, and
//! with readers that are [`paced`].

mod figures;
mod paced;
mod reader;
mod subscribers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use logothete_client::Client;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::figures::{Figures, PacedFigures, Phase, Side};

use self::figures::{Taken, Votes};
use self::paced::Timetable;
use self::reader::{Gate, Requests, Seen};
use self::subscribers::Subscribers;
use super::ground::{self, Ground};
use super::{http, report, usage};
use crate::cli::output::Failure;
use crate::devnet::directory::Node;
use crate::files;

/// Which validator is read from.
const SERVING: usize = 0;
/// How often another validator is asked how long the votes of this one take.
const LOOK: Duration = Duration::from_millis(50);
/// Files beside the connections: the runtime, the load, the terminal.
const OTHER_FILES: u64 = 256;

/// What is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mix {
    /// `chain_info` and `account_get`, in turn.
    Cheap,
    /// These, `block_get` and `tx_get`, in turn.
    All,
}

/// What is measured.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is read.
    pub mix: Mix,
    /// Readers, each with a connection that it keeps.
    pub connections: usize,
    /// Calls a request.
    pub batch: usize,
    /// Subscribers that only listen.
    pub subscribers: usize,
    /// Transfers a second through the other validators.
    pub transfers: u64,
    /// Calls a second that are sent whatever the answers; none in a closed loop.
    pub rate: Option<u64>,
    /// How long each part is measured.
    #[serde(skip)]
    pub duration: Duration,
    /// How long each runs before that.
    #[serde(skip)]
    pub warmup: Duration,
}

/// Measures all three.
///
/// # Errors
/// There is no devnet of several nodes, a read is refused, a subscriber finds no room.
pub async fn run(ground: &Ground<'_>, plan: &Plan) -> Result<Figures, Failure> {
    let bench = Bench::new(ground, plan)?;
    ground.printer.progress("the load alone …");
    let alone = bench.measure(|_| async { Ok(Pressure::None) }).await?;
    ground.printer.progress("the load and readers …");
    let reads = bench.measure(|gate| bench.readers(gate)).await?;
    ground.printer.progress("the load and subscribers …");
    let listening = bench.measure(|_| bench.subscribers()).await?;
    Ok(Figures::new(plan, [&alone, &reads, &listening]))
}

/// Measures the load alone and beside readers at a rate, by turns: what drifts on the machine comes to both sides.
///
/// # Errors
/// There is no devnet of several nodes, a read is refused.
pub async fn run_paced(
    ground: &Ground<'_>,
    plan: &Plan,
    rate: u64,
    rounds: u8,
) -> Result<PacedFigures, Failure> {
    let bench = Bench::new(ground, plan)?;
    let (mut alone, mut reads) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        ground.printer.progress(&format!("round {round} of {rounds}: the load alone …"));
        alone.push(bench.measure(|_| async { Ok(Pressure::None) }).await?);
        ground.printer.progress(&format!("round {round} of {rounds}: the load and readers …"));
        reads.push(bench.measure(|_| bench.paced(rate)).await?);
    }
    Ok(PacedFigures::new(plan, rate, &alone, &reads))
}

struct Bench<'a> {
    ground: &'a Ground<'a>,
    plan: &'a Plan,
    /// Who is read from.
    node: Node,
    /// Who says how long its votes take.
    witness: Node,
}

/// What comes on top of the load.
enum Pressure {
    None,
    Readers(JoinSet<Result<Seen, Failure>>),
    Subscribers(Subscribers),
}

impl<'a> Bench<'a> {
    fn new(ground: &'a Ground<'a>, plan: &'a Plan) -> Result<Self, Failure> {
        let state = ground.state()?;
        let [node, witness] = [SERVING, SERVING + 1].map(|index| state.nodes.get(index).cloned());
        let (Some(node), Some(witness)) = (node, witness) else {
            return Err(Failure::usage("this needs a devnet of several nodes"));
        };
        let files = u64::try_from(plan.subscribers + plan.connections).unwrap_or(u64::MAX);
        files::allow(files.saturating_add(OTHER_FILES))?;
        Ok(Self { ground, plan, node, witness })
    }

    async fn requests(&self) -> Result<Arc<Requests>, Failure> {
        let client = Client::new([self.node.url()])?;
        let address = self.node.rpc.to_string();
        let (mix, batch) = (self.plan.mix, self.plan.batch);
        Ok(Arc::new(Requests::gather(&client, &address, mix, batch).await?))
    }

    async fn readers(&self, gate: Gate) -> Result<Pressure, Failure> {
        let (address, requests) = (self.node.rpc.to_string(), self.requests().await?);
        let calls = u64::try_from(self.plan.batch).unwrap_or(1);
        let mut readers = JoinSet::new();
        for index in 0..self.plan.connections {
            let (requests, gate) = (Arc::clone(&requests), gate.clone());
            readers.spawn(reader::read(address.clone(), requests, (index, calls), gate));
        }
        Ok(Pressure::Readers(readers))
    }

    /// Readers that together send so many calls a second.
    async fn paced(&self, rate: u64) -> Result<Pressure, Failure> {
        let (address, requests) = (self.node.rpc.to_string(), self.requests().await?);
        let calls = u64::try_from(self.plan.batch).unwrap_or(1);
        let connections = u32::try_from(self.plan.connections).unwrap_or(u32::MAX);
        let requests_per_second = report::precise(rate) / report::precise(calls);
        let (warmup, duration) = (self.plan.warmup, self.plan.duration);
        let timetable = Timetable::new(requests_per_second, connections, warmup, duration);
        let mut readers = JoinSet::new();
        for index in 0..connections {
            let requests = Arc::clone(&requests);
            readers.spawn(paced::read(address.clone(), requests, (index, calls), timetable));
        }
        Ok(Pressure::Readers(readers))
    }

    async fn subscribers(&self) -> Result<Pressure, Failure> {
        let address = self.node.rpc.to_string();
        Ok(Pressure::Subscribers(Subscribers::open(&address, self.plan.subscribers).await?))
    }

    /// Runs the load, puts the pressure on, measures, and ends both.
    async fn measure<P>(&self, press: impl FnOnce(Gate) -> P) -> Result<Taken, Failure>
    where
        P: Future<Output = Result<Pressure, Failure>>,
    {
        let stop = CancellationToken::new();
        let load = self.ground.load(SERVING, self.plan.transfers, stop.clone());
        let measuring = async {
            let _ends = stop.clone().drop_guard();
            let gate = Gate { counts: Arc::default(), stop: stop.clone() };
            let pressure = press(gate.clone()).await?;
            tokio::time::sleep(self.plan.warmup).await;
            self.window(pressure, gate).await
        };
        let (load, measured) = tokio::join!(load, measuring);
        Ok(Taken { load: Some(load?), ..measured? })
    }

    async fn window(&self, mut pressure: Pressure, gate: Gate) -> Result<Taken, Failure> {
        let told_before = pressure.told();
        let (before, began) = (ground::used(&self.node).await, Instant::now());
        gate.counts.store(true, Ordering::Relaxed);
        let mut votes = Votes::default();
        while began.elapsed() < self.plan.duration {
            tokio::time::sleep(LOOK.min(self.plan.duration)).await;
            votes.look(self.vote_delay().await);
        }
        gate.counts.store(false, Ordering::Relaxed);
        let (elapsed, after) = (began.elapsed(), ground::used(&self.node).await);
        let told = pressure.told() - told_before;
        let listening = pressure.listening();
        gate.stop.cancel();
        let seen = pressure.end().await?;
        let used = after.since(&before);
        Ok(Taken { elapsed, used, seen, votes, told, listening, load: None })
    }

    /// How long after the begin of its view the last vote of the node came, in seconds, as another one saw it.
    async fn vote_delay(&self) -> Option<f64> {
        let metrics = http::get(&self.witness.rpc.to_string(), "/metrics").await?;
        let name = &self.node.name;
        let series = format!("logothete_consensus_vote_delay_seconds{{validator=\"{name}\"}}");
        Some(usage::total(&metrics, &series))
    }
}

impl Pressure {
    fn told(&self) -> u64 {
        match self {
            Self::Subscribers(subscribers) => subscribers.told(),
            Self::None | Self::Readers(_) => 0,
        }
    }

    fn listening(&mut self) -> usize {
        match self {
            Self::Subscribers(subscribers) => subscribers.listening(),
            Self::None | Self::Readers(_) => 0,
        }
    }

    /// What the readers have seen, all together.
    async fn end(self) -> Result<Seen, Failure> {
        let mut all = Seen::nothing();
        if let Self::Readers(mut readers) = self {
            while let Some(ended) = readers.join_next().await {
                let seen = ended.map_err(|error| Failure::new("panicked", error.to_string()))?;
                all.add(&seen?);
            }
        }
        Ok(all)
    }
}
