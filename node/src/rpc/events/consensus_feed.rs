//! A feed of the present state of consensus: the latest is told, what was between is not.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use logothete_client::rpc::types::{Event, Told};
use logothete_consensus::Status;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::NodeApi;

/// Tells the state when it has changed, but not too often.
pub(super) struct ConsensusFeed {
    api: NodeApi,
    status: watch::Receiver<Arc<Status>>,
    /// When the next state may be told.
    due: Instant,
}

impl ConsensusFeed {
    pub(super) fn new(api: NodeApi) -> Self {
        let mut status = api.service().consensus.clone();
        // The present state is news to a new subscriber.
        status.mark_changed();
        Self { api, status, due: Instant::now() }
    }

    pub(super) fn into_stream(self) -> BoxStream<'static, Event> {
        stream::unfold(self, Self::step).boxed()
    }

    async fn step(mut self) -> Option<(Event, Self)> {
        sleep_until(self.due).await;
        let (interval, quiet) =
            (self.api.limits().consensus_interval, self.api.limits().quiet_time);
        let changed = tokio::time::timeout(quiet, self.status.changed()).await;
        let told = match changed {
            Ok(Ok(())) => {
                self.status.borrow_and_update();
                Told::Consensus(self.api.describe_consensus())
            }
            Ok(Err(_)) => return None,
            Err(_) => Told::Progress,
        };
        self.due = Instant::now() + interval;
        Some((Event { position: None, told }, self))
    }
}
