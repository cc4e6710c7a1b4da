//! A drill: a running devnet loses one node, the data of another, and a link, one after the other, and must go on and heal.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::directory::Directory;
use super::faults;
use super::lifecycle::{self, Standing};
use super::observe::Observation;
use crate::cli::output::{Exit, Failure};

/// How often the chain is looked at.
const POLL: Duration = Duration::from_millis(50);

/// What is done to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exercise {
    /// Killed, and started again.
    Kill,
    /// Its data removed.
    Wipe,
    /// Cut off from all others, and connected again.
    Partition,
}

impl Exercise {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Kill, Self::Wipe, Self::Partition];

    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Wipe => "wipe",
            Self::Partition => "partition",
        }
    }
}

/// What came of an exercise.
#[derive(Clone, Debug, Serialize)]
pub struct Exercised {
    /// What was done.
    pub exercise: Exercise,
    /// To whom.
    pub node: String,
    /// Blocks that the others decided while it was away; none where it was not away long enough to look.
    pub blocks_without: Option<u64>,
    /// Until it was level and voted again.
    pub seconds: f64,
    /// What went wrong, if it did not heal.
    pub fault: Option<String>,
}

/// Refuses a drill that would stop the chain, or that begins with a network that is not whole.
///
/// # Errors
/// Too few nodes, or one that does not run or vote.
pub async fn prepare(directory: &Directory, patience: Duration) -> Result<(), Failure> {
    let state = lifecycle::load(directory)?;
    let standing = Standing::of(&state);
    if standing.running < standing.nodes || standing.spare == 0 {
        let (running, nodes) = (standing.running, standing.nodes);
        let message =
            format!("{running} of {nodes} nodes run: without one more the chain would halt");
        return Err(Failure::new("no_spare", message)
            .with_exit(Exit::UnsafeRefused)
            .with_hint("a drill needs four nodes or more, all running: logothete devnet up -n 4"));
    }
    let began = Instant::now();
    loop {
        let look = Observation::take(&state).await;
        if look.voting() == standing.nodes {
            return Ok(());
        }
        if began.elapsed() > patience {
            let message = format!("{} of {} nodes vote", look.voting(), standing.nodes);
            return Err(Failure::new("not_whole", message)
                .with_exit(Exit::NotSynced)
                .with_hint("a drill begins when all vote; `logothete why` says who is missing"));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Does one exercise to a node; what goes wrong is in the answer.
///
/// # Errors
/// The devnet's files cannot be read or written.
pub async fn run(
    directory: &Directory,
    exercise: Exercise,
    index: usize,
    patience: Duration,
) -> Result<Exercised, Failure> {
    let state = lifecycle::load(directory)?;
    let node = state.nodes.get(index).map(|node| node.name.clone()).unwrap_or_default();
    let began = Instant::now();
    let (mut away, mut fault) = (None, None);
    match perform(directory, exercise, (index, &node), patience).await {
        Ok(blocks) => away = blocks,
        Err(failure) => fault = Some(failure.message),
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Exercised { exercise, node, blocks_without: away, seconds, fault })
}

async fn perform(
    directory: &Directory,
    exercise: Exercise,
    (index, name): (usize, &str),
    patience: Duration,
) -> Result<Option<u64>, Failure> {
    match exercise {
        Exercise::Kill => {
            lifecycle::kill(directory, &[index]).await?;
            // Started again also when the others stood still: a drill leaves the network as it was.
            let went_on = goes_on(directory, index, patience).await;
            lifecycle::start(directory, index, patience).await?;
            went_on.map(Some)
        }
        Exercise::Wipe => {
            lifecycle::wipe(directory, index, patience).await?;
            Ok(None)
        }
        Exercise::Partition => {
            faults::partition(directory, &[vec![name.to_owned()]])?;
            let went_on = goes_on(directory, index, patience).await;
            faults::heal(directory)?;
            lifecycle::level(directory, index, patience).await?;
            went_on.map(Some)
        }
    }
}

/// Waits until the others have decided blocks without one node, and says how many.
async fn goes_on(
    directory: &Directory,
    without: usize,
    patience: Duration,
) -> Result<u64, Failure> {
    /// The first may have been under way; the second is theirs.
    const BLOCKS: u64 = 2;
    let state = lifecycle::load(directory)?;
    let began = Instant::now();
    let mut from = None;
    loop {
        let height = Observation::take(&state).await.height_of_others(without);
        if let Some(height) = height {
            let decided = height.saturating_sub(*from.get_or_insert(height));
            if decided >= BLOCKS {
                return Ok(decided);
            }
        }
        if began.elapsed() > patience {
            return Err(Failure::new("stalled", "the others did not go on without it")
                .with_exit(Exit::Stalled)
                .with_hint("`logothete why` says what is in the way"));
        }
        tokio::time::sleep(POLL).await;
    }
}
