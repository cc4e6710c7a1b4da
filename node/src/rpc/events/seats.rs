//! How many may subscribe.

use std::sync::Arc;

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::EventKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::Limits;
use crate::metrics::Metrics;

/// What a client is told to wait when all seats are taken.
const RETRY_MS: u32 = 1_000;

/// The room for subscribers of all connections.
pub(in crate::rpc) struct Seats {
    sockets: Arc<Semaphore>,
    subscriptions: Arc<Semaphore>,
    metrics: Metrics,
}

/// The room that one subscription takes, until it is dropped.
pub(super) struct Seat {
    kind: EventKind,
    metrics: Metrics,
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    pub(in crate::rpc) fn new(limits: &Limits, metrics: Metrics) -> Self {
        Self {
            sockets: Arc::new(Semaphore::new(limits.sockets)),
            subscriptions: Arc::new(Semaphore::new(limits.subscriptions)),
            metrics,
        }
    }

    /// Room for a WebSocket.
    pub(super) fn socket(&self) -> Result<OwnedSemaphorePermit, RpcError> {
        Arc::clone(&self.sockets).try_acquire_owned().map_err(|_| full("open WebSockets"))
    }

    /// Room for a subscription.
    pub(super) fn take(&self, kind: EventKind) -> Result<Seat, RpcError> {
        let permit = Arc::clone(&self.subscriptions).try_acquire_owned();
        let permit = permit.map_err(|_| full("subscriptions"))?;
        self.metrics.rpc.subscribed(kind.name());
        Ok(Seat { kind, metrics: self.metrics.clone(), _permit: permit })
    }
}

impl Seat {
    /// An event went to the subscriber.
    pub(super) fn told(&self) {
        self.metrics.rpc.told(self.kind.name());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.metrics.rpc.unsubscribed(self.kind.name());
    }
}

pub(super) fn full(what: &str) -> RpcError {
    RpcError::limit(format_args!("there is no room for more {what}"), RETRY_MS)
}
