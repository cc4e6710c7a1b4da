//! One round of sync: from our final height to the best proven tip, over several peers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use logothete_consensus::{CommitCert, Verified};
use logothete_p2p::{Network, PeerFault, RequestError};
use logothete_primitives::codec;
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_BATCHES_PER_BLOCK};
use logothete_primitives::{BatchHash, BoundedBytes, BoundedVec};
use logothete_primitives::{BlockHash, Height, PublicKey};
use tracing::{info, warn};

use super::message::{MAX_BLOCKS, SyncRequest, SyncResponse};
use super::range::{Checks, RangeFault, VerifiedRange, verify_range, verify_tip};
use super::sources::Sources;
use crate::chain::StoredBlock;
use crate::dissemination::HeldBatch;
use crate::metrics::Metrics;
use crate::workers::Workers;

/// Blocks asked for in one request.
const BLOCKS_PER_REQUEST: u32 = 32;
/// Requests in flight, over all peers.
const WINDOW: usize = 8;
/// Blocks fetched but not yet covered by a certificate before the round gives up.
const UNCERTIFIED_MAX: usize = 16 * MAX_BLOCKS;

/// Final blocks on their way to the driver: oldest first, the certificate names the last.
#[derive(Debug)]
pub struct Synced {
    /// The blocks.
    pub blocks: Vec<StoredBlock>,
    /// All batches that they name.
    pub batches: Vec<Arc<HeldBatch>>,
    /// Makes the last block, and so all of them, final.
    pub cc: Verified<CommitCert>,
}

/// Why a fetch brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The peer did not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The peer answered with a lie.
    #[error(transparent)]
    Lie(#[from] RangeFault),
    /// The peer does not have what its tip promises.
    #[error("the peer does not have the blocks that its tip promises")]
    Withheld,
}

/// What every part of sync needs.
#[derive(Clone)]
pub struct Toolbox {
    /// The network.
    pub network: Arc<dyn Network>,
    /// What answers are checked against.
    pub checks: Checks,
    /// Where checks run.
    pub workers: Workers,
    /// Figures.
    pub metrics: Metrics,
}

impl Toolbox {
    async fn ask(
        &self,
        peer: PublicKey,
        request: &SyncRequest,
    ) -> Result<SyncResponse, FetchError> {
        let frame = Bytes::from(codec::encode(request));
        let answer = self.network.request(&peer, frame).await?;
        self.metrics.network.received("sync", answer.len());
        Ok(codec::decode(&answer).map_err(RangeFault::from)?)
    }

    /// Asks a peer for its newest final block and checks the proof.
    pub async fn tip(&self, peer: PublicKey) -> Result<Height, FetchError> {
        match self.ask(peer, &SyncRequest::Tip).await? {
            SyncResponse::Tip(tip) => Ok(verify_tip(&self.checks, *tip)?),
            _ => Err(RangeFault::WrongAnswer.into()),
        }
    }

    /// Asks a peer for a block that need not be final.
    pub async fn block(&self, peer: PublicKey, hash: BlockHash) -> Result<StoredBlock, FetchError> {
        match self.ask(peer, &SyncRequest::Block(hash)).await? {
            SyncResponse::Block(entry) if entry.block.hash() == hash => {
                Ok(StoredBlock { hash, block: entry.block, qc: entry.qc })
            }
            SyncResponse::NotFound => Err(FetchError::Withheld),
            _ => Err(RangeFault::WrongAnswer.into()),
        }
    }

    /// Asks a peer for batches; it sends those that it holds and that fit.
    pub async fn batches(
        &self,
        peer: PublicKey,
        wanted: BoundedVec<BatchHash, MAX_BATCHES_PER_BLOCK>,
    ) -> Result<Vec<BoundedBytes<MAX_BATCH_BYTES>>, FetchError> {
        match self.ask(peer, &SyncRequest::Batches(wanted)).await? {
            SyncResponse::Batches(batches) => Ok(batches.into_inner()),
            _ => Err(RangeFault::WrongAnswer.into()),
        }
    }

