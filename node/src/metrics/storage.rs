//! The database and its backups.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use logothete_primitives::TimestampMs;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{CountGauge, Recent, SecondsGauge, latency_histogram};
use crate::backup_record::Newest;

/// Metrics of the database.
pub struct StoreMetrics {
    bytes: Family<FamilyLabel, CountGauge>,
    disk_free: CountGauge,
    disk_total: CountGauge,
    fsync: Histogram,
    apply: Histogram,
    stalled: CountGauge,
    stall_seconds: Counter<f64, AtomicU64>,
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

    /// Whether the database holds writers back now; if so, with the time since the last sample, all of which counts.
    pub fn write_stall(&self, lasted: Option<Duration>) {
        self.stalled.set(u64::from(lasted.is_some()));
        self.stall_seconds.inc_by(lasted.unwrap_or_default().as_secs_f64());
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            bytes: Family::default(),
            disk_free: CountGauge::default(),
            disk_total: CountGauge::default(),
            fsync: latency_histogram(),
            apply: latency_histogram(),
            stalled: CountGauge::default(),
            stall_seconds: Counter::default(),
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
        let help = "1 while the database slows down writes or lets them wait";
        r.register("write_stalled", help, metrics.stalled.clone());
        let help = "Time in which the database slowed down writes or let them wait, by samples of a second";
        r.register_with_unit("write_stall", help, Unit::Seconds, metrics.stall_seconds.clone());
        metrics
    }
}

/// Metrics of backups.
pub struct BackupMetrics {
    made: SecondsGauge,
    verified: SecondsGauge,
    failures: Counter,
}

impl BackupMetrics {
    /// What is known of the newest backups.
    pub fn known(&self, newest: Newest) {
        for (gauge, time) in [(&self.made, newest.made_ms), (&self.verified, newest.verified_ms)] {
            gauge.set(time.map_or(0.0, unix_seconds));
        }
    }

    /// A backup could not be made.
    pub fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            made: SecondsGauge::default(),
            verified: SecondsGauge::default(),
            failures: Counter::default(),
        };
        let r = registry.sub_registry_with_prefix("backup");
        let help = "Unix time of the last backup, 0 when there was none";
        r.register_with_unit("last_timestamp", help, Unit::Seconds, metrics.made.clone());
        let help =
            "Unix time at which the newest verified backup was made, 0 when none was verified";
        r.register_with_unit(
            "last_verified_timestamp",
            help,
            Unit::Seconds,
            metrics.verified.clone(),
        );
        r.register("failures", "Backups that failed", metrics.failures.clone());
        metrics
    }
}

fn unix_seconds(time: TimestampMs) -> f64 {
    Duration::from_millis(time.get()).as_secs_f64()
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FamilyLabel {
    family: &'static str,
}
