//! Evidence of equivocation.

use logothete_consensus::{Equivocation, Kind};
use logothete_primitives::{BlockHash, Epoch, Height, PublicKey, Signature, TimestampMs, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{HexBytes, ValidatorRef};

/// The kind of message of which a validator signed two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffenceKind {
    /// Two blocks proposed in one view.
    Proposal,
    /// Two prepare votes in one view.
    PrepareVote,
    /// Two commit votes in one view.
    CommitVote,
    /// Two timeouts of one view that claim different certificates.
    Timeout,
}

/// A proof, recorded in the chain, that a validator signed two messages of which an honest one signs one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceView {
    /// Who signed both.
    pub validator: ValidatorRef,
    /// Its key.
    pub key: PublicKey,
    /// Of which kind they are.
    pub kind: OffenceKind,
    /// The epoch of both.
    pub epoch: Epoch,
    /// The view of both.
    pub view: View,
    /// What the one says.
    pub first: SignedClaim,
    /// What the other says.
    pub second: SignedClaim,
    /// Height of the block that records it.
    pub height: Height,
    /// Hash of that block.
    pub block: BlockHash,
    /// Time of that block.
    pub timestamp: TimestampMs,
    /// The proof itself, in its canonical encoding: enough to check both signatures.
    pub evidence: HexBytes,
}

/// One of two messages that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedClaim {
    /// The block it is for; absent for timeouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockHash>,
    /// View of the highest certificate it claims; timeouts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_qc_view: Option<View>,
    /// The signature.
    pub signature: Signature,
}

impl SignedClaim {
    /// What both messages of a proof say, the one seen first before the other.
    #[must_use]
    pub fn both(evidence: &Equivocation) -> [Self; 2] {
        let on_block =
            |block, signature| Self { block: Some(block), high_qc_view: None, signature };
        match evidence {
            Equivocation::Proposal { first, second } => {
                [first, second].map(|m| on_block(m.header.hash(), m.signature))
            }
            Equivocation::PrepareVote { first, second } => {
                [first, second].map(|m| on_block(m.block, m.signature))
            }
            Equivocation::CommitVote { first, second } => {
                [first, second].map(|m| on_block(m.block, m.signature))
            }
            Equivocation::Timeout { first, second } => [first, second].map(|m| Self {
                block: None,
                high_qc_view: Some(m.qc_view),
                signature: m.signature,
            }),
        }
    }
}

impl From<Kind> for OffenceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Proposal => Self::Proposal,
            Kind::PrepareVote => Self::PrepareVote,
            Kind::CommitVote => Self::CommitVote,
            Kind::Timeout => Self::Timeout,
        }
    }
}
