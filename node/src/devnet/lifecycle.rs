//! Killing, starting and wiping single nodes, and watching how they heal.

use std::time::{Duration, Instant};

use logothete_primitives::StateRoot;
use serde::Serialize;

use super::directory::{Directory, Node, State};
use super::observe::{self, Observation};
use super::start;
use crate::cli::output::{Exit, Failure};

/// How often a healing node is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What is left after nodes were stopped.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Standing {
    /// Nodes that run.
    pub running: usize,
    /// All nodes.
    pub nodes: usize,
    /// Voting power that runs.
    pub power: u64,
    /// Voting power that decides.
    pub quorum: u64,
    /// Whether the rest is a quorum.
    pub goes_on: bool,
    /// How many more (the weakest first) may stop before it is none.
    pub spare: usize,
}

impl Standing {
    /// Counts.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let (power, quorum) = (state.alive_power(), state.quorum());
        let mut powers: Vec<u64> =
            state.nodes.iter().filter(|node| node.is_alive()).map(|node| node.power).collect();
        // The strongest first: what is surely survived, whichever they are.
        powers.sort_unstable_by(|a, b| b.cmp(a));
        let mut left = power;
        let spare = powers.iter().take_while(|power| {
            left -= **power;
            left >= quorum
        });
        let spare = spare.count();
        let running = powers.len();
        Self { running, nodes: state.nodes.len(), power, quorum, goes_on: power >= quorum, spare }
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        let left = format!("{} of {} left, quorum {}", self.running, self.nodes, self.quorum);
        match (self.goes_on, self.spare) {
            (false, _) => format!("{left}: the chain halts safely until enough are back."),
            (true, 0) => format!("{left}: the chain goes on. One more and it halts safely."),
            (true, spare) => format!("{left}: the chain goes on, also with {spare} fewer."),
        }
    }
}

/// How a node came back.
#[derive(Clone, Debug, Serialize)]
pub struct Healed {
    /// The node.
    pub node: String,
    /// Blocks it fetched.
    pub blocks: u64,
    /// From the start of its process until it was level with the others.
    pub seconds: f64,
    /// Validators that vote now.
    pub voting: usize,
    /// All validators.
    pub nodes: usize,
    /// Whether this one votes.
    pub votes: bool,
    /// Peers with the same state root at the same height, and peers asked.
    pub state_root_matches: Option<(usize, usize)>,
}

/// Finds nodes by name.
///
/// # Errors
/// A name that no node has.
pub fn indexes(state: &State, names: &[String]) -> Result<Vec<usize>, Failure> {
    let find = |name: &String| {
        state.nodes.iter().position(|node| node.name == *name).ok_or_else(|| {
            let known: Vec<&str> = state.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::usage(format!("there is no node {name}"))
                .with_hint(format!("nodes: {}", known.join(" ")))
        })
    };
    names.iter().map(find).collect()
}

/// Kills nodes as a power failure would.
///
/// # Errors
/// The state file cannot be read or written.
pub async fn kill(directory: &Directory, indexes: &[usize]) -> Result<Standing, Failure> {
    let state = load(directory)?;
    let mut heights = Vec::new();
    for index in indexes {
        if let Some(node) = state.nodes.get(*index) {
            let height = observe::status(node).await.map(|status| status.height.get());
            heights.push((*index, height));
            if let Some(process) = node.process {
                process.kill();
            }
        }
    }
    directory
        .update(|state| {
            for (index, height) in heights {
                if let Some(node) = state.nodes.get_mut(index) {
                    node.process = None;
                    node.stopped_at = height.or(node.stopped_at);
                }
            }
            Standing::of(state)
        })
        .map_err(Failure::from)
}

/// Starts a node that does not run and waits until it is level with the others and votes.
///
/// # Errors
/// It runs already, ends at once, or does not heal in time.
pub async fn start(
    directory: &Directory,
    index: usize,
    patience: Duration,
) -> Result<Healed, Failure> {
    let began = Instant::now();
    let node = start::one(directory, index)?;
    let from = node.stopped_at;
    await_healed(directory, index, from, began, patience).await
}

/// Kills a node, removes its data, starts it and waits until it is level, agrees and votes.
///
/// # Errors
/// Its data cannot be removed, it does not heal in time, or its state differs from a peer's.
pub async fn wipe(
    directory: &Directory,
    index: usize,
    patience: Duration,
) -> Result<Healed, Failure> {
    kill(directory, &[index]).await?;
    clear(directory, index)?;
    let began = Instant::now();
    start::one(directory, index)?;
    let mut healed = await_healed(directory, index, Some(0), began, patience).await?;
    let (matching, asked) = compare_roots(directory, index).await?;
    healed.state_root_matches = Some((matching, asked));
    if matching < asked {
        let message = format!(
            "{}: the state root differs from {} of {asked} peers",
            healed.node,
            asked - matching
        );
        return Err(Failure::new("state_diverged", message)
            .with_exit(Exit::VerificationFailed)
            .with_hint("this is a fault of the software: keep the directory and its logs"));
    }
    Ok(healed)
}

