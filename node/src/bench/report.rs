//! The figures of a measurement, for programs and for people.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::Options;
use super::floor::{Code, Floor};
use super::load::Sent;
use super::meter::Measured;
use super::usage::Usage;
use crate::cli::show::grouped;

/// What was measured, and on what.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Nodes the load was spread over.
    pub nodes: usize,
    /// Accounts that sent.
    pub accounts: usize,
    /// Transactions on the way at one time, at most.
    pub outstanding: usize,
    /// Transactions a request.
    pub batch: usize,
    /// Transfers a transaction.
    pub operations: usize,
    /// Percent of the transfers that paid the same account.
    pub skew: u8,
    /// Transactions a second that were offered; none in a closed loop.
    pub rate: Option<u64>,
    /// Seconds of load before the measured time.
    pub warmup_seconds: f64,
    /// Whether `perf` sampled the nodes meanwhile, which costs them time.
    pub profiled: bool,
    /// Where it ran.
    #[serde(flatten)]
    pub machine: Machine,
}

/// The program and the machine that gave the figures.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Version of this program.
    pub version: &'static str,
    /// Processor of this machine.
    pub processor: String,
    /// Cores this process may use.
    pub cores: usize,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
        }
    }

    /// For people.
    #[must_use]
    pub fn line(&self) -> String {
        format!("machine    {} · {} cores", self.processor, self.cores)
    }
}

impl Setting {
    /// From the options and the machine.
    #[must_use]
    pub fn of(options: &Options) -> Self {
        Self {
            nodes: options.urls.len(),
            accounts: options.accounts,
            outstanding: options
                .accounts
                .saturating_mul(options.in_flight)
                .min(options.outstanding),
            batch: options.batch,
            operations: options.operations,
            skew: options.skew,
            rate: options.rate,
            warmup_seconds: options.warmup.as_secs_f64(),
            profiled: options.profile.is_some(),
            machine: Machine::this(),
        }
    }
}

/// Latency in milliseconds, from handing in (or being due) to being seen in a final block.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half are at most this.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// Ninety-nine of a hundred.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

impl Latency {
    /// From a histogram of microseconds.
    #[must_use]
    pub fn of(micros: &Histogram<u64>) -> Self {
        let ms = |quantile: f64| precise(micros.value_at_quantile(quantile)) / 1_000.0;
        Self {
            p50: ms(0.5),
            p90: ms(0.9),
            p99: ms(0.99),
            max: precise(micros.max()) / 1_000.0,
            mean: micros.mean() / 1_000.0,
        }
    }
}

/// CPU time in microseconds per committed transaction.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cpu {
    /// All nodes together; none if no node runs on this machine.
    pub nodes: Option<f64>,
    /// One node, on average.
    pub per_node: Option<f64>,
    /// This process: signing, sending, reading blocks.
    pub client: f64,
    /// Cores that the nodes kept busy.
    pub cores_of_nodes: Option<f64>,
}

/// What the nodes used besides CPU time; only of those on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct Resources {
    /// Share of the nodes' CPU time by stage, largest first, in percent.
    pub cpu_percent: Vec<(&'static str, f64)>,
    /// Bytes that all nodes together sent to each other for each transaction.
    pub wire_bytes_per_tx: f64,
    /// Bytes that all nodes together had written to disks for each transaction.
    pub disk_bytes_per_tx: f64,
    /// Syncs of one node for each block.
    pub syncs_per_block: f64,
    /// Milliseconds from a proposal until its block was final, on average.
    pub block_finality_ms: f64,
    /// Memory of the largest node at the end, in MiB.
    pub memory_mib: f64,
}

/// Everything together.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was measured.
    pub setting: Setting,
    /// Seconds measured.
    pub seconds: f64,
    /// Transactions seen in final blocks in that time.
    pub committed: u64,
    /// The same per second.
    pub committed_per_second: f64,
    /// Final blocks in that time.
    pub blocks: u64,
    /// Latency.
    pub latency_ms: Latency,
    /// CPU time.
    pub cpu_us_per_tx: Cpu,
    /// CPU time in microseconds of four signatures in a batch of 256: what four nodes cannot do without.
    pub floor_us: f64,
    /// Whose code checked them.
    pub floor_by: Code,
    /// What else the nodes used; none if no node runs on this machine.
    pub resources: Option<Resources>,
    /// Transactions handed in over the whole run.
    pub submitted: u64,
    /// Transactions pushed back by a full node and sent again.
    pub pushed_back: u64,
    /// Transactions refused for good, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Transactions accepted and not seen in a final block by the end.
    pub missing: usize,
}

impl Report {
    /// From the parts.
    #[must_use]
    pub fn new(
        setting: Setting,
        measured: Measured,
        sent: Sent,
        missing: usize,
        floor: Floor,
    ) -> Self {
        let Measured { elapsed, window, nodes, client_cpu } = measured;
        let committed = precise(window.committed);
        let per_tx = |time: Duration| time.as_secs_f64() * 1e6 / committed.max(1.0);
        let nodes_total: Duration = nodes.iter().map(|usage| usage.cpu).sum();
        let known = !nodes.is_empty();
        let count = precise(u64::try_from(nodes.len()).unwrap_or(1)).max(1.0);
        let seconds = elapsed.as_secs_f64();
        Self {
            setting,
            seconds,
            committed: window.committed,
            committed_per_second: committed / seconds,
            blocks: window.blocks,
            latency_ms: Latency::of(&window.latency_us),
            cpu_us_per_tx: Cpu {
                nodes: known.then(|| per_tx(nodes_total)),
                per_node: known.then(|| per_tx(nodes_total) / count),
                client: per_tx(client_cpu),
                cores_of_nodes: known.then(|| nodes_total.as_secs_f64() / seconds),
            },
            floor_us: 4.0 * floor.signature.as_secs_f64() * 1e6,
            floor_by: floor.code,
            resources: known.then(|| Resources::of(&nodes, committed, precise(window.blocks))),
            submitted: sent.submitted,
            pushed_back: sent.pushed_back,
            refused: sent.refused,
            missing,
        }
    }

