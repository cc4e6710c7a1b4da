//! The database and its backups.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{CountGauge, Recent, SecondsGauge, latency_histogram};

/// Metrics of the database.
pub struct StoreMetrics {
    bytes: Family<FamilyLabel, CountGauge>,
    disk_free: CountGauge,
    disk_total: CountGauge,
    fsync: Histogram,
    apply: Histogram,
    recent_syncs: Recent,
}

impl StoreMetrics {
    /// The size of one column family on disk.
    pub fn family_bytes(&self, family: &'static str, bytes: u64) {
        self.bytes.get_or_create(&FamilyLabel { family }).set(bytes);
    }

    /// What the file system of the data directory has left, and its size.
    pub fn disk(&self, free: u64, total: u64) {
        self.disk_free.set(free);
        self.disk_total.set(total);
    }

    /// A synced write of the safety state took `took`.
    pub fn synced(&self, took: Duration) {
        self.fsync.observe(took.as_secs_f64());
        self.recent_syncs.record(took);
    }

    /// The times of [`synced`](Self::synced) over the last minute.
    pub fn recent_syncs(&self) -> &Recent {
        &self.recent_syncs
    }

    /// What the file system of the data directory had left when it was looked at last; `None` before that.
    pub fn disk_free(&self) -> Option<u64> {
        (self.disk_total.get() > 0).then(|| self.disk_free.get())
    }

    /// The atomic write of an executed block took `took`.
    pub fn applied(&self, took: Duration) {
        self.apply.observe(took.as_secs_f64());
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            bytes: Family::default(),
            disk_free: CountGauge::default(),
            disk_total: CountGauge::default(),
            fsync: latency_histogram(),
            apply: latency_histogram(),
            recent_syncs: Recent::default(),
        };
        let r = registry.sub_registry_with_prefix("store");
        let help = "Bytes on disk, by column family";
        r.register_with_unit("family", help, Unit::Bytes, metrics.bytes.clone());
        let help = "Bytes that the file system of the data directory has left";
        r.register_with_unit("disk_free", help, Unit::Bytes, metrics.disk_free.clone());
        let help = "Size of the file system of the data directory";
        r.register_with_unit("disk_total", help, Unit::Bytes, metrics.disk_total.clone());
        let help = "Time of a synced write of the safety state";
        r.register_with_unit("fsync", help, Unit::Seconds, metrics.fsync.clone());
        let help = "Time of the atomic write of an executed block";
        r.register_with_unit("apply", help, Unit::Seconds, metrics.apply.clone());
        metrics
    }
}

/// Metrics of backups.
pub struct BackupMetrics {
    created: SecondsGauge,
    failures: Counter,
}

impl BackupMetrics {
    /// A backup was made now.
    pub fn created(&self) {
        self.created.set(unix_seconds());
    }

    /// A backup could not be made.
    pub fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { created: SecondsGauge::default(), failures: Counter::default() };
        let r = registry.sub_registry_with_prefix("backup");
        let help = "Unix time of the last backup, 0 when there was none";
        r.register_with_unit("last_timestamp", help, Unit::Seconds, metrics.created.clone());
        r.register("failures", "Backups that failed", metrics.failures.clone());
        metrics
    }
}

fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FamilyLabel {
    family: &'static str,
}
