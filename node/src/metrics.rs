//! What the node counts: Prometheus metrics named `logothete_<area>_<what>_<unit>`.
//!
//! A [`Metrics`] is one shared registry; a clone is one reference count. Each area has its own
//! struct with typed methods, so that callers never name a metric or build a label:
//! `metrics.consensus.entered_view(view, "timeout")`.
//!
//! Every label is bounded: reasons, lanes, methods and codes are static strings, validators are the
//! members of the set. Nothing a peer or a client sends becomes a label.

mod consensus;
mod network;
mod pipeline;
mod process;
mod recent;
mod rpc;
mod storage;

pub use consensus::{ConsensusMetrics, SeenVote, VoteKind};
pub use network::{NetworkMetrics, SyncMetrics, SyncPhase};
pub use pipeline::{ExecutionMetrics, MempoolMetrics, PipelineMetrics};
pub use recent::Recent;
pub use rpc::RpcMetrics;
pub use storage::{BackupMetrics, StoreMetrics};

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use logothete_primitives::Height;
use prometheus_client::encoding::text;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The prefix of every metric of this node.
const PREFIX: &str = "logothete";

/// A gauge of seconds.
type SecondsGauge = Gauge<f64, AtomicU64>;
/// A gauge of a 64-bit count.
type CountGauge = Gauge<u64, AtomicU64>;

/// All metrics of a node; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    areas: Arc<Areas>,
    registry: Arc<Registry>,
}

/// The metrics by area.
pub struct Areas {
    /// Views, votes, certificates and what the safety rules refused.
    pub consensus: ConsensusMetrics,
    /// Transactions that wait.
    pub mempool: MempoolMetrics,
    /// Admission and dissemination.
    pub pipeline: PipelineMetrics,
    /// Blocks that were executed.
    pub execution: ExecutionMetrics,
    /// Peers and lanes.
    pub network: NetworkMetrics,
    /// Catching up.
    pub sync: SyncMetrics,
    /// The database.
    pub store: StoreMetrics,
    /// Backups made and verified.
    pub backup: BackupMetrics,
    /// Requests of clients.
    pub rpc: RpcMetrics,
}

impl Metrics {
    /// Makes the registry; `validators` are the names of the set in index order.
    pub fn new(version: &str, validators: &[String]) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = Info::new(vec![("version".to_owned(), version.to_owned())]);
        registry.register("build", "The version of this binary", build);
        registry.register_collector(Box::new(process::ProcessCollector::default()));
        let areas = Areas {
            consensus: ConsensusMetrics::register(&mut registry, validators),
            mempool: MempoolMetrics::register(&mut registry),
            pipeline: PipelineMetrics::register(&mut registry),
            execution: ExecutionMetrics::register(&mut registry),
            network: NetworkMetrics::register(&mut registry, validators),
            sync: SyncMetrics::register(&mut registry),
            store: StoreMetrics::register(&mut registry),
            backup: BackupMetrics::register(&mut registry),
            rpc: RpcMetrics::register(&mut registry),
        };
        Self { areas: Arc::new(areas), registry: Arc::new(registry) }
    }

    /// A block was executed and stored: so many of its transactions counted, the others never
    /// happened.
    pub fn block_executed(&self, height: Height, executed: usize, skipped: usize) {
        self.execution.executed(height.get());
        self.execution.transactions(executed, skipped);
    }

    /// A transaction was handed in, and refused with a code or let in.
    pub fn submitted(&self, refusal: Option<&'static str>) {
        match refusal {
            None => self.mempool.admitted(1),
            Some(reason) => self.mempool.rejected(reason),
        }
    }

    /// The whole exposition, in the text form that Prometheus scrapes.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Deref for Metrics {
    type Target = Areas;

    fn deref(&self) -> &Areas {
        &self.areas
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Buckets from 0.1 ms to 13 s, for what should take milliseconds.
fn latency_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 18))
}

/// Buckets from 1 to 65,536, for counts of a batch.
fn count_histogram() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 17))
}

/// The label value of each member of the validator set.
#[derive(Clone)]
struct ValidatorNames(Arc<[String]>);

impl ValidatorNames {
    fn new(names: &[String]) -> Self {
        Self(names.into())
    }

    /// The name at `index`; an index outside the set becomes the one label `unknown`.
    fn label(&self, index: u16) -> String {
        self.0.get(usize::from(index)).cloned().unwrap_or_else(|| "unknown".to_owned())
    }
}

#[cfg(test)]
mod tests;
