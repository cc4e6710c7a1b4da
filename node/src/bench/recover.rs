//! `bench recover`: how long a validator that was killed under load takes to serve and to vote again, at several
//! lengths of the chain.

use std::time::{Duration, Instant};

use logothete_client::rpc::types::NodeStatus;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::ground::{self, Ground, POLL};
use super::http;
use super::report::Machine;
use crate::cli::output::{Exit, Failure};
use crate::cli::show::grouped;
use crate::devnet::directory::Node;
use crate::devnet::observe::{self, Observation};
use crate::devnet::{lifecycle, start};

/// How long a node may take to come back.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the load may take until its transactions become final.
const LOAD_PATIENCE: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lengths of the chain, in transfers.
    pub transfers: Vec<u64>,
    /// Kills at each length.
    pub kills: usize,
    /// Transfers a second meanwhile.
    pub rate: u64,
    /// How long the validator stays down.
    pub down: Duration,
}

/// One return. Every time counts from the start of the process.
#[derive(Clone, Debug, Serialize)]
pub struct Return {
    /// Height that it had executed when it was killed.
    pub height: u64,
    /// Blocks that the others made final while it was down.
    pub missed_blocks: u64,
    /// Milliseconds until it answered: its disk was read then.
    pub answers_ms: f64,
    /// Milliseconds until it was ready: level, serving fresh reads and taking transactions.
    pub ready_ms: f64,
    /// Milliseconds until another validator had counted a vote of it that it signed in this life.
    pub votes_ms: f64,
}

/// Several returns at one length of the chain.
#[derive(Clone, Debug, Serialize)]
pub struct AtLength {
    /// Transactions in the chain when the first kill came.
    pub transactions: u64,
    /// Height at that time.
    pub height: u64,
    /// Each return.
    pub returns: Vec<Return>,
    /// Medians of the three times, in milliseconds.
    pub median: Median,
}

/// Medians, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Median {
    /// Of answering.
    pub answers_ms: f64,
    /// Of being ready.
    pub ready_ms: f64,
    /// Of voting.
    pub votes_ms: f64,
}

/// Everything together.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// Validators of the devnet.
    pub nodes: usize,
    /// Transfers a second that were offered meanwhile.
    pub rate: u64,
    /// Seconds that the validator stayed down each time.
    pub down_seconds: f64,
    /// By length of the chain, shortest first.
    pub lengths: Vec<AtLength>,
}

/// Lets the chain of a running devnet grow, and kills its last validator under load at every length.
///
/// # Errors
/// What a load fails with; the validator does not come back.
pub async fn run(ground: &Ground<'_>, plan: &Plan) -> Result<Report, Failure> {
    let mut wished = plan.transfers.clone();
    wished.sort_unstable();
    let mut lengths = Vec::new();
    for transfers in wished {
        lengths.push(at_length(ground, plan, transfers).await?);
    }
    Ok(Report {
        machine: Machine::this(),
        nodes: ground.state()?.nodes.len(),
        rate: plan.rate,
        down_seconds: plan.down.as_secs_f64(),
        lengths,
    })
}

async fn at_length(ground: &Ground<'_>, plan: &Plan, transfers: u64) -> Result<AtLength, Failure> {
    // The first node is never killed, so it has counted everything since the devnet began.
    let state = ground.state()?;
    let first = state.nodes.first().ok_or_else(|| Failure::usage("a devnet without nodes"))?;
    let present = ground::executed(first).await.unwrap_or_default();
    if present < transfers {
        ground.printer.progress(&format!("making a chain of {} transfers …", grouped(transfers)));
        ground.make(transfers - present).await?;
    }
    let height = ground.level().await?.executed.height.get();
    let transactions = ground::executed(first).await.unwrap_or_default();
    let last = state.nodes.len() - 1;
    let stop = CancellationToken::new();
    let load = ground.load(last, plan.rate, stop.clone());
    let kills = async {
        let _stop = stop.drop_guard();
        await_load(first, transactions, plan.rate).await?;
        let mut returns = Vec::new();
        for kill in 1..=plan.kills {
            ground.printer.progress(&format!("kill {kill} of {} at height {height} …", plan.kills));
            returns.push(kill_and_start(ground, last, plan.down).await?);
        }
        Ok::<_, Failure>(returns)
    };
    let (loaded, returns) = tokio::join!(load, kills);
    let returns = returns?;
    loaded?;
    let median = Median::of(&returns);
    Ok(AtLength { transactions, height, returns, median })
}

