//! The network of `bench order`: its files, its processes, its end.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use logothete_genesis::Spec;
use serde::{Deserialize, Serialize};

use crate::bench::usage::LocalNode;
use crate::cli::output::Failure;
use crate::devnet::create::{self, Wish};
use crate::devnet::ports::Ports;
use crate::devnet::process::{self, Process};
use crate::devnet::start::program;

/// Name of the chain file in the directory of a network.
pub const GENESIS: &str = "genesis.toml";
/// Name of the plan beside it.
const PLAN: &str = "order.json";
/// How long a node may take to stop in good order.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// Lines of a log that are shown when its node has ended.
const SHOWN_LINES: usize = 8;

/// What every node of a network must know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// What the keys are derived from.
    pub seed: u64,
    /// The nodes.
    pub seats: Vec<Seat>,
}

/// Where one node listens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Seat {
    /// For the others.
    pub p2p: SocketAddr,
    /// For its client.
    pub payloads: SocketAddr,
    /// For those who read its figures.
    pub metrics: SocketAddr,
}

impl Plan {
    /// Reads the plan of the network in a directory.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn load(home: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(home.join(PLAN))?;
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

/// The chain file of a network.
///
/// # Errors
/// The system gives no randomness for its name.
pub fn chain_file(nodes: u16, seed: u64) -> Result<Spec, Failure> {
    create::chain("order", Wish { nodes, seed })
}

/// A network that runs. Its files go when it stops or is dropped.
#[derive(Debug)]
pub struct Network {
    home: PathBuf,
    plan: Plan,
    processes: Vec<Process>,
}

impl Network {
    /// Makes the files of a network in a new directory below `parent`, and starts its processes.
    ///
    /// # Errors
    /// A file cannot be written, no port is free, or a process cannot be started.
    pub fn start(nodes: u16, parent: Option<&Path>) -> Result<Self, Failure> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let mut chance = [0; 8];
        getrandom::fill(&mut chance).map_err(io::Error::other)?;
        let home = parent.join(format!("logothete-order-{}", hex::encode(chance)));
        fs::create_dir_all(&home)?;
        let seed = u64::from_le_bytes(chance);
        let mut network =
            Self { home, plan: Plan { seed, seats: Vec::new() }, processes: Vec::new() };
        network.write_files(nodes)?;
        let program = program()?;
        let home = network.home.display().to_string();
        for index in 0..nodes {
            let number = index.to_string();
            let arguments = ["bench", "order-node", "--home", &home, "--index", &number];
            let log = network.log(usize::from(index));
            network.processes.push(Process::spawn(&program, &arguments, &log)?);
        }
        Ok(network)
    }

    fn write_files(&mut self, nodes: u16) -> Result<(), Failure> {
        let mut ports = Ports::default();
        for _ in 0..nodes {
            self.plan.seats.push(Seat {
                p2p: ports.choose(0)?.address,
                payloads: ports.choose(0)?.address,
                metrics: ports.choose(0)?.address,
            });
        }
        chain_file(nodes, self.plan.seed)?.write_new(&self.home.join(GENESIS))?;
        let text = serde_json::to_string_pretty(&self.plan).map_err(io::Error::other)?;
        Ok(fs::write(self.home.join(PLAN), text)?)
    }

    fn log(&self, index: usize) -> PathBuf {
        self.home.join(format!("node{index}.log"))
    }

    /// Where the nodes listen.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.plan.seats
    }

    /// The nodes, to be asked what they used.
    #[must_use]
    pub fn local_nodes(&self) -> Vec<LocalNode> {
        let node =
            |(process, seat): (&Process, &Seat)| LocalNode::new(*process, seat.metrics.to_string());
        self.processes.iter().zip(&self.plan.seats).map(node).collect()
    }

    /// A failure with the end of its log if a node is gone.
    ///
    /// # Errors
    /// One is gone.
    pub fn check_alive(&self) -> Result<(), Failure> {
        match self.processes.iter().position(|process| !process.is_alive()) {
            None => Ok(()),
            Some(index) => {
                let said = process::last_lines(&self.log(index), SHOWN_LINES);
                Err(Failure::new("node_ended", format!("node {index} ended:\n{said}")))
            }
        }
    }

    /// A failure, or what a node said at its end: that comes first.
    #[must_use]
    pub fn explain(&self, failure: Failure) -> Failure {
        self.check_alive().err().unwrap_or(failure)
    }

    /// Stops the processes and removes the files.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for process in &self.processes {
            process.ask_to_stop();
        }
        for process in &self.processes {
            if !process.ended_within(STOP_PATIENCE) {
                process.kill();
            }
        }
        // What stays is in a temporary directory.
        let _ = fs::remove_dir_all(&self.home);
    }
}
