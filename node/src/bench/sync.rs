//! `bench sync`: how fast a node that has nothing fetches, verifies and executes a chain, next to how fast it was made.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use logothete_genesis::Spec;
use logothete_genesis::keystore::new_key;
use logothete_genesis::network_files::{Kept, KeyOrigin, NodeConfig, NodeFiles, Role};
use serde::Serialize;

use super::ground::{self, Ground, POLL};
use super::report::{Machine, precise, stage_percent};
use super::targets::{Figure, Target};
use super::usage::Usage;
use crate::cli::output::{Exit, Failure};
use crate::cli::show::grouped;
use crate::devnet::create::multiaddress;
use crate::devnet::directory::Node;
use crate::devnet::ports::Ports;
use crate::devnet::process::Process;
use crate::devnet::start::program;
use crate::devnet::{lifecycle, observe, start};

/// Times faster than the load that a node should catch up.
const WANTED_TIMES: f64 = 3.0;
/// How long a node may take.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// How the chain was made.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// Transfers that became final in the measured time.
    pub transactions: u64,
    /// Blocks in that time.
    pub blocks: u64,
    /// Its length in seconds.
    pub seconds: f64,
    /// Transfers a second.
    pub transactions_per_second: f64,
    /// Blocks a second.
    pub blocks_per_second: f64,
}

/// How one node caught up.
#[derive(Clone, Debug, Serialize)]
pub struct Caught {
    /// Which node: `follower`, new and with an empty directory, or `validator`, wiped.
    pub node: &'static str,
    /// Blocks of the chain.
    pub blocks: u64,
    /// Transactions in them, those that funded the accounts included.
    pub transactions: u64,
    /// Megabytes that it received for that, by whatever lane.
    pub megabytes: f64,
    /// Seconds from the start of its process until it had fetched and verified all of it.
    pub seconds_to_final: f64,
    /// Seconds until it had executed all of it as well.
    pub seconds: f64,
    /// Blocks a second, from the start of its process to the last one executed.
    pub blocks_per_second: f64,
    /// Transactions a second.
    pub transactions_per_second: f64,
    /// Megabytes a second.
    pub megabytes_per_second: f64,
    /// Microseconds of its CPU for a transaction.
    pub cpu_us_per_transaction: f64,
    /// Share of its CPU time by stage, in percent.
    pub cpu_percent: BTreeMap<&'static str, f64>,
    /// Times faster than the chain was made.
    pub times_faster: f64,
}

/// Everything together.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// Validators of the devnet.
    pub nodes: usize,
    /// How the chain was made.
    pub made: Made,
    /// How nodes caught up with it.
    pub caught_up: Vec<Caught>,
    /// What the project wants to reach.
    pub figures: Vec<Figure>,
}

/// Makes a chain of transfers on a running devnet, then lets a follower and a wiped validator catch up with it.
///
/// # Errors
/// What a load fails with; a node does not catch up.
pub async fn run(ground: &Ground<'_>, transfers: u64) -> Result<Report, Failure> {
    ground.printer.progress("making the chain …");
    let load = ground.make(transfers).await?;
    let made = Made {
        transactions: load.committed,
        blocks: load.blocks,
        seconds: load.seconds,
        transactions_per_second: load.committed_per_second,
        blocks_per_second: precise(load.blocks) / load.seconds,
    };
    let caught_up = vec![follower(ground, &made).await?, wiped(ground, &made).await?];
    let figure = |caught: &Caught| {
        let name = format!("{}, times faster than the chain was made", caught.node);
        Figure::new(name, "times", Target::AtLeast(WANTED_TIMES), caught.times_faster)
    };
    let figures = caught_up.iter().map(figure).collect();
    let nodes = ground.state()?.nodes.len();
    Ok(Report { machine: Machine::this(), nodes, made, caught_up, figures })
}

/// A new follower that knows one validator and is told of the others.
async fn follower(ground: &Ground<'_>, made: &Made) -> Result<Caught, Failure> {
    ground.printer.progress("a follower with nothing catches up …");
    let height = ground.level().await?.executed.height.get();
    let follower = Follower::start(ground)?;
    catch_up("follower", &follower.node, height, made).await
}

/// The last validator, wiped. It votes again only after that (R10), which `bench recover` measures.
async fn wiped(ground: &Ground<'_>, made: &Made) -> Result<Caught, Failure> {
    ground.printer.progress("a wiped validator catches up …");
    let height = ground.level().await?.executed.height.get();
    let last = ground.state()?.nodes.len() - 1;
    lifecycle::kill(&ground.directory, &[last]).await?;
    lifecycle::clear(&ground.directory, last)?;
    let node = start::one(&ground.directory, last)?;
    catch_up("validator", &node, height, made).await
}

