//! The exact bytes under every signature: tag, chain id, then the body below (`docs/wire.md`).
//!
//! All bodies are fixed-width little-endian and have one length per tag.

use alloc::vec::Vec;

use logothete_primitives::codec::{Encode, encode};
use logothete_primitives::{BlockHash, ChainId, Epoch, Height, View, domain, signing_message};

use crate::certificate::QuorumCert;
use crate::message::PrepareVote;

/// What a prepare vote says: `epoch u64, view u64, block 32, height u64, parent view u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode)]
pub struct PrepareBody {
    /// The epoch of the signer.
    pub epoch: Epoch,
    /// The view of the block.
    pub view: View,
    /// The block.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// The view of its parent.
    pub parent_view: View,
}

impl PrepareBody {
    /// The bytes to sign.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        signing_message(domain::PREPARE_VOTE, chain, &encode(self))
    }
}

impl From<&PrepareVote> for PrepareBody {
    fn from(v: &PrepareVote) -> Self {
        Self {
            epoch: v.epoch,
            view: v.view,
            block: v.block,
            height: v.height,
            parent_view: v.parent_view,
        }
    }
}

impl From<&QuorumCert> for PrepareBody {
    fn from(qc: &QuorumCert) -> Self {
        Self {
            epoch: qc.epoch,
            view: qc.view,
            block: qc.block,
            height: qc.height,
            parent_view: qc.parent_view,
        }
    }
}

/// Bytes of a commit vote: `epoch u64, view u64, block 32`.
#[must_use]
pub fn commit_message(chain: &ChainId, epoch: Epoch, view: View, block: &BlockHash) -> Vec<u8> {
    signing_message(domain::COMMIT_VOTE, chain, &encode(&(epoch, view, *block)))
}

/// Bytes of a proposal: `epoch u64, view u64, block 32`. The header is covered by its hash.
#[must_use]
pub fn proposal_message(chain: &ChainId, epoch: Epoch, view: View, block: &BlockHash) -> Vec<u8> {
    signing_message(domain::PROPOSAL, chain, &encode(&(epoch, view, *block)))
}

/// Bytes of a timeout: `epoch u64, view u64, view of the highest QC u64`.
#[must_use]
pub fn timeout_message(chain: &ChainId, epoch: Epoch, view: View, qc_view: View) -> Vec<u8> {
    signing_message(domain::TIMEOUT, chain, &encode(&(epoch, view, qc_view)))
}

/// Bytes of a statement: `epoch u64, nonce 32, view u64`.
#[must_use]
pub fn statement_message(chain: &ChainId, epoch: Epoch, nonce: &[u8; 32], view: View) -> Vec<u8> {
    signing_message(domain::STATEMENT, chain, &encode(&(epoch, *nonce, view)))
}