/// Removes the data of a node that does not run.
///
/// # Errors
/// Its data cannot be removed.
pub fn clear(directory: &Directory, index: usize) -> Result<(), Failure> {
    let state = load(directory)?;
    let node = state.nodes.get(index).ok_or_else(|| Failure::usage("there is no such node"))?;
    match std::fs::remove_dir_all(node.data()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(std::fs::create_dir_all(node.data())?),
    }
}

/// Waits until a node that runs is level with the others and votes.
///
/// # Errors
/// Its process is gone, or it does not heal in time.
pub async fn level(
    directory: &Directory,
    index: usize,
    patience: Duration,
) -> Result<Healed, Failure> {
    await_healed(directory, index, None, Instant::now(), patience).await
}

async fn await_healed(
    directory: &Directory,
    index: usize,
    from: Option<u64>,
    began: Instant,
    patience: Duration,
) -> Result<Healed, Failure> {
    let mut first = from;
    let mut level: Option<(u64, Duration)> = None;
    loop {
        let state = load(directory)?;
        let node = state.nodes.get(index).ok_or_else(|| Failure::usage("there is no such node"))?;
        start::check_alive(node)?;
        let look = Observation::take(&state).await;
        if let Some(status) = look.node(index) {
            let height = status.height.get();
            let start = *first.get_or_insert(height);
            let others = look.height_of_others(index).unwrap_or(height);
            // The others go on while we look: one block behind is level.
            if level.is_none() && height + 1 >= others {
                level = Some((height.saturating_sub(start), began.elapsed()));
            }
            let possible = state.alive_power() >= state.quorum();
            let votes = look.is_voting(index);
            if let Some((blocks, took)) = level.filter(|_| votes || !possible) {
                let (voting, nodes) = (look.voting(), state.nodes.len());
                return Ok(Healed {
                    node: node.name.clone(),
                    blocks,
                    seconds: took.as_secs_f64(),
                    voting,
                    nodes,
                    votes,
                    state_root_matches: None,
                });
            }
        }
        if began.elapsed() > patience {
            return Err(not_healed(node, &look, index, level.is_some()));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn not_healed(node: &Node, look: &Observation, index: usize, level: bool) -> Failure {
    let what = match look.node(index) {
        None => "does not answer".to_owned(),
        Some(status) if level => {
            format!("is level at {} and does not vote yet: {}", status.height, status.summary)
        }
        Some(status) => format!("is at {} of {}: {}", status.height, look.height(), status.summary),
    };
    let hint =
        format!("wait longer with --timeout, or read its log: logothete devnet logs {}", node.name);
    Failure::new("not_healed", format!("{} {what}", node.name))
        .with_exit(Exit::NotSynced)
        .with_hint(hint)
}

/// Peers whose state root at this node's executed height is the same, and peers that know that height.
async fn compare_roots(directory: &Directory, index: usize) -> Result<(usize, usize), Failure> {
    let state = load(directory)?;
    let node = state.nodes.get(index).ok_or_else(|| Failure::usage("there is no such node"))?;
    let Some(status) = observe::status(node).await else {
        return Err(Failure::new("unreachable", format!("{} does not answer", node.name)));
    };
    let (height, root) = (status.executed.height, status.executed.state_root);
    let peers =
        state.nodes.iter().enumerate().filter(|(other, node)| *other != index && node.is_alive());
    let asked = peers.map(|(_, peer)| async move {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let answer: Option<StateRoot> = observe::state_root(peer, height).await;
            // A peer may execute the height a moment later.
            if answer.is_some() || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(POLL).await;
        }
    });
    let roots = futures::future::join_all(asked).await;
    let matching = roots.iter().filter(|peer| **peer == Some(root)).count();
    Ok((matching, roots.len()))
}

/// Reads the state of a devnet that must exist.
///
/// # Errors
/// There is none.
pub fn load(directory: &Directory) -> Result<State, Failure> {
    directory.load()?.ok_or_else(|| {
        Failure::new("no_devnet", format!("there is no devnet in {}", directory.path().display()))
            .with_hint("start one: logothete devnet")
    })
}
