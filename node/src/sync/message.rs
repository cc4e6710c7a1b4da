//! What nodes ask one another on the sync lane.

use logothete_consensus::{Block, BlockHeader, CommitCert, QuorumCert};
use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_BATCHES_PER_BLOCK};
use logothete_primitives::{BatchHash, BlockHash, Height};
use logothete_primitives::{BoundedBytes, BoundedVec};

/// Most blocks in one answer.
pub(super) const MAX_BLOCKS: usize = 256;
/// Most batches in one answer, however many bytes are left.
pub(super) const MAX_BATCHES: usize = 1_024;

/// A request. The server bounds every answer by bytes, so an answer may hold less than was asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SyncRequest {
    /// The newest final block.
    Tip,
    /// Final blocks from a height on, at most `count`.
    Blocks {
        /// First height.
        from: Height,
        /// Most blocks wanted.
        count: u32,
    },
    /// One block that need not be final yet.
    Block(BlockHash),
    /// Batches by hash.
    Batches(BoundedVec<BatchHash, MAX_BATCHES_PER_BLOCK>),
}

/// The newest final block of the answering node. The certificate proves the header, the header the height.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Tip {
    /// Header of the block that the certificate names.
    pub header: BlockHeader,
    /// Its commit certificate; `None` at genesis.
    pub cc: Option<CommitCert>,
}

/// A block with the certificate for its parent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncBlock {
    /// The block.
    pub block: Block,
    /// The certificate that it was proposed on.
    pub qc: QuorumCert,
}

/// Consecutive final blocks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Range {
    /// The blocks, by ascending height.
    pub blocks: BoundedVec<SyncBlock, MAX_BLOCKS>,
    /// The certificate that makes the last block final, if that very block has one.
    pub cc: Option<CommitCert>,
    /// Batches of these blocks, as many as fit.
    pub batches: BoundedVec<BoundedBytes<MAX_BATCH_BYTES>, MAX_BATCHES>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SyncResponse {
    /// The answer to [`SyncRequest::Tip`].
    Tip(Box<Tip>),
    /// The answer to [`SyncRequest::Blocks`].
    Blocks(Box<Range>),
    /// The answer to [`SyncRequest::Block`].
    Block(Box<SyncBlock>),
    /// The answer to [`SyncRequest::Batches`]: those that are held and fit.
    Batches(BoundedVec<BoundedBytes<MAX_BATCH_BYTES>, MAX_BATCHES>),
    /// The server does not have what was asked for.
    NotFound,
}
