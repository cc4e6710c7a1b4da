//! The figures of `bench reads`.

use std::time::Duration;

use serde::Serialize;

use hdrhistogram::Histogram;

use super::Plan;
use super::reader::Seen;
use crate::bench::report::{Latency, Machine, Report, precise};
use crate::bench::usage::Usage;
use crate::cli::output::table;
use crate::cli::show::grouped;

/// Longest delay of a vote that is told apart, in microseconds: a minute.
const DELAY_US_MAX: u64 = 60_000_000;

/// What was seen while one thing came on top of the load.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// Seconds measured.
    pub seconds: f64,
    /// Calls answered a second.
    pub reads_per_second: f64,
    /// From when a request was sent, or at a rate was to be sent, to its whole answer, in milliseconds.
    pub read_ms: Option<Latency>,
    /// Cores that the serving node kept busy, with all that it does.
    pub cores: f64,
    /// Its memory in MiB.
    pub memory_mib: f64,
    /// Milliseconds from the begin of a view until another validator had its vote.
    pub vote_ms: Latency,
    /// Subscribers that listened to the end.
    pub subscribers: usize,
    /// Events told to all subscribers a second.
    pub told_per_second: f64,
    /// Transfers that became final a second.
    pub committed_per_second: f64,
    /// Their time from submission to final, in milliseconds.
    pub finality_ms: Option<Latency>,
}

impl Phase {
    fn of(taken: &Taken) -> Self {
        let seconds = taken.elapsed.as_secs_f64();
        Self {
            seconds,
            reads_per_second: precise(taken.seen.reads) / seconds,
            read_ms: taken.seen.latency(),
            cores: taken.used.cpu.as_secs_f64() / seconds,
            memory_mib: precise(taken.used.resident_bytes) / f64::from(1 << 20),
            vote_ms: Latency::of(&taken.votes.delay_us),
            subscribers: taken.listening,
            told_per_second: precise(taken.told) / seconds,
            committed_per_second: taken.load.as_ref().map_or(0.0, |load| load.committed_per_second),
            finality_ms: taken.load.as_ref().map(|load| load.latency_ms),
        }
    }
}

/// What was counted while one thing came on top of the load.
pub(super) struct Taken {
    pub(super) elapsed: Duration,
    pub(super) used: Usage,
    pub(super) seen: Seen,
    pub(super) votes: Votes,
    pub(super) told: u64,
    pub(super) listening: usize,
    pub(super) load: Option<Report>,
}

impl Seen {
    fn latency(&self) -> Option<Latency> {
        (!self.latency_us.is_empty()).then(|| Latency::of(&self.latency_us))
    }
}

/// How long after the begin of its view each vote came that was looked at.
pub(super) struct Votes {
    delay_us: Histogram<u64>,
    last: Option<f64>,
}

impl Default for Votes {
    fn default() -> Self {
        let delay_us =
            Histogram::new_with_bounds(1, DELAY_US_MAX, 3).expect("the bounds are in order");
        Self { delay_us, last: None }
    }
}

impl Votes {
    /// Takes the delay of the latest vote, in seconds, unless it is the vote of the last look.
    pub(super) fn look(&mut self, seconds: Option<f64>) {
        if seconds.is_none() || seconds == self.last {
            return;
        }
        self.last = seconds;
        let delay = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let us = delay
            .map_or(DELAY_US_MAX, |delay| u64::try_from(delay.as_micros()).unwrap_or(DELAY_US_MAX));
        self.delay_us.saturating_record(us);
    }
}

/// Everything together.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// What was measured.
    pub plan: Plan,
    /// Where it ran.
    #[serde(flatten)]
    pub machine: Machine,
    /// The load and nothing else.
    pub alone: Phase,
    /// The load and readers.
    pub reads: Phase,
    /// The load and subscribers.
    pub listening: Phase,
    /// CPU time of the node for one read in microseconds: what it used beyond the load alone.
    pub cpu_us_per_read: f64,
    /// Reads a second that one core gives.
    pub reads_per_core: f64,
}

impl Figures {
    pub(super) fn new(plan: &Plan, taken: [&Taken; 3]) -> Self {
        let [alone, reads, listening] = taken.map(Phase::of);
        let cores = (reads.cores - alone.cores).max(1e-9);
        let reads_per_core = reads.reads_per_second / cores;
        Self {
            plan: plan.clone(),
            machine: Machine::this(),
            cpu_us_per_read: 1e6 / reads_per_core.max(1e-9),
            reads_per_core,
            alone,
            reads,
            listening,
        }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let plan = &self.plan;
        let subscribers = format!("{} subscribers", grouped(count(plan.subscribers)));
        let phases = Columns(&[&self.alone, &self.reads, &self.listening]);
        let rows = vec![
            phases.row("reads", |phase| format!("{:.0} /s", phase.reads_per_second)),
            phases.row("read p50, p99", |phase| shown(phase.read_ms)),
            phases.row("cores of the node", |phase| format!("{:.2}", phase.cores)),
            phases.row("its memory", |phase| format!("{:.0} MiB", phase.memory_mib)),
            phases.row("its vote p50, p99", |phase| shown(Some(phase.vote_ms))),
            phases.row("transfers final", |phase| format!("{:.0} /s", phase.committed_per_second)),
            phases.row("final p50, p99", |phase| shown(phase.finality_ms)),
            phases.row("told", |phase| format!("{:.0} events/s", phase.told_per_second)),
        ];
        let mut lines = vec![
            plan.line(),
            format!(
                "a core     {:.0} reads/s · {:.1} µs of CPU each",
                self.reads_per_core, self.cpu_us_per_read
            ),
        ];
        lines.push(
            table(&["", "load alone", "with reads", &subscribers], &rows).trim_end().to_owned(),
        );
        lines.push(self.machine.line());
        lines.join("\n")
    }
}

