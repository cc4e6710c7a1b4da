//! Requests of clients.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::latency_histogram;

/// Metrics of the RPC server.
pub struct RpcMetrics {
    requests: Family<RequestLabel, Counter>,
    time: Family<MethodLabel, Histogram, fn() -> Histogram>,
    connections: Gauge,
    refused: Family<ReasonLabel, Counter>,
    subscriptions: Family<KindLabel, Gauge>,
    events: Family<KindLabel, Counter>,
}

impl RpcMetrics {
    /// A call was answered; `code` is `ok` or the name of the error.
    pub fn answered(&self, method: &'static str, code: &'static str, took: Duration) {
        self.requests.get_or_create(&RequestLabel { method, code }).inc();
        self.time.get_or_create(&MethodLabel { method }).observe(took.as_secs_f64());
    }

    /// A request or connection was turned away before it was read.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A client connected.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// A client is gone.
    pub fn disconnected(&self) {
        self.connections.dec();
    }

    /// A client subscribed to events of a kind.
    pub fn subscribed(&self, kind: &'static str) {
        self.subscriptions.get_or_create(&KindLabel { kind }).inc();
    }

    /// A subscription is over.
    pub fn unsubscribed(&self, kind: &'static str) {
        self.subscriptions.get_or_create(&KindLabel { kind }).dec();
    }

    /// An event went to a subscriber.
    pub fn told(&self, kind: &'static str) {
        self.events.get_or_create(&KindLabel { kind }).inc();
    }

    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            time: Family::new_with_constructor(latency_histogram),
            connections: Gauge::default(),
            refused: Family::default(),
            subscriptions: Family::default(),
            events: Family::default(),
        };
        let r = registry.sub_registry_with_prefix("rpc");
        let help = "Calls answered, by method and code";
        r.register("requests", help, metrics.requests.clone());
        let help = "Time to answer a call, by method";
        r.register_with_unit("request", help, Unit::Seconds, metrics.time.clone());
        r.register("connections", "Open client connections", metrics.connections.clone());
        let help = "Requests and connections turned away unread, by reason";
        r.register("refused", help, metrics.refused.clone());
        let help = "Subscriptions, by kind";
        r.register("subscriptions", help, metrics.subscriptions.clone());
        let help = "Events sent to subscribers, by kind";
        r.register("events", help, metrics.events.clone());
        metrics
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabel {
    method: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}
