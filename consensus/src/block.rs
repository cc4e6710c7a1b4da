//! A block: its header is what is hashed and certified, its payload is opaque to consensus.

use logothete_primitives::codec::{Decode, Encode, encode};
use logothete_primitives::limits::MAX_PAYLOAD_BYTES;
use logothete_primitives::{
    BlockHash, BoundedBytes, ChainId, Digest, Epoch, Height, PayloadHash, ReceiptsRoot, StateRoot,
    TimestampMs, ValidatorIndex, View, domain, hash,
};

/// What the proposer attests about execution, which runs behind ordering.
///
/// Voters compare it with their own result before they vote, so a certificate proves state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Executed {
    /// The height whose results these are; never above the parent's height, never below the
    /// height the parent attested.
    pub height: Height,
    /// Root of the state tree after executing `height`.
    pub state_root: StateRoot,
    /// Root of the receipts of `height`.
    pub receipts_root: ReceiptsRoot,
}

/// The part of a block that is hashed, voted on and kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BlockHeader {
    /// The validator set that orders this block.
    pub epoch: Epoch,
    /// The view in which it was proposed.
    pub view: View,
    /// Its position in the chain: one more than the parent's.
    pub height: Height,
    /// Hash of the parent's header.
    pub parent: BlockHash,
    /// View of the parent, which is the view of the certificate that justifies this block.
    pub parent_view: View,
    /// The proposer's clock, later than the parent's and within the drift of the voters' clocks.
    pub timestamp: TimestampMs,
    /// Who proposed it.
    pub proposer: ValidatorIndex,
    /// Hash of the payload.
    pub payload: PayloadHash,
    /// Results of execution known to the proposer.
    pub executed: Executed,
    /// R9: the next validator set. Always `None` for now and refused otherwise.
    pub next_set: Option<Digest>,
}

impl BlockHeader {
    /// The header every chain starts from. Its payload is the chain id, so that the hash differs
    /// from chain to chain.
    #[must_use]
    pub fn genesis(chain: ChainId, timestamp: TimestampMs, executed: Executed) -> Self {
        Self {
            epoch: Epoch::ZERO,
            view: View::ZERO,
            height: Height::ZERO,
            parent: BlockHash::ZERO,
            parent_view: View::ZERO,
            timestamp,
            proposer: ValidatorIndex::new(0),
            payload: payload_hash(chain.digest().as_bytes()),
            executed,
            next_set: None,
        }
    }

    /// The name of the block.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        BlockHash::new(hash(domain::BLOCK, &encode(self)))
    }
}

/// Hash of a payload, as a header names it.
#[must_use]
pub fn payload_hash(payload: &[u8]) -> PayloadHash {
    PayloadHash::new(hash(domain::PAYLOAD, payload))
}

/// A header with the body it names.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// What is hashed and certified.
    pub header: BlockHeader,
    /// What the application ordered: opaque here, its hash is `header.payload`.
    pub payload: BoundedBytes<MAX_PAYLOAD_BYTES>,
}

impl Block {
    /// The hash of the header. It covers the body only through [`Block::body_matches`].
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// Whether the body is the one the header names; a bad body never speaks for a good header.
    #[must_use]
    pub fn body_matches(&self) -> bool {
        payload_hash(&self.payload) == self.header.payload
    }
}
