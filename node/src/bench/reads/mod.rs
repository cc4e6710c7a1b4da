//! `bench reads`: how many reads one validator answers beside its work, and what that does to its votes.
//!
//! A small load of transfers goes through the other validators all the time. It is measured three times: with nothing else,
//! with readers in a closed loop, and with subscribers that only listen.

mod reader;
mod report;
mod subscribers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use logothete_client::Client;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::report::{Figures, Phase};

use self::reader::{Gate, Requests, Seen};
use self::subscribers::Subscribers;
use super::ground::{self, Ground};
use super::{http, usage};
use crate::cli::output::Failure;
use crate::devnet::directory::Node;
use crate::files;

/// Which validator is read from.
const SERVING: usize = 0;
/// How often another validator is asked how long the votes of this one take.
const LOOK: Duration = Duration::from_millis(200);
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
    pub rate: u64,
    /// How long each of the three is measured.
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
    let state = ground.state()?;
    let [node, witness] = [SERVING, SERVING + 1].map(|index| state.nodes.get(index).cloned());
    let (Some(node), Some(witness)) = (node, witness) else {
        return Err(Failure::usage("this needs a devnet of several nodes"));
    };
    let files = u64::try_from(plan.subscribers + plan.connections).unwrap_or(u64::MAX);
    files::allow(files.saturating_add(OTHER_FILES))?;
    let bench = Bench { ground, plan, node, witness };
    ground.printer.progress("the load alone …");
    let alone = bench.measure(|_| async { Ok(Pressure::None) }).await?;
    ground.printer.progress("the load and readers …");
    let reads = bench.measure(|gate| bench.readers(gate)).await?;
    ground.printer.progress("the load and subscribers …");
    let listening = bench.measure(|_| bench.subscribers()).await?;
    Ok(Figures::new(plan, alone, reads, listening))
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

impl Bench<'_> {
    async fn readers(&self, gate: Gate) -> Result<Pressure, Failure> {
        let address = self.node.rpc.to_string();
        let client = Client::new([self.node.url()])?;
        let batch = self.plan.batch;
        let requests = Requests::gather(&client, &address, self.plan.mix, batch).await?;
        let requests = Arc::new(requests);
        let calls = u64::try_from(batch).unwrap_or(1);
        let mut readers = JoinSet::new();
        for index in 0..self.plan.connections {
            let (requests, gate) = (Arc::clone(&requests), gate.clone());
            readers.spawn(reader::read(address.clone(), requests, (index, calls), gate));
        }
        Ok(Pressure::Readers(readers))
    }

    async fn subscribers(&self) -> Result<Pressure, Failure> {
        let address = self.node.rpc.to_string();
        Ok(Pressure::Subscribers(Subscribers::open(&address, self.plan.subscribers).await?))
    }

    /// Runs the load, puts the pressure on, measures, and ends both.
    async fn measure<P>(&self, press: impl FnOnce(Gate) -> P) -> Result<Phase, Failure>
    where
        P: Future<Output = Result<Pressure, Failure>>,
    {
        let stop = CancellationToken::new();
        let load = self.ground.load(SERVING, self.plan.rate, stop.clone());
        let measuring = async {
            let _ends = stop.clone().drop_guard();
            let gate = Gate { counts: Arc::default(), stop: stop.clone() };
            let pressure = press(gate.clone()).await?;
            tokio::time::sleep(self.plan.warmup).await;
            self.window(pressure, gate).await
        };
        let (load, measured) = tokio::join!(load, measuring);
        Ok(measured?.with_load(&load?))
    }

    async fn window(&self, mut pressure: Pressure, gate: Gate) -> Result<Phase, Failure> {
        let told_before = pressure.told();
        let (before, began) = (ground::used(&self.node).await, Instant::now());
        gate.counts.store(true, Ordering::Relaxed);
        let mut delays = Vec::new();
        while began.elapsed() < self.plan.duration {
            tokio::time::sleep(LOOK.min(self.plan.duration)).await;
            delays.extend(self.vote_delay().await);
        }
        gate.counts.store(false, Ordering::Relaxed);
        let (elapsed, after) = (began.elapsed(), ground::used(&self.node).await);
        let told = pressure.told() - told_before;
        let listening = pressure.listening();
        gate.stop.cancel();
        let seen = pressure.end().await?;
        Ok(Phase::new(elapsed, &after.since(&before), &seen, delays).with_told(told, listening))
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
