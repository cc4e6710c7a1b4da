//! Proofs that lead from a transaction or a receipt up to what a certified block header commits to.
//!
//! ```text
//! transaction ── hash ── Merkle path ── batch header ── payload ── header.payload          (InclusionProof)
//! receipt ────── leaf ── Merkle path ── header.executed.receipts_root of a later block     (ReceiptProof)
//! ```

use logothete_primitives::bounded::BoundedBytes;
use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::hash::Digest;
use logothete_primitives::identifiers::{PayloadHash, ReceiptsRoot, TxHash};
use logothete_primitives::limits::MAX_PAYLOAD_BYTES;
use logothete_primitives::merkle::{self, MerkleProof};
use thiserror::Error;

use crate::batch::{BatchHeader, Payload};
use crate::receipt::Receipt;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The payload is not the one that the header commits to.
    #[error("the payload does not hash to the header's payload hash")]
    Payload,
    /// The payload's bytes are not a payload.
    #[error("the payload does not decode")]
    MalformedPayload,
    /// The payload does not name the batch.
    #[error("the payload does not name the batch at position {batch}")]
    Batch {
        /// Position that the proof claims.
        batch: u32,
    },
    /// The path does not lead from the leaf to the root.
    #[error("the Merkle path does not lead to the root")]
    Path,
}

impl ProofError {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Payload => "PROOF_PAYLOAD",
            Self::MalformedPayload => "PROOF_PAYLOAD_MALFORMED",
            Self::Batch { .. } => "PROOF_BATCH",
            Self::Path => "PROOF_PATH",
        }
    }
}

/// Shows that a block orders a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InclusionProof {
    /// What the hash of the batch covers.
    pub header: BatchHeader,
    /// From the transaction's hash to the root of the batch.
    pub path: MerkleProof,
    /// Position of the batch in the payload.
    pub batch: u32,
    /// The block's payload.
    pub payload: BoundedBytes<MAX_PAYLOAD_BYTES>,
}

impl InclusionProof {
    /// Proves the transaction at `index` of a batch that `payload` names; `None` when it does not.
    pub fn build(
        header: &BatchHeader,
        hashes: &[TxHash],
        index: usize,
        payload: &Payload,
    ) -> Option<Self> {
        let leaves: Vec<Digest> = hashes.iter().map(|hash| hash.digest()).collect();
        let hash = header.hash();
        let batch = payload.batches.iter().position(|reference| reference.hash == hash)?;
        Some(Self {
            header: *header,
            path: merkle::prove(&leaves, index)?,
            batch: u32::try_from(batch).ok()?,
            payload: payload.encode().try_into().ok()?,
        })
    }

    /// Checks that the block with this payload hash orders the transaction.
    ///
    /// # Errors
    /// The step of the proof that does not hold.
    pub fn verify(&self, tx: &TxHash, payload: &PayloadHash) -> Result<(), ProofError> {
        if Payload::hash_of(&self.payload) != *payload {
            return Err(ProofError::Payload);
        }
        let decoded = Payload::decode(&self.payload).map_err(|_| ProofError::MalformedPayload)?;
        let missing = ProofError::Batch { batch: self.batch };
        let position = usize::try_from(self.batch).map_err(|_| missing)?;
        let reference = decoded.batches.get(position).ok_or(missing)?;
        if self.header.hash() != reference.hash {
            return Err(missing);
        }
        if self.path.count != self.header.count
            || !self.path.verify(&tx.digest(), &self.header.root)
        {
            return Err(ProofError::Path);
        }
        Ok(())
    }
}

/// Shows that the certified results of a height contain a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptProof {
    /// From the receipt to the receipts root.
    pub path: MerkleProof,
}

impl ReceiptProof {
    /// Proves the receipt at `position` among the receipts of its block; `None` when there is none.
    pub fn build<'a>(
        receipts: impl IntoIterator<Item = &'a Receipt>,
        position: usize,
    ) -> Option<Self> {
        let leaves: Vec<Digest> = receipts.into_iter().map(Receipt::leaf).collect();
        Some(Self { path: merkle::prove(&leaves, position)? })
    }

    /// Checks that the receipt lies under the root.
    ///
    /// # Errors
    /// When the path does not lead there.
    pub fn verify(&self, receipt: &Receipt, root: &ReceiptsRoot) -> Result<(), ProofError> {
        if self.path.verify(&receipt.leaf(), &root.digest()) {
            Ok(())
        } else {
            Err(ProofError::Path)
        }
    }
}
