//! The way of a transaction: admission, mempool, dissemination, execution.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{CountGauge, Recent, SecondsGauge, count_histogram, latency_histogram};

/// Metrics of the transactions that wait.
pub struct MempoolMetrics {
    transactions: CountGauge,
    bytes: CountGauge,
    age: SecondsGauge,
    admitted: Counter,
    rejections: Family<ReasonLabel, Counter>,
}

impl MempoolMetrics {
    /// How much waits, and for how long the oldest has waited.
    pub fn size(&self, transactions: u64, bytes: u64, oldest: Duration) {
        self.transactions.set(transactions);
        self.bytes.set(bytes);
        self.age.set(oldest.as_secs_f64());
    }

    /// `count` transactions entered the mempool.
    pub fn admitted(&self, count: u64) {
        self.admitted.inc_by(count);
    }

    /// A transaction was not let in.
    pub fn rejected(&self, reason: &'static str) {
        self.rejections.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            transactions: CountGauge::default(),
            bytes: CountGauge::default(),
            age: SecondsGauge::default(),
            admitted: Counter::default(),
            rejections: Family::default(),
        };
        let r = registry.sub_registry_with_prefix("mempool");
        r.register("transactions", "Transactions that wait", metrics.transactions.clone());
        let help = "Bytes of the transactions that wait";
        r.register_with_unit("size", help, Unit::Bytes, metrics.bytes.clone());
        let help = "Age of the oldest transaction that waits and is not behind a gap in nonces";
        r.register_with_unit("oldest_age", help, Unit::Seconds, metrics.age.clone());
        r.register("admitted", "Transactions let in", metrics.admitted.clone());
        let help = "Transactions not let in, by reason";
        r.register("rejections", help, metrics.rejections.clone());
        metrics
    }
}

/// Metrics of signature checks and of batches on their way.
pub struct PipelineMetrics {
    signature_batch: Histogram,
    signature_time: Histogram,
    sealed: Counter,
    sealed_transactions: Histogram,
    received: Counter,
    requested: Counter,
    pushed_back: Family<StageLabel, Counter>,
    settled: Histogram,
    recent: Recent,
}

impl PipelineMetrics {
    /// A transaction handed in here became final `after` its admission.
    pub fn settled(&self, after: Duration) {
        self.settled.observe(after.as_secs_f64());
        self.recent.record(after);
    }

    /// The times of [`settled`](Self::settled) over the last minute.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// `count` transaction signatures were checked together in `took`.
    pub fn verified_signatures(&self, count: usize, took: Duration) {
        self.signature_batch.observe(as_f64(count));
        self.signature_time.observe(took.as_secs_f64());
    }

    /// An own batch of `transactions` was sealed and streamed to the validators.
    pub fn sealed_batch(&self, transactions: u32) {
        self.sealed.inc();
        self.sealed_transactions.observe(transactions.into());
    }

    /// A batch of another validator arrived.
    pub fn received_batch(&self) {
        self.received.inc();
    }

    /// So many missing batches were asked of one peer.
    pub fn requested_batches(&self, count: usize) {
        self.requested.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A stage was full and pushed back.
    pub fn pushed_back(&self, stage: &'static str) {
        self.pushed_back.get_or_create(&StageLabel { stage }).inc();
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            signature_batch: count_histogram(),
            signature_time: latency_histogram(),
            sealed: Counter::default(),
            sealed_transactions: count_histogram(),
            received: Counter::default(),
            requested: Counter::default(),
            pushed_back: Family::default(),
            settled: latency_histogram(),
            recent: Recent::default(),
        };
        let r = registry.sub_registry_with_prefix("pipeline");
        let help = "From the admission of a transaction here until it was final here";
        r.register_with_unit("settled", help, Unit::Seconds, metrics.settled.clone());
        let help = "Transaction signatures checked together";
        r.register("signature_batch_size", help, metrics.signature_batch.clone());
        let help = "Time to check one batch of transaction signatures";
        r.register_with_unit("signatures", help, Unit::Seconds, metrics.signature_time.clone());
        r.register("batches_sealed", "Own batches sealed", metrics.sealed.clone());
        let help = "Transactions in an own batch";
        r.register("batch_transactions", help, metrics.sealed_transactions.clone());
        r.register("batches_received", "Batches of other validators", metrics.received.clone());
        let help = "Missing batches asked of a peer; one that is asked of two counts twice";
        r.register("batches_requested", help, metrics.requested.clone());
        let help = "Times a full stage pushed back, by stage";
        r.register("pushed_back", help, metrics.pushed_back.clone());
        metrics
    }
}

/// Metrics of the executor.
pub struct ExecutionMetrics {
    height: CountGauge,
    time: Histogram,
    transactions: Family<OutcomeLabel, Counter>,
    tree: Histogram,
}

impl ExecutionMetrics {
    /// The highest executed height.
    pub fn executed(&self, height: u64) {
        self.height.set(height);
    }

    /// Executing and storing a block took `took`.
    pub fn took(&self, took: Duration) {
        self.time.observe(took.as_secs_f64());
    }

    /// What became of the transactions of a block.
    pub fn transactions(&self, executed: usize, skipped: usize) {
        for (outcome, count) in [("executed", executed), ("skipped", skipped)] {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.transactions.get_or_create(&OutcomeLabel { outcome }).inc_by(count);
        }
    }

    /// The state tree took the changes of a block in `took`.
    pub fn updated_tree(&self, took: Duration) {
        self.tree.observe(took.as_secs_f64());
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            height: CountGauge::default(),
            time: latency_histogram(),
            transactions: Family::default(),
            tree: latency_histogram(),
        };
        let r = registry.sub_registry_with_prefix("execution");
        r.register("height", "The highest executed height", metrics.height.clone());
        let help = "Time to execute and store one block";
        r.register_with_unit("block", help, Unit::Seconds, metrics.time.clone());
        let help = "Transactions of final blocks, by outcome";
        r.register("transactions", help, metrics.transactions.clone());
        let help = "Time to update the state tree for one block";
        r.register_with_unit("tree", help, Unit::Seconds, metrics.tree.clone());
        metrics
    }
}

/// A count as a sample; counts here are far below 2^52.
fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}