impl Plan {
    fn line(&self) -> String {
        let what = match self.mix {
            super::Mix::Cheap => "chain_info and account_get",
            super::Mix::All => "chain_info, account_get, block_get and tx_get",
        };
        format!(
            "reads      {what} · {} connections · {} calls a request · beside {} tx/s offered",
            self.connections, self.batch, self.transfers
        )
    }
}

/// A rate counts as reached when so much of it was answered in time.
const REACHED: f64 = 0.99;

/// The phases of one kind, together.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Seconds measured.
    pub seconds: f64,
    /// Calls answered in time a second.
    pub reads_per_second: f64,
    /// From when a request was to be sent to its whole answer, in milliseconds.
    pub read_ms: Option<Latency>,
    /// Cores that the serving node kept busy, with all that it does.
    pub cores: f64,
    /// Milliseconds from the begin of a view until another validator had its vote.
    pub vote_ms: Latency,
    /// Votes that were looked at for that.
    pub votes: u64,
}

impl Side {
    fn of(taken: &[Taken]) -> Self {
        let (mut seen, mut votes) = (Seen::nothing(), Votes::default());
        for taken in taken {
            seen.add(&taken.seen);
            votes.delay_us.add(&taken.votes.delay_us).expect("both have the same bounds");
        }
        let seconds: f64 = taken.iter().map(|taken| taken.elapsed.as_secs_f64()).sum();
        let cpu: f64 = taken.iter().map(|taken| taken.used.cpu.as_secs_f64()).sum();
        Self {
            seconds,
            reads_per_second: precise(seen.reads) / seconds,
            read_ms: seen.latency(),
            cores: cpu / seconds,
            vote_ms: Latency::of(&votes.delay_us),
            votes: votes.delay_us.len(),
        }
    }
}

/// What reads at a rate cost, and what they do to the votes of the node that serves them.
#[derive(Clone, Debug, Serialize)]
pub struct PacedFigures {
    /// What was measured.
    pub plan: Plan,
    /// Where it ran.
    #[serde(flatten)]
    pub machine: Machine,
    /// The load and nothing else.
    pub alone: Side,
    /// The load and readers.
    pub reads: Side,
    /// Every phase, in the order in which they were measured.
    pub phases: Vec<Phase>,
    /// Whether the rate was reached.
    pub reached: bool,
    /// Cores that the reads took: what the node used beyond the load alone.
    pub read_cores: f64,
}

impl PacedFigures {
    pub(super) fn new(plan: &Plan, rate: u64, alone: &[Taken], reads: &[Taken]) -> Self {
        let phases = alone.iter().zip(reads).flat_map(|(alone, reads)| [alone, reads]);
        let phases = phases.map(Phase::of).collect();
        let (alone, reads) = (Side::of(alone), Side::of(reads));
        Self {
            plan: plan.clone(),
            machine: Machine::this(),
            reached: reads.reads_per_second >= REACHED * precise(rate),
            read_cores: reads.cores - alone.cores,
            alone,
            reads,
            phases,
        }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let sides = Columns(&[&self.alone, &self.reads]);
        let rows = vec![
            sides.row("reads", |side| format!("{:.0} /s", side.reads_per_second)),
            sides.row("read p50, p99", |side| shown(side.read_ms)),
            sides.row("cores of the node", |side| format!("{:.2}", side.cores)),
            sides.row("its vote p50, p99", |side| shown(Some(side.vote_ms))),
            sides.row("votes looked at", |side| grouped(side.votes)),
            sides.row("measured", |side| format!("{:.0} s", side.seconds)),
        ];
        let reached = if self.reached { "reached" } else { "not reached" };
        let rate = self.plan.rate.map(grouped).unwrap_or_default();
        let lines = [
            self.plan.line(),
            format!("rate       {rate} /s, {reached} · {:.2} cores for reads", self.read_cores),
            table(&["", "load alone", "with reads"], &rows).trim_end().to_owned(),
            self.machine.line(),
        ];
        lines.join("\n")
    }
}

/// What the columns of a table are of.
struct Columns<'a, T>(&'a [&'a T]);

impl<T> Columns<'_, T> {
    /// One row: its name, and a figure of every column.
    fn row(&self, name: &str, figure: impl Fn(&T) -> String) -> Vec<String> {
        let figures = self.0.iter().map(|column| figure(column));
        std::iter::once(name.to_owned()).chain(figures).collect()
    }
}

fn shown(found: Option<Latency>) -> String {
    found.map_or_else(|| "-".into(), |ms| format!("{:.2}, {:.2} ms", ms.p50, ms.p99))
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
