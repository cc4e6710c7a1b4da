//! The figures of `bench order`, for programs and for people, beside what the project wants to reach.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Options;
use crate::bench::meter::Measured;
use crate::bench::report::{Latency, Machine, Resources, precise, whole};
use crate::bench::targets::{Figure, Target};
use crate::cli::show::grouped;

/// Payloads of 128 bytes a second that the network should order.
const WANTED_PER_SECOND: f64 = 250_000.0;
/// Microseconds of CPU of all nodes that one of them may take.
const WANTED_CPU_US: f64 = 6.0;
/// Milliseconds that half of them may take at half of that load.
const WANTED_P50_MS: f64 = 50.0;

/// What was measured, and on what.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Validators, each a process.
    pub nodes: u16,
    /// Bytes of a payload.
    pub payload_bytes: usize,
    /// Payloads on the way at one time, at most, where no rate was given.
    pub outstanding: u64,
    /// Seconds of load before each measured time.
    pub warmup_seconds: f64,
    /// Whether `perf` sampled the nodes meanwhile, which costs them time.
    pub profiled: bool,
    /// Where it ran.
    #[serde(flatten)]
    pub machine: Machine,
}

impl Setting {
    /// From the options and the machine.
    #[must_use]
    pub fn of(options: &Options) -> Self {
        Self {
            nodes: options.nodes,
            payload_bytes: options.size,
            outstanding: options.outstanding,
            warmup_seconds: options.warmup.as_secs_f64(),
            profiled: options.profile.is_some(),
            machine: Machine::this(),
        }
    }
}

/// One load and what it gave.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// What it is called.
    pub name: &'static str,
    /// Payloads a second that were offered; none in a closed loop.
    pub rate: Option<u64>,
    /// Seconds measured.
    pub seconds: f64,
    /// Payloads that became final in that time.
    pub committed: u64,
    /// The same per second.
    pub committed_per_second: f64,
    /// Final blocks in that time.
    pub blocks: u64,
    /// From handing in (with a rate: being due) to the note that it is final and executed, in milliseconds.
    pub latency_ms: Latency,
    /// Microseconds of CPU of all nodes for a payload.
    pub node_cpu_us_per_payload: f64,
    /// Microseconds of CPU of the client for a payload.
    pub client_cpu_us_per_payload: f64,
    /// Cores that the nodes kept busy.
    pub cores_of_nodes: f64,
    /// Share of the nodes' CPU time by stage, in percent.
    pub cpu_percent: BTreeMap<&'static str, f64>,
    /// Bytes that the nodes sent to each other for a payload.
    pub wire_bytes_per_payload: f64,
    /// Bytes that the nodes had written to disks for a payload.
    pub disk_bytes_per_payload: f64,
    /// Syncs of one node for each block.
    pub syncs_per_block: f64,
    /// Memory of the largest node at the end, in MiB.
    pub memory_mib: f64,
    /// Payloads that were not final some time after the load had stopped.
    pub missing: u64,
}

impl Phase {
    /// From what was measured.
    #[must_use]
    pub fn new(name: &'static str, rate: Option<u64>, measured: Measured, missing: u64) -> Self {
        let Measured { elapsed, window, nodes, client_cpu } = measured;
        let committed = precise(window.committed).max(1.0);
        let seconds = elapsed.as_secs_f64();
        let cpu: Duration = nodes.iter().map(|usage| usage.cpu).sum();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / committed;
        let resources = Resources::of(&nodes, committed, precise(window.blocks));
        Self {
            name,
            rate,
            seconds,
            committed: window.committed,
            committed_per_second: precise(window.committed) / seconds,
            blocks: window.blocks,
            latency_ms: Latency::of(&window.latency_us),
            node_cpu_us_per_payload: each(cpu),
            client_cpu_us_per_payload: each(client_cpu),
            cores_of_nodes: cpu.as_secs_f64() / seconds,
            cpu_percent: stages(&resources),
            wire_bytes_per_payload: resources.wire_bytes_per_tx,
            disk_bytes_per_payload: resources.disk_bytes_per_tx,
            syncs_per_block: resources.syncs_per_block,
            memory_mib: resources.memory_mib,
            missing,
        }
    }