/// Waits until half a second's worth of the load is final, the funding of its accounts aside.
async fn await_load(node: &Node, before: u64, rate: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + LOAD_PATIENCE;
    while ground::executed(node).await.unwrap_or_default() < before + 100 + rate / 2 {
        if Instant::now() > deadline {
            return Err(Failure::new("nothing_committed", "the load does not become final"));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn kill_and_start(
    ground: &Ground<'_>,
    index: usize,
    down: Duration,
) -> Result<Return, Failure> {
    let state = ground.state()?;
    let node = state.nodes.get(index).ok_or_else(|| Failure::usage("there is no such node"))?;
    let height = observe::status(node).await.map_or(0, |status| status.executed.height.get());
    lifecycle::kill(&ground.directory, &[index]).await?;
    tokio::time::sleep(down).await;
    let look = Observation::take(&lifecycle::load(&ground.directory)?).await;
    // It voted in no view beyond those that the others were in.
    let (view, others) = (look.view(), look.height());
    let began = Instant::now();
    start::one(&ground.directory, index)?;
    let watch = Watch { ground, index, view, began };
    let serves = async {
        let answers_ms = watch.until("answer", Sign::Answers).await?;
        Ok((answers_ms, watch.until("be ready", Sign::Ready).await?))
    };
    let votes = watch.until("vote", Sign::Votes);
    let ((answers_ms, ready_ms), votes_ms) = tokio::try_join!(serves, votes)?;
    let missed_blocks = others.saturating_sub(height);
    Ok(Return { height, missed_blocks, answers_ms, ready_ms, votes_ms })
}

/// What a node that comes back shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Answers,
    Ready,
    Votes,
}

struct Watch<'a> {
    ground: &'a Ground<'a>,
    index: usize,
    /// The highest view that anybody was in before it was started.
    view: u64,
    began: Instant,
}

impl Watch<'_> {
    /// Milliseconds from the start of the process until the sign is seen.
    async fn until(&self, what: &str, sign: Sign) -> Result<f64, Failure> {
        while self.began.elapsed() < PATIENCE {
            let state = self.ground.state()?;
            let Some(node) = state.nodes.get(self.index) else { break };
            let address = node.rpc.to_string();
            let seen = match sign {
                Sign::Answers => http::get(&address, "/livez").await.is_some(),
                Sign::Ready => http::is_well(&address, "/readyz").await,
                Sign::Votes => {
                    let first = state.nodes.first();
                    let status = match first {
                        Some(first) => observe::status(first).await,
                        None => None,
                    };
                    status.is_some_and(|status| has_voted(&status, self.index, self.view))
                }
            };
            if seen {
                return Ok(self.began.elapsed().as_secs_f64() * 1e3);
            }
            tokio::time::sleep(POLL).await;
        }
        let message = format!("the killed validator did not {what} in {} s", PATIENCE.as_secs());
        Err(Failure::new("not_healed", message).with_exit(Exit::NotSynced))
    }
}

/// Whether a node has counted a vote of a validator in a view beyond `view`.
fn has_voted(status: &NodeStatus, index: usize, view: u64) -> bool {
    status.validators.get(index).is_some_and(|member| member.last_vote_view.get() > view)
}

impl Median {
    fn of(returns: &[Return]) -> Self {
        let of = |part: fn(&Return) -> f64| {
            let mut times: Vec<f64> = returns.iter().map(part).collect();
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or_default()
        };
        Self {
            answers_ms: of(|times| times.answers_ms),
            ready_ms: of(|times| times.ready_ms),
            votes_ms: of(|times| times.votes_ms),
        }
    }
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![format!(
            "recover    {} nodes · {} transfers a second meanwhile · down for {:.1} s each time",
            self.nodes,
            grouped(self.rate),
            self.down_seconds
        )];
        lines.push(format!(
            "{:>14} {:>9} {:>7} {:>12} {:>12} {:>12}   medians from the start of the process",
            "transactions", "height", "kills", "answers", "ready", "votes"
        ));
        for length in &self.lengths {
            let Median { answers_ms, ready_ms, votes_ms } = length.median;
            lines.push(format!(
                "{:>14} {:>9} {:>7} {answers_ms:>9.0} ms {ready_ms:>9.0} ms {votes_ms:>9.0} ms",
                grouped(length.transactions),
                grouped(length.height),
                length.returns.len()
            ));
        }
        lines.push(self.machine.line());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_median_is_of_its_own_times() {
        let back = |answers_ms, ready_ms, votes_ms| Return {
            height: 1,
            missed_blocks: 2,
            answers_ms,
            ready_ms,
            votes_ms,
        };
        let returns = [back(3.0, 10.0, 500.0), back(1.0, 30.0, 400.0), back(2.0, 20.0, 9.0)];
        let median = Median { answers_ms: 2.0, ready_ms: 20.0, votes_ms: 400.0 };
        assert_eq!(Median::of(&returns), median);
        assert_eq!(Median::of(&[]), Median { answers_ms: 0.0, ready_ms: 0.0, votes_ms: 0.0 });
    }
}