    async fn range(
        self,
        peer: PublicKey,
        from: Height,
        count: u32,
    ) -> Result<VerifiedRange, FetchError> {
        let range = match self.ask(peer, &SyncRequest::Blocks { from, count }).await? {
            SyncResponse::Blocks(range) => *range,
            SyncResponse::NotFound => return Err(FetchError::Withheld),
            _ => return Err(RangeFault::WrongAnswer.into()),
        };
        let checks = self.checks.clone();
        let verify = move || verify_range(&checks, (peer, from), range);
        let mut verified = self.workers.run(verify).await?;
        while !verified.missing.is_empty() {
            verified = self.complete(peer, verified).await?;
        }
        Ok(verified)
    }

    /// Fetches some of the batches that did not fit into the answer. Each call makes progress or fails.
    async fn complete(
        &self,
        peer: PublicKey,
        mut verified: VerifiedRange,
    ) -> Result<VerifiedRange, FetchError> {
        let wanted: Vec<_> = verified.missing.iter().take(MAX_BATCHES_PER_BLOCK).copied().collect();
        let before = verified.missing.len();
        let wanted = BoundedVec::try_from(wanted).expect("cut to the limit above");
        let batches = self.batches(peer, wanted).await?;
        let rules = self.checks.rules.clone();
        let verified = self
            .workers
            .run(move || {
                verified.add_batches(&rules, batches.iter().map(|bytes| &bytes[..]))?;
                Ok::<_, RangeFault>(verified)
            })
            .await?;
        if verified.missing.len() == before { Err(FetchError::Withheld) } else { Ok(verified) }
    }
}

struct Fetched {
    peer: PublicKey,
    from: Height,
    count: u32,
    result: Result<VerifiedRange, FetchError>,
}

/// The state of one round.
pub struct Round {
    tools: Toolbox,
    sources: Sources,
    target: Height,
    /// Heights to ask for: first height and how many.
    wanted: BTreeMap<Height, u32>,
    in_flight: FuturesUnordered<BoxFuture<'static, Fetched>>,
    /// Checked ranges that wait for those before them.
    arrived: BTreeMap<Height, VerifiedRange>,
    /// Ranges in order that wait for a certificate.
    uncertified: Vec<VerifiedRange>,
    next: Height,
    /// Hash of the block before `next`.
    link: BlockHash,
}

impl Round {
    /// A round from the final block `link` at `height` to the best tip among `sources`.
    pub fn new(tools: Toolbox, sources: Sources, height: Height, link: BlockHash) -> Self {
        let target = sources.best().unwrap_or(height);
        let mut wanted = BTreeMap::new();
        let mut from = height.next();
        while from <= target {
            let left = u32::try_from(target.since(from) + 1).unwrap_or(u32::MAX);
            let count = left.min(BLOCKS_PER_REQUEST);
            wanted.insert(from, count);
            from = from.plus(u64::from(count));
        }
        Self {
            tools,
            sources,
            target,
            wanted,
            in_flight: FuturesUnordered::new(),
            arrived: BTreeMap::new(),
            uncertified: Vec::new(),
            next: height.next(),
            link,
        }
    }

    /// The height this round works towards.
    pub fn target(&self) -> Height {
        self.target
    }

    /// How many peers still serve this round.
    pub fn peers(&self) -> usize {
        self.sources.count()
    }

    /// The next final blocks, in order; `None` when the round is over.
    pub async fn next(&mut self) -> Option<Synced> {
        loop {
            if let Some(synced) = self.assemble() {
                return Some(synced);
            }
            self.dispatch();
            let fetched = self.in_flight.next().await?;
            self.on_fetched(fetched);
        }
    }