    /// Half of what became final, as a rate to offer.
    #[must_use]
    pub fn half_rate(&self) -> u64 {
        whole(self.committed_per_second / 2.0)
    }

    fn lines(&self) -> Vec<String> {
        let mode = self.rate.map_or_else(
            || "closed loop".to_owned(),
            |rate| format!("{} payloads/s offered", grouped(rate)),
        );
        let Latency { p50, p90, p99, max, .. } = self.latency_ms;
        let mut stages: Vec<_> = self.cpu_percent.iter().collect();
        stages.sort_by(|a, b| b.1.total_cmp(a.1));
        let stages: Vec<String> =
            stages.into_iter().map(|(stage, share)| format!("{stage} {share:.0} %")).collect();
        vec![
            format!("{}: {mode}", self.name),
            format!(
                "  committed  {} in {:.1} s · {:.0} payloads/s · {} blocks · not seen final {}",
                grouped(self.committed),
                self.seconds,
                self.committed_per_second,
                grouped(self.blocks),
                self.missing
            ),
            format!(
                "  latency    p50 {p50:.1} ms · p90 {p90:.1} ms · p99 {p99:.1} ms · max {max:.1} ms   (handed in to final, told to the client)"
            ),
            format!(
                "  cpu        nodes {:.2} µs/payload ({:.2} cores) · client {:.2} µs/payload · {}",
                self.node_cpu_us_per_payload,
                self.cores_of_nodes,
                self.client_cpu_us_per_payload,
                stages.join(" · ")
            ),
            format!(
                "  resources  {:.0} bytes/payload on the wire · {:.0} to disk · {:.1} syncs a block and node · {:.0} MiB at most",
                self.wire_bytes_per_payload,
                self.disk_bytes_per_payload,
                self.syncs_per_block,
                self.memory_mib
            ),
        ]
    }
}

/// Percent of the CPU time by stage. What the pool of workers does here is hashing batches.
fn stages(resources: &Resources) -> BTreeMap<&'static str, f64> {
    let renamed = |&(stage, share): &(&'static str, f64)| match stage {
        "signatures" => ("workers", share),
        "network and RPC" => ("network and client", share),
        other => (other, share),
    };
    resources.cpu_percent.iter().map(renamed).collect()
}

/// Everything together.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was measured.
    pub setting: Setting,
    /// The loads, in the order of measuring.
    pub phases: Vec<Phase>,
    /// What the project wants to reach; empty when a rate was given, for then nothing was saturated.
    pub figures: Vec<Figure>,
}

impl Report {
    /// From the parts.
    #[must_use]
    pub fn new(setting: Setting, phases: Vec<Phase>) -> Self {
        let mut figures = Vec::new();
        if let [saturated, half] = &phases[..] {
            let size = setting.payload_bytes;
            figures = vec![
                Figure::new(
                    format!("payloads of {size} bytes, final"),
                    "/s",
                    Target::AtLeast(WANTED_PER_SECOND),
                    saturated.committed_per_second,
                ),
                Figure::new(
                    "CPU of all nodes for each",
                    "µs",
                    Target::AtMost(WANTED_CPU_US),
                    saturated.node_cpu_us_per_payload,
                ),
                Figure::new(
                    "at half of that, p50",
                    "ms",
                    Target::AtMost(WANTED_P50_MS),
                    half.latency_ms.p50,
                ),
            ];
        }
        Self { setting, phases, figures }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![format!(
            "order      {} nodes · payloads of {} bytes, opaque{}",
            self.setting.nodes,
            self.setting.payload_bytes,
            if self.setting.profiled { " · profiled, which costs time" } else { "" }
        )];
        lines.extend(self.phases.iter().flat_map(Phase::lines));
        lines.extend(self.figures.iter().map(Figure::line));
        lines.push(self.setting.machine.line());
        lines.join("\n")
    }
}
