//! The check of a proposed payload: its form, the batches it names, the state it attests.

use std::collections::BTreeSet;
use std::sync::Arc;

use logothete_consensus::{Block, Executed};
use logothete_ledger::batch::{BatchRef, Payload};
use logothete_primitives::codec;
use logothete_primitives::{BatchHash, Height};
use thiserror::Error;

use super::evidence::EvidenceRule;
use super::search::Search;

/// Why a payload is refused; one variant for each rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PayloadRule {
    /// The bytes are no payload.
    #[error("the payload does not decode: {0}")]
    Malformed(#[from] codec::CodecError),
    /// A batch is named twice, here or in an ancestor that is not final.
    #[error("batch {0} is named twice")]
    Repeated(BatchHash),
    /// Author, count or size of a batch are not what the batch itself says.
    #[error("batch {0} is not what the payload says of it")]
    Misdescribed(BatchHash),
    /// The attested result differs from ours.
    #[error("the attested result of height {height} differs from ours")]
    ExecutedDiffers {
        /// The height whose result is attested.
        height: Height,
    },
    /// Evidence that the payload may not record.
    #[error(transparent)]
    Evidence(#[from] EvidenceRule),
}

/// A payload on its way to a verdict.
#[derive(Debug)]
pub struct PayloadCheck {
    /// The block that carries the payload.
    pub block: Arc<Block>,
    /// What the payload names.
    pub references: Vec<BatchRef>,
    /// The search for batches that are not held yet.
    pub search: Search,
}

impl PayloadCheck {
    /// The attestation that must equal our own result.
    pub fn executed(&self) -> &Executed {
        &self.block.header.executed
    }
}

/// Decodes a payload and applies the rules that need no batch.
///
/// # Errors
/// The first [`PayloadRule`] that is broken.
pub(super) fn decode_payload(
    bytes: &[u8],
    taken: &BTreeSet<BatchHash>,
) -> Result<Payload, PayloadRule> {
    let payload = Payload::decode(bytes)?;
    let mut seen = BTreeSet::new();
    for reference in payload.batches.iter() {
        if taken.contains(&reference.hash) || !seen.insert(reference.hash) {
            return Err(PayloadRule::Repeated(reference.hash));
        }
    }
    Ok(payload)
}

/// The batches named by blocks; what does not decode names none (such a block never got our vote).
pub(super) fn batches_in(blocks: &[Arc<Block>]) -> BTreeSet<BatchHash> {
    blocks
        .iter()
        .filter_map(|block| Payload::decode(&block.payload).ok())
        .flat_map(|payload| payload.batches.into_inner())
        .map(|reference| reference.hash)
        .collect()
}
