//! The serving side of sync: answers from the store, bounded in bytes and in number.

use bytes::Bytes;
use logothete_p2p::Request;
use logothete_primitives::codec;
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_SYNC_RESPONSE_BYTES};
use logothete_primitives::{BatchHash, Height};
use logothete_primitives::{BoundedBytes, BoundedVec};
use tracing::{debug, warn};

use super::message::{MAX_BATCHES, MAX_BLOCKS, Range, SyncBlock, SyncRequest, SyncResponse, Tip};
use crate::chain::{Chain, ChainError, batch_hashes};
use crate::metrics::Metrics;

/// Room kept for the frame around the blocks and batches of an answer.
const ENVELOPE_BYTES: usize = 64 * 1024;
const BUDGET: usize = MAX_SYNC_RESPONSE_BYTES - ENVELOPE_BYTES;

type BatchList = BoundedVec<BoundedBytes<MAX_BATCH_BYTES>, MAX_BATCHES>;

/// Answers a request. A request that does not decode is declined by dropping it.
pub fn answer(chain: &Chain, metrics: &Metrics, request: Request) {
    let decoded = match codec::decode::<SyncRequest>(&request.bytes) {
        Ok(decoded) => decoded,
        Err(fault) => {
            debug!(event = "sync.request.malformed", peer = %request.from, %fault);
            return;
        }
    };
    match respond(chain, decoded) {
        Ok(response) => {
            let answer = codec::encode(&response);
            metrics.network.sent("sync", answer.len());
            // The peer may have gone; then the answer is of no use.
            let _ = request.respond.send(Bytes::from(answer));
        }
        Err(fault) => warn!(event = "sync.serve.failed", peer = %request.from, %fault),
    }
}

fn respond(chain: &Chain, request: SyncRequest) -> Result<SyncResponse, ChainError> {
    match request {
        SyncRequest::Tip => tip(chain).map(|tip| SyncResponse::Tip(Box::new(tip))),
        SyncRequest::Blocks { from, count } => blocks(chain, from, count),
        SyncRequest::Block(hash) => {
            Ok(chain.block_by_hash(&hash)?.map_or(SyncResponse::NotFound, |stored| {
                SyncResponse::Block(Box::new(SyncBlock { block: stored.block, qc: stored.qc }))
            }))
        }
        SyncRequest::Batches(hashes) => {
            let mut list = BatchListBuilder::new(BUDGET);
            for hash in hashes.iter() {
                if !list.push(chain, hash)? {
                    break;
                }
            }
            Ok(SyncResponse::Batches(list.finish()))
        }
    }
}

fn tip(chain: &Chain) -> Result<Tip, ChainError> {
    let genesis = || Tip { header: chain.genesis().header.clone(), cc: None };
    let committed = chain.store().committed_height();
    if committed == Height::ZERO {
        return Ok(genesis());
    }
    match chain.commit_certificate(committed)? {
        Some((height, cc)) => {
            Ok(Tip { header: chain.expect_block(height)?.block.header, cc: Some(cc) })
        }
        None => Ok(genesis()),
    }
}

/// Consecutive blocks from `from` on, cut where a certificate names the last one if there is such a place.
fn blocks(chain: &Chain, from: Height, count: u32) -> Result<SyncResponse, ChainError> {
    let wanted = usize::try_from(count).unwrap_or(MAX_BLOCKS).clamp(1, MAX_BLOCKS);
    let mut blocks = Vec::new();
    let mut size = 0;
    let mut height = from;
    while blocks.len() < wanted {
        let Some(stored) = chain.block(height)? else { break };
        let entry = SyncBlock { block: stored.block, qc: stored.qc };
        size += codec::encode(&entry).len();
        if size > BUDGET && !blocks.is_empty() {
            break;
        }
        blocks.push(entry);
        height = height.next();
    }
    let cc = certify(chain, &mut blocks)?;
    if blocks.is_empty() {
        return Ok(SyncResponse::NotFound);
    }
    let mut list = BatchListBuilder::new(BUDGET.saturating_sub(size));
    'fill: for entry in &blocks {
        for hash in batch_hashes(&entry.block) {
            if !list.push(chain, &hash)? {
                break 'fill;
            }
        }
    }
    let blocks = BoundedVec::try_from(blocks).expect("at most MAX_BLOCKS blocks were collected");
    Ok(SyncResponse::Blocks(Box::new(Range { blocks, cc, batches: list.finish() })))
}

/// Cuts the blocks behind the highest one that a certificate names and returns that certificate. Blocks without
/// any certificate among them stay whole: the requester joins them with the next answer.
fn certify(
    chain: &Chain,
    blocks: &mut Vec<SyncBlock>,
) -> Result<Option<logothete_consensus::CommitCert>, ChainError> {
    for keep in (1..=blocks.len()).rev() {
        let height = blocks[keep - 1].block.header.height;
        if let Some((named, cc)) = chain.commit_certificate(height)?
            && named == height
        {
            blocks.truncate(keep);
            return Ok(Some(cc));
        }
    }
    Ok(None)
}

struct BatchListBuilder {
    list: Vec<BoundedBytes<MAX_BATCH_BYTES>>,
    left: usize,
}

impl BatchListBuilder {
    fn new(budget: usize) -> Self {
        Self { list: Vec::new(), left: budget }
    }

    /// Adds a batch; `false` when it no longer fits. A batch that is not held is left out.
    fn push(&mut self, chain: &Chain, hash: &BatchHash) -> Result<bool, ChainError> {
        let Some(bytes) = chain.store().batch(hash)? else { return Ok(true) };
        let Ok(bytes) = BoundedBytes::try_from(bytes) else { return Ok(true) };
        if bytes.len() > self.left || self.list.len() == MAX_BATCHES {
            return Ok(false);
        }
        self.left -= bytes.len();
        self.list.push(bytes);
        Ok(true)
    }

    fn finish(self) -> BatchList {
        BoundedVec::try_from(self.list).expect("at most MAX_BATCHES batches were collected")
    }
}