    fn dispatch(&mut self) {
        while self.in_flight.len() < WINDOW && self.arrived.len() < 2 * WINDOW {
            let Some((from, count)) = self.wanted.first_key_value().map(|(k, v)| (*k, *v)) else {
                return;
            };
            let last = from.plus(u64::from(count) - 1).min(self.target);
            let Some(peer) = self.sources.take(last).or_else(|| self.sources.take(from)) else {
                return;
            };
            self.wanted.remove(&from);
            let tools = self.tools.clone();
            self.in_flight.push(Box::pin(async move {
                let result = tools.range(peer, from, count).await;
                Fetched { peer, from, count, result }
            }));
        }
    }

    fn on_fetched(&mut self, fetched: Fetched) {
        let Fetched { peer, from, count, result } = fetched;
        match result {
            Ok(range) => {
                self.sources.served(&peer);
                let got = u32::try_from(range.blocks.len()).unwrap_or(count);
                if got < count {
                    self.wanted.insert(from.plus(u64::from(got)), count - got);
                }
                self.arrived.insert(from, range);
            }
            Err(error) => {
                self.wanted.insert(from, count);
                self.blame(&peer, &error);
            }
        }
    }

    fn blame(&mut self, peer: &PublicKey, error: &FetchError) {
        match error {
            FetchError::Lie(fault) => {
                warn!(event = "sync.peer.lied", %peer, %fault);
                self.sources.remove(peer);
                self.tools.network.report(peer, PeerFault::Lied);
            }
            FetchError::Withheld => {
                warn!(event = "sync.peer.withheld", %peer);
                self.sources.remove(peer);
                self.tools.network.report(peer, PeerFault::Useless);
            }
            FetchError::Request(RequestError::Deadline) => {
                if self.sources.slow(peer) {
                    warn!(event = "sync.peer.slow", %peer);
                    self.tools.network.report(peer, PeerFault::Slow);
                }
            }
            FetchError::Request(reason) => {
                info!(event = "sync.peer.lost", %peer, %reason);
                self.sources.remove(peer);
            }
        }
    }

    /// Joins what has arrived in order; hands out everything up to the last certificate.
    fn assemble(&mut self) -> Option<Synced> {
        while let Some(range) = self.arrived.remove(&self.next) {
            if range.parent() != self.link {
                self.settle_contradiction(range);
                continue;
            }
            self.link = range.last_hash();
            self.next = range.last().next();
            let certified = range.cc.is_some();
            self.uncertified.push(range);
            if certified {
                return self.hand_out();
            }
            if self.uncertified.iter().map(|r| r.blocks.len()).sum::<usize>() > UNCERTIFIED_MAX {
                warn!(event = "sync.round.uncertified", from = %self.next);
                self.wanted.clear();
                self.uncertified.clear();
            }
        }
        None
    }

    fn hand_out(&mut self) -> Option<Synced> {
        let ranges = std::mem::take(&mut self.uncertified);
        let (mut blocks, mut batches, mut cc) = (Vec::new(), Vec::new(), None);
        for range in ranges {
            blocks.extend(range.blocks);
            batches.extend(range.batches.into_values());
            cc = range.cc;
        }
        Some(Synced { blocks, batches, cc: cc? })
    }

    /// A range does not continue the one before it. What a certificate vouches for is right, so the blame is on
    /// the uncertified side; when both are uncertified, nobody is believed and both are fetched again.
    fn settle_contradiction(&mut self, range: VerifiedRange) {
        if range.cc.is_none() || self.uncertified.is_empty() {
            self.discard(&range);
        } else {
            self.arrived.insert(range.first(), range);
        }
        for suspect in std::mem::take(&mut self.uncertified).into_iter().rev() {
            self.next = suspect.first();
            self.link = suspect.parent();
            self.discard(&suspect);
        }
    }

    fn discard(&mut self, range: &VerifiedRange) {
        let fault = FetchError::Lie(RangeFault::Contradicted(range.first()));
        self.blame(&range.peer, &fault);
        let count = u32::try_from(range.blocks.len()).unwrap_or(BLOCKS_PER_REQUEST);
        self.wanted.insert(range.first(), count);
    }
}
