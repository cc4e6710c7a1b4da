//! Sync: how a node that lags, was cut off, restarted or wiped comes back by itself.
//!
//! There is no mode that is entered once. The task learns the proven tips of its peers whenever the driver saw a
//! certificate that is ahead of it, and from time to time anyway; if one is ahead of our final height it fetches
//! what lies between, several peers at once, and hands certified blocks to the driver, which treats them like any
//! others. So a node follows the tip and catches up by the same path, again and again.

mod message;
mod range;
mod round;
mod serve;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use logothete_p2p::PeerFault;
use logothete_primitives::{BlockHash, Height};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

pub use message::{Range, SyncBlock, SyncRequest, SyncResponse, Tip};
pub use range::{Checks, RangeFault, VerifiedRange, verify_range, verify_tip};
pub use round::{FetchError, Round, Synced, Toolbox};
pub use serve::answer;
pub use sources::Sources;

use crate::executor::READY_MAX;
use crate::head::Head;
use crate::supervise::Pulse;

/// How often tips are asked for when nothing hints that we lag.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long the driver may take to make handed-over blocks final before the round is given up.
const PROGRESS_LIMIT: Duration = Duration::from_secs(20);

/// What sync is doing, for `node_status` and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// Whether blocks are being fetched.
    pub active: bool,
    /// Final height when the present or last round began.
    pub from: Height,
    /// The highest proven tip of any peer.
    pub target: Height,
    /// Peers that serve the round.
    pub peers: usize,
    /// Blocks handed over since the node started.
    pub blocks: u64,
    /// Rounds that fetched something since the node started.
    pub rounds: u64,
}

/// Our newest final block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

/// The channels between sync and the driver.
pub struct Wiring {
    /// Our newest final block, as the driver knows it.
    pub committed: watch::Receiver<Committed>,
    /// What is executed.
    pub head: watch::Receiver<Head>,
    /// Rises whenever the driver saw a certificate that it cannot connect.
    pub hint: watch::Receiver<u64>,
    /// Takes the fetched blocks.
    pub output: mpsc::Sender<Synced>,
    /// Where the status is published.
    pub status: watch::Sender<SyncStatus>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// No peer is ahead of us.
    Level,
    /// A peer is ahead of us, and nothing was fetched.
    Behind,
    /// Blocks were fetched.
    Fetched,
}

/// The sync task.
pub struct Sync {
    tools: Toolbox,
    wiring: Wiring,
    pulse: Arc<Pulse>,
    /// How far behind the best tip consensus closes the gap by itself, so that no round is needed.
    tolerance: u64,
}

impl Sync {
    /// A task that leaves gaps of up to `tolerance` blocks to consensus.
    pub fn new(tools: Toolbox, wiring: Wiring, pulse: Arc<Pulse>, tolerance: u64) -> Self {
        Self { tools, wiring, pulse, tolerance }
    }

    /// Runs until the driver is gone.
    pub async fn run(mut self) {
        let mut urgent = true;
        loop {
            let before = self.wiring.committed.borrow().height;
            let outcome = self.round(urgent).await;
            if self.wiring.output.is_closed() {
                return;
            }
            urgent = outcome == Outcome::Fetched;
            if urgent {
                continue;
            }
            tokio::select! {
                biased;
                changed = self.wiring.hint.changed() => match changed {
                    Ok(()) => urgent = true,
                    Err(_) => return,
                },
                () = tokio::time::sleep(POLL_INTERVAL) => {
                    // Consensus was left to close the gap and did not: do it here.
                    let still = self.wiring.committed.borrow().height == before;
                    urgent = outcome == Outcome::Behind && still;
                }
            }
        }
    }

    /// Fetches what lies between us and the best tip. Unless it is urgent, a small gap is left to consensus.
    async fn round(&mut self, urgent: bool) -> Outcome {
        self.wiring.hint.mark_unchanged();
        let sources = self.tips().await;
        let committed = *self.wiring.committed.borrow();
        let Some(best) = sources.best() else { return Outcome::Level };
        let lag = best.since(committed.height);
        self.publish(|status| status.target = best);
        if lag == 0 {
            return Outcome::Level;
        }
        if !urgent && lag <= self.tolerance {
            return Outcome::Behind;
        }
        info!(event = "sync.started", height = %committed.height, target = %best, peers = sources.count());
        let mut round = Round::new(self.tools.clone(), sources, committed.height, committed.hash);
        let peers = round.peers();
        self.publish(|status| {
            status.active = true;
            status.from = committed.height;
            status.peers = peers;
            status.rounds += 1;
        });
        let reached = self.hand_over(&mut round, committed.height).await;
        self.publish(|status| status.active = false);
        info!(event = "sync.ended", height = %reached, target = %best);
        if reached > committed.height { Outcome::Fetched } else { Outcome::Behind }
    }

    /// Gives the fetched blocks to the driver and waits until they are final.
    async fn hand_over(&mut self, round: &mut Round, start: Height) -> Height {
        let mut reached = start;
        while let Some(synced) = round.next().await {
            let count = synced.blocks.len();
            let last = synced.blocks.last().map_or(reached, |stored| stored.block.header.height);
            self.wait_for_execution(last).await;
            let _busy = self.pulse.busy();
            if self.wiring.output.send(synced).await.is_err() {
                return reached;
            }
            reached = last;
            let peers = round.peers();
            self.publish(|status| {
                status.blocks += count as u64;
                status.peers = peers;
            });
        }
        let done = self.wiring.committed.wait_for(|committed| committed.height >= reached);
        match tokio::time::timeout(PROGRESS_LIMIT, done).await {
            Ok(Ok(committed)) => committed.height,
            Ok(Err(_)) => start,
            Err(_) => {
                warn!(event = "sync.unconfirmed", height = %reached);
                start
            }
        }
    }

    /// Waits until the executor has room for the blocks up to `last`: what it cannot keep ready is read and decoded
    /// once more when it comes to it, by itself alone.
    async fn wait_for_execution(&mut self, last: Height) {
        let room = self.wiring.head.wait_for(|head| last.since(head.height) <= READY_MAX.into());
        if tokio::time::timeout(PROGRESS_LIMIT, room).await.is_err() {
            warn!(event = "sync.execution.slow", height = %last);
        }
    }

    /// Asks every connected peer for its tip. A peer whose proof does not hold is reported, not believed.
    async fn tips(&self) -> Sources {
        let asked = self.tools.network.peers().into_iter().map(|peer| {
            let tools = self.tools.clone();
            async move { (peer.key, tools.tip(peer.key).await) }
        });
        let mut sources = Sources::default();
        for (peer, tip) in join_all(asked).await {
            match tip {
                Ok(height) => sources.insert(peer, height),
                Err(FetchError::Lie(fault)) => {
                    warn!(event = "sync.tip.refused", %peer, %fault);
                    self.tools.network.report(&peer, PeerFault::Lied);
                }
                Err(reason) => debug!(event = "sync.tip.missing", %peer, %reason),
            }
        }
        sources
    }

    fn publish(&self, change: impl FnOnce(&mut SyncStatus)) {
        self.wiring.status.send_modify(change);
    }
}
