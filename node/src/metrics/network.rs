//! Peers, lanes, and catching up.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{CountGauge, SecondsGauge, ValidatorNames};

/// Refusals that somebody has to do something about. They are counted from zero, because Prometheus sees no increase
/// in a counter that begins with its first refusal.
const REFUSALS: [&str; 6] =
    ["version", "chain", "genesis", "own_key", "wrong_key", "not_a_validator"];

/// Metrics of the connections to other nodes.
pub struct NetworkMetrics {
    names: ValidatorNames,
    peers: Family<RoleLabel, CountGauge>,
    round_trip: Family<ValidatorLabel, SecondsGauge>,
    sent: Family<LaneLabel, Counter>,
    received: Family<LaneLabel, Counter>,
    dropped: Family<DropLabel, Counter>,
    disconnects: Family<ReasonLabel, Counter>,
}

impl NetworkMetrics {
    /// How many peers of each role are connected.
    pub fn peers(&self, validators: usize, followers: usize) {
        for (role, count) in [("validator", validators), ("follower", followers)] {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.peers.get_or_create(&RoleLabel { role }).set(count);
        }
    }

    /// The last round trip to a validator.
    pub fn round_trip(&self, validator: u16, took: Duration) {
        let label = ValidatorLabel { validator: self.names.label(validator) };
        self.round_trip.get_or_create(&label).set(took.as_secs_f64());
    }

    /// Bytes handed to a lane.
    pub fn sent(&self, lane: &'static str, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.sent.get_or_create(&LaneLabel { lane }).inc_by(bytes);
    }

    /// Bytes that arrived on a lane.
    pub fn received(&self, lane: &'static str, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received.get_or_create(&LaneLabel { lane }).inc_by(bytes);
    }

    /// A message could not be handed to a lane.
    pub fn dropped(&self, lane: &'static str, reason: &'static str) {
        self.dropped.get_or_create(&DropLabel { lane, reason }).inc();
    }

    /// A peer went away or was refused.
    pub fn disconnected(&self, reason: &'static str) {
        self.disconnects.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(super) fn register(registry: &mut Registry, validators: &[String]) -> Self {
        let metrics = Self {
            names: ValidatorNames::new(validators),
            peers: Family::default(),
            round_trip: Family::default(),
            sent: Family::default(),
            received: Family::default(),
            dropped: Family::default(),
            disconnects: Family::default(),
        };
        for reason in REFUSALS {
            metrics.disconnects.get_or_create_owned(&ReasonLabel { reason });
        }
        let r = registry.sub_registry_with_prefix("network");
        r.register("peers", "Connected peers, by role", metrics.peers.clone());
        let help = "Last round trip to a validator";
        r.register_with_unit("round_trip", help, Unit::Seconds, metrics.round_trip.clone());
        let help = "Bytes handed to a lane";
        r.register_with_unit("sent", help, Unit::Bytes, metrics.sent.clone());
        let help = "Bytes that arrived on a lane";
        r.register_with_unit("received", help, Unit::Bytes, metrics.received.clone());
        let help = "Messages not sent, by lane and reason";
        r.register("dropped_messages", help, metrics.dropped.clone());
        let help = "Connections that ended or were refused, by reason";
        r.register("disconnects", help, metrics.disconnects.clone());
        metrics
    }
}

/// What the synchronizer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPhase {
    /// The node is at the tip.
    Synced,
    /// Blocks are being fetched.
    Fetching,
    /// Nobody has what is missing.
    Starved,
}

/// Metrics of catching up.
pub struct SyncMetrics {
    phase: Gauge,
    remaining: CountGauge,
    blocks: Counter,
}

impl SyncMetrics {
    /// What the synchronizer does now and how many blocks are missing.
    pub fn progress(&self, phase: SyncPhase, remaining: u64) {
        self.phase.set(match phase {
            SyncPhase::Synced => 0,
            SyncPhase::Fetching => 1,
            SyncPhase::Starved => 2,
        });
        self.remaining.set(remaining);
    }

    /// `count` verified blocks came from peers.
    pub fn fetched(&self, count: u64) {
        self.blocks.inc_by(count);
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            phase: Gauge::default(),
            remaining: CountGauge::default(),
            blocks: Counter::default(),
        };
        let r = registry.sub_registry_with_prefix("sync");
        let help = "0 at the tip, 1 fetching blocks, 2 nobody has what is missing";
        r.register("phase", help, metrics.phase.clone());
        r.register("remaining_blocks", "Blocks still missing", metrics.remaining.clone());
        r.register("fetched_blocks", "Verified blocks from peers", metrics.blocks.clone());
        metrics
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RoleLabel {
    role: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LaneLabel {
    lane: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DropLabel {
    lane: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ValidatorLabel {
    validator: String,
}
