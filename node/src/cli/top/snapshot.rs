//! What the nodes said at one moment.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::future::join_all;
use logothete_client::rpc::Method;
use logothete_client::rpc::method::{
    ConsensusStateMethod, MempoolStatsMethod, NodePeersMethod, NodeStatusMethod, NodeWhyMethod,
};
use logothete_client::rpc::types::{
    ConsensusState, Empty, MempoolStats, NodePeers, NodeStatus, NodeWhy,
};
use logothete_client::{Client, ClientError};
use logothete_primitives::Height;
use tokio::time::timeout;

/// A node that takes longer is shown as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Heights over which the pace is taken: five seconds.
const PACE_SAMPLES: usize = 10;

/// A node to ask.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) url: String,
    client: Client,
}

impl Node {
    pub(super) fn new(url: String) -> Result<Self, ClientError> {
        let client = Client::new(vec![url.clone()])?;
        Ok(Self { url, client })
    }
}

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// Each node: its address and what it answers.
    pub(super) nodes: Vec<Asked>,
    /// The one that is shown.
    pub(super) shown: usize,
    /// What only that one was asked.
    pub(super) details: Option<Details>,
    /// Its pace, once it is known.
    pub(super) blocks_per_second: Option<f64>,
}

/// A node and what it answers.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) status: Result<NodeStatus, String>,
}

/// More of one node.
#[derive(Clone, Debug)]
pub(super) struct Details {
    pub(super) why: NodeWhy,
    pub(super) consensus: ConsensusState,
    pub(super) mempool: MempoolStats,
    pub(super) peers: NodePeers,
}

impl Snapshot {
    /// Asks every node for its status, and the shown one for the rest.
    pub(super) async fn take(nodes: &[Node], shown: usize) -> Self {
        let asked = nodes.iter().map(|node| async move {
            let status = ask::<NodeStatusMethod>(&node.client).await;
            Asked { url: node.url.clone(), status }
        });
        let (nodes, details) = futures::join!(join_all(asked), details(nodes.get(shown)));
        Self { nodes, shown, details, blocks_per_second: None }
    }

    /// The status of the shown node, if it answers.
    pub(super) fn status(&self) -> Option<&NodeStatus> {
        self.nodes.get(self.shown)?.status.as_ref().ok()
    }

    /// The height of the shown node.
    pub(super) fn height(&self) -> Option<Height> {
        self.status().map(|status| status.height)
    }
}

async fn details(node: Option<&Node>) -> Option<Details> {
    let client = &node?.client;
    let (why, consensus, mempool, peers) = futures::join!(
        ask::<NodeWhyMethod>(client),
        ask::<ConsensusStateMethod>(client),
        ask::<MempoolStatsMethod>(client),
        ask::<NodePeersMethod>(client),
    );
    Some(Details {
        why: why.ok()?,
        consensus: consensus.ok()?,
        mempool: mempool.ok()?,
        peers: peers.ok()?,
    })
}

async fn ask<M: Method<Params = Empty>>(client: &Client) -> Result<M::Result, String> {
    match timeout(PATIENCE, client.call_once::<M>(Empty {})).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer in {PATIENCE:?}")),
    }
}

/// How fast a height rises.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seen: VecDeque<(Instant, Height)>,
}

impl Pace {
    /// Blocks a second over the last samples, this one included; none before the second.
    pub(super) fn of(&mut self, height: Option<Height>) -> Option<f64> {
        self.at(Instant::now(), height)
    }

    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    fn at(&mut self, now: Instant, height: Option<Height>) -> Option<f64> {
        let Some(height) = height else {
            self.seen.clear();
            return None;
        };
        self.seen.truncate(PACE_SAMPLES - 1);
        self.seen.push_front((now, height));
        let (then, earlier) = *self.seen.back()?;
        let seconds = now.duration_since(then).as_secs_f64();
        (seconds > 0.0).then(|| height.since(earlier) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_samples() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let mut at = |seconds: u64, height: u64| {
            pace.at(start + Duration::from_secs(seconds), Some(Height::new(height)))
        };
        assert_eq!(at(0, 100), None);
        assert_eq!(at(1, 104), Some(4.0));
        for second in 2..20 {
            at(second, 104);
        }
        assert_eq!(at(20, 104), Some(0.0));
        assert_eq!(pace.at(start, None), None);
    }
}