/// Watches a process that was just started until it has executed a height.
async fn catch_up(
    name: &'static str,
    node: &Node,
    height: u64,
    made: &Made,
) -> Result<Caught, Failure> {
    let began = Instant::now();
    let mut fetched = None;
    loop {
        start::check_alive(node)?;
        if let Some(status) = observe::status(node).await {
            let passed = began.elapsed();
            if status.height.get() >= height {
                fetched.get_or_insert(passed);
            }
            if status.executed.height.get() >= height {
                let used = ground::used(node).await;
                let transactions = ground::executed(node).await.unwrap_or_default();
                let timing = (fetched.unwrap_or(passed), passed);
                return Ok(Caught::of(name, (height, transactions), timing, &used, made));
            }
        }
        if began.elapsed() > PATIENCE {
            let message = format!("the {name} has not reached height {height}");
            return Err(Failure::new("not_synced", message).with_exit(Exit::NotSynced));
        }
        tokio::time::sleep(POLL).await;
    }
}

impl Caught {
    fn of(
        node: &'static str,
        (blocks, transactions): (u64, u64),
        (fetched, executed): (Duration, Duration),
        used: &Usage,
        made: &Made,
    ) -> Self {
        let seconds = executed.as_secs_f64().max(1e-3);
        let megabytes = precise(used.received_bytes) / 1e6;
        let transactions_per_second = precise(transactions) / seconds;
        Self {
            node,
            blocks,
            transactions,
            megabytes,
            seconds_to_final: fetched.as_secs_f64(),
            seconds,
            blocks_per_second: precise(blocks) / seconds,
            transactions_per_second,
            megabytes_per_second: megabytes / seconds,
            cpu_us_per_transaction: used.cpu.as_secs_f64() * 1e6 / precise(transactions).max(1.0),
            cpu_percent: stage_percent(std::slice::from_ref(used)),
            times_faster: transactions_per_second / made.transactions_per_second.max(1e-3),
        }
    }

    fn lines(&self) -> [String; 2] {
        [
            format!(
                "{:<10} {} transactions in {} blocks, {:.1} MB · fetched after {:.2} s, executed after {:.2} s",
                self.node,
                grouped(self.transactions),
                grouped(self.blocks),
                self.megabytes,
                self.seconds_to_final,
                self.seconds
            ),
            format!(
                "           {:.0} tx/s · {:.0} blocks/s · {:.1} MB/s · {:.1} µs of CPU a transaction · {:.1} times faster than it was made",
                self.transactions_per_second,
                self.blocks_per_second,
                self.megabytes_per_second,
                self.cpu_us_per_transaction,
                self.times_faster
            ),
        ]
    }
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let made = &self.made;
        let mut lines = vec![format!(
            "made       {} transfers in {} blocks by {} nodes in {:.1} s · {:.0} tx/s · {:.0} blocks/s",
            grouped(made.transactions),
            grouped(made.blocks),
            self.nodes,
            made.seconds,
            made.transactions_per_second,
            made.blocks_per_second
        )];
        lines.extend(self.caught_up.iter().flat_map(Caught::lines));
        lines.extend(self.figures.iter().map(Figure::line));
        lines.push(self.machine.line());
        lines.join("\n")
    }
}

/// A follower that is no part of the devnet's state. It and its files go with this.
struct Follower {
    node: Node,
}

impl Follower {
    fn start(ground: &Ground<'_>) -> Result<Self, Failure> {
        let state = ground.state()?;
        let first = state.nodes.first().ok_or_else(|| Failure::usage("a devnet without nodes"))?;
        let mut ports = Ports::default();
        let (rpc, p2p) = (ports.choose(0)?.address, ports.choose(0)?.address);
        drop(ports);
        let home = new_home(ground)?;
        let key = new_key()?;
        let spec = Spec::load(&ground.directory.genesis())?;
        let config = NodeConfig {
            role: Role::Follower,
            listen: vec![multiaddress(p2p)],
            external: Vec::new(),
            bootstrap: vec![format!("{}@{}", first.key, multiaddress(first.p2p))],
            rpc,
        };
        let (origin, kept) = (KeyOrigin::New, Kept::Plain);
        NodeFiles { spec: &spec, key: &key, origin, kept, config }.write(&home)?;
        let key = key.public().to_string();
        let name = "follower".to_owned();
        let (process, stopped_at) = (None, None);
        let mut node = Node { name, key, power: 0, home, rpc, p2p, process, stopped_at };
        let place = node.home.display().to_string();
        let arguments = ["run", "--home", &place];
        node.process = Some(Process::spawn(&program()?, &arguments, &node.log())?);
        Ok(Self { node })
    }
}

fn new_home(ground: &Ground<'_>) -> io::Result<PathBuf> {
    let mut chance = [0; 4];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    Ok(ground.directory.path().join(format!("follower-{}", hex::encode(chance))))
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(process) = self.node.process {
            process.kill();
        }
        // What stays goes with the devnet.
        let _ = std::fs::remove_dir_all(&self.node.home);
    }
}
