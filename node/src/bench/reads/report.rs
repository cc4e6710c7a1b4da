//! The figures of `bench reads`.

use std::time::Duration;

use serde::Serialize;

use super::Plan;
use super::reader::Seen;
use crate::bench::report::{Latency, Machine, Report, precise};
use crate::bench::usage::Usage;
use crate::cli::output::table;
use crate::cli::show::grouped;

/// What was seen while one thing came on top of the load.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// Seconds measured.
    pub seconds: f64,
    /// Calls answered a second.
    pub reads_per_second: f64,
    /// From a request to its whole answer, in milliseconds.
    pub read_ms: Option<Latency>,
    /// Cores that the serving node kept busy, with all that it does.
    pub cores: f64,
    /// Its memory in MiB.
    pub memory_mib: f64,
    /// Milliseconds from the begin of a view until another validator had its vote; the mean.
    pub vote_ms: f64,
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
    pub(super) fn new(elapsed: Duration, used: &Usage, seen: &Seen, delays: Vec<f64>) -> Self {
        let seconds = elapsed.as_secs_f64();
        let looks = precise(u64::try_from(delays.len()).unwrap_or(1)).max(1.0);
        Self {
            seconds,
            reads_per_second: precise(seen.reads) / seconds,
            read_ms: (seen.reads > 0).then(|| Latency::of(&seen.latency_us)),
            cores: used.cpu.as_secs_f64() / seconds,
            memory_mib: precise(used.resident_bytes) / f64::from(1 << 20),
            vote_ms: 1e3 * delays.into_iter().sum::<f64>() / looks,
            subscribers: 0,
            told_per_second: 0.0,
            committed_per_second: 0.0,
            finality_ms: None,
        }
    }

    pub(super) fn with_told(mut self, told: u64, listening: usize) -> Self {
        self.told_per_second = precise(told) / self.seconds;
        self.subscribers = listening;
        self
    }

    pub(super) fn with_load(mut self, load: &Report) -> Self {
        self.committed_per_second = load.committed_per_second;
        self.finality_ms = Some(load.latency_ms);
        self
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
    pub(super) fn new(plan: &Plan, alone: Phase, reads: Phase, listening: Phase) -> Self {
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
        let what = match plan.mix {
            super::Mix::Cheap => "chain_info and account_get",
            super::Mix::All => "chain_info, account_get, block_get and tx_get",
        };
        let subscribers = format!("{} subscribers", grouped(count(plan.subscribers)));
        let phases = [&self.alone, &self.reads, &self.listening];
        let row = |name: &str, figure: &dyn Fn(&Phase) -> String| {
            let mut row = vec![name.to_owned()];
            row.extend(phases.iter().map(|phase| figure(phase)));
            row
        };
        let latency = |found: Option<Latency>| {
            found.map_or_else(|| "-".into(), |ms| format!("{:.2}, {:.2} ms", ms.p50, ms.p99))
        };
        let rows = vec![
            row("reads", &|phase| format!("{:.0} /s", phase.reads_per_second)),
            row("read p50, p99", &|phase| latency(phase.read_ms)),
            row("cores of the node", &|phase| format!("{:.2}", phase.cores)),
            row("its memory", &|phase| format!("{:.0} MiB", phase.memory_mib)),
            row("its vote after", &|phase| format!("{:.2} ms", phase.vote_ms)),
            row("transfers final", &|phase| format!("{:.0} /s", phase.committed_per_second)),
            row("final p50, p99", &|phase| latency(phase.finality_ms)),
            row("told", &|phase| format!("{:.0} events/s", phase.told_per_second)),
        ];
        let mut lines = vec![
            format!(
                "reads      {what} · {} connections · {} calls a request · beside {} tx/s offered",
                plan.connections, plan.batch, plan.rate
            ),
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

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
