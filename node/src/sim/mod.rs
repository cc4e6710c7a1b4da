//! Whole networks of this program in one thread, on virtual time, decided by one seed.
//!
//! A run has the stages that `logothete run` has: consensus, batches, sync, execution, mempool, the answers of the
//! RPC. Only what they live in is simulated: the network ([`logothete_p2p::simulated`]), the disk
//! ([`MemoryStore`](logothete_ledger::store::MemoryStore), which loses what was not synced and may be damaged), the
//! clock, and the signatures of validators, which are cheap in most runs and real in some. Each seed draws a [`Plan`]: how many
//! members of what weight, how the network behaves, which faults happen and how often, who lies and how. First comes a
//! phase with faults, then they stop, and everybody must catch up and go on: safety, then liveness. Liars go on lying.
//!
//! What must hold is in [`checks`]. A run that breaks it gives a [`Violation`] with the journal of what happened; the
//! same seed gives the same run again.

mod campaign;
mod checks;
mod client;
mod cluster;
mod faults;
mod harm;
mod journal;
mod keyed_hash;
mod liars;
mod marks;
mod member;
mod operator;
mod plan;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Builder;

pub use campaign::{Totals, campaign};
pub use journal::Line;
pub use liars::Misdeed;
pub use plan::Plan;

use self::cluster::Cluster;

/// What a run did, for the histogram: nothing counts that did not happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A hash of all that was sent, to whom and when: equal for equal runs.
    pub trace: u64,
    /// Final height at the end.
    pub height: u64,
    /// Transactions that clients were told are final.
    pub transactions: u64,
    /// Answers of the API that were compared with the history.
    pub reads: u64,
    /// Signed messages that were looked at.
    pub messages: u64,
    /// Faults by name.
    pub faults: BTreeMap<&'static str, u64>,
}

/// A promise that was broken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("seed {seed}: {what}")]
pub struct Violation {
    /// The run.
    pub seed: u64,
    /// What must not happen and did.
    pub what: String,
    /// What the seed drew.
    pub plan: Plan,
    /// What happened, oldest first.
    pub journal: Vec<Line>,
}

/// Runs one seed.
///
/// # Errors
/// [`Violation`] when a promise is broken.
///
/// # Panics
/// When the machine gives no runtime.
pub fn run(seed: u64) -> Result<Report, Box<Violation>> {
    let plan = Plan::draw(seed);
    let (outcome, journal) = perform(plan.clone());
    outcome.map_err(|what| Box::new(Violation { seed, what, plan, journal }))
}

/// Runs a plan, with the record of what happened.
fn perform(plan: Plan) -> (Result<Report, String>, Vec<Line>) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread without I/O");
    let outcome = runtime.block_on(Cluster::run(plan));
    runtime.shutdown_timeout(Duration::ZERO);
    outcome
}

#[cfg(test)]
mod tests;