    /// CPU time of all nodes for a transaction, as a multiple of what four cannot do without; none if no node
    /// runs on this machine.
    #[must_use]
    pub fn floors(&self) -> Option<f64> {
        self.cpu_us_per_tx.nodes.map(|nodes| nodes / self.floor_us)
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let Latency { p50, p90, p99, max, .. } = self.latency_ms;
        let mode = match self.setting.rate {
            Some(rate) => format!("{} tx/s offered", grouped(rate)),
            None => format!(
                "closed loop, {} in flight at most",
                grouped(u64::try_from(self.setting.outstanding).unwrap_or(u64::MAX))
            ),
        };
        let mut lines = vec![
            format!(
                "load       {} nodes · {} accounts · {mode}",
                self.setting.nodes,
                grouped(u64::try_from(self.setting.accounts).unwrap_or(0))
            ),
            format!(
                "committed  {} in {:.1} s · {:.0} tx/s · {} blocks",
                grouped(self.committed),
                self.seconds,
                self.committed_per_second,
                grouped(self.blocks)
            ),
            format!(
                "latency    p50 {p50:.1} ms · p90 {p90:.1} ms · p99 {p99:.1} ms · max {max:.1} ms   (submit to final, seen by the client)"
            ),
        ];
        let cpu = &self.cpu_us_per_tx;
        if let (Some(nodes), Some(each), Some(cores)) =
            (cpu.nodes, cpu.per_node, cpu.cores_of_nodes)
        {
            lines.push(format!("cpu        nodes {nodes:.1} µs/tx ({each:.1} each, {cores:.2} cores) · client {:.1} µs/tx", cpu.client));
            lines.push(format!(
                "floor      {:.1} µs/tx for four signatures in batches of 256{}; the nodes took {:.2} times that",
                self.floor_us,
                match self.floor_by {
                    Code::Library => ", by the library as it comes",
                    Code::Node => ", by this node's code",
                },
                self.floors().unwrap_or_default()
            ));
        } else {
            lines.push(format!(
                "cpu        client {:.1} µs/tx (no node on this machine)",
                cpu.client
            ));
        }
        if let Some(resources) = &self.resources {
            lines.extend(resources.lines());
        }
        let refused: Vec<String> =
            self.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let refused = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
        lines.push(format!(
            "sent       {} · pushed back {} · refused {refused} · not seen final {}",
            grouped(self.submitted),
            grouped(self.pushed_back),
            self.missing
        ));
        lines.push(self.setting.machine.line());
        lines.join("\n")
    }
}

impl Resources {
    pub(super) fn of(nodes: &[Usage], committed: f64, blocks: f64) -> Self {
        let sum = |part: fn(&Usage) -> u64| precise(nodes.iter().map(part).sum());
        let count = precise(u64::try_from(nodes.len()).unwrap_or(1)).max(1.0);
        let mut cpu_percent: Vec<_> = stage_percent(nodes).into_iter().collect();
        cpu_percent.sort_by(|a, b| b.1.total_cmp(&a.1));
        let finality: Duration = nodes.iter().map(|usage| usage.finality).sum();
        let largest = nodes.iter().map(|usage| usage.resident_bytes).max().unwrap_or(0);
        Self {
            cpu_percent,
            wire_bytes_per_tx: sum(|usage| usage.sent_bytes) / committed.max(1.0),
            disk_bytes_per_tx: sum(|usage| usage.written_bytes) / committed.max(1.0),
            syncs_per_block: sum(|usage| usage.syncs) / count / blocks.max(1.0),
            block_finality_ms: 1e3 * finality.as_secs_f64() / sum(|usage| usage.finals).max(1.0),
            memory_mib: precise(largest) / f64::from(1 << 20),
        }
    }

    fn lines(&self) -> [String; 2] {
        let stages: Vec<String> = self
            .cpu_percent
            .iter()
            .map(|(stage, percent)| format!("{stage} {percent:.0} %"))
            .collect();
        [
            format!("stages     {}", stages.join(" · ")),
            format!(
                "resources  {:.0} bytes/tx on the wire · {:.0} bytes/tx to disk · {:.1} syncs a block and node · a block final after {:.1} ms · {:.0} MiB at most",
                self.wire_bytes_per_tx,
                self.disk_bytes_per_tx,
                self.syncs_per_block,
                self.block_finality_ms,
                self.memory_mib
            ),
        ]
    }
}

/// Share of the nodes' CPU time by stage, in percent.
pub(super) fn stage_percent(nodes: &[Usage]) -> BTreeMap<&'static str, f64> {
    let cpu: Duration = nodes.iter().map(|usage| usage.cpu).sum();
    let mut shares = BTreeMap::new();
    for (stage, time) in nodes.iter().flat_map(Usage::parts) {
        let percent = 100.0 * time.as_secs_f64() / cpu.as_secs_f64().max(1e-9);
        *shares.entry(stage).or_default() += percent;
    }
    shares
}

/// Counts of a measurement are far below 2^53.
#[allow(clippy::cast_precision_loss, reason = "counts of a measurement are far below 2^53")]
pub(super) fn precise(count: u64) -> f64 {
    count as f64
}

/// A rate as a whole number a second, at least one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are positive and far below 2^53"
)]
pub(super) fn whole(rate: f64) -> u64 {
    rate.max(1.0) as u64
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}
