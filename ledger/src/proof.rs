//! Proofs that lead from a transaction or a receipt up to what a certified block header commits to.
//!
//! ```text
//! transaction ── hash ── Merkle path ── batch header ── payload ── header.payload          (InclusionProof)
//! receipt ────── leaf ── Merkle path ── block root ── accumulated ── header.executed.receipts_root  (ReceiptProof)
//! ```

use logothete_primitives::bounded::{BoundedBytes, BoundedVec};
use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::hash::Digest;
use logothete_primitives::identifiers::{PayloadHash, ReceiptsRoot, TxHash};
use logothete_primitives::limits::MAX_PAYLOAD_BYTES;
use logothete_primitives::merkle::{self, MerkleProof};
use thiserror::Error;

use crate::batch::{BatchHeader, Payload};
use crate::receipt::{Receipt, accumulate};

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

/// Most heights between that of a receipt and the one that is attested.
pub const MAX_LATER_ROOTS: usize = 1024;

/// Shows that the certified results of a height contain a receipt of that height or of one before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptProof {
    /// From the receipt to the root of its block.
    pub path: MerkleProof,
    /// Root over the receipts of its block.
    pub block: ReceiptsRoot,
    /// What stands for all heights before that block.
    pub before: ReceiptsRoot,
    /// The roots of the blocks after it, up to the attested height, in order.
    pub later: BoundedVec<ReceiptsRoot, MAX_LATER_ROOTS>,
}

impl ReceiptProof {
    /// Proves the receipt at `position` among the `receipts` of its block, given what its neighbours add up to;
    /// `None` when there is no such receipt, or the attested height is too far away.
    pub fn build(
        receipts: &[Receipt],
        position: usize,
        before: ReceiptsRoot,
        later: Vec<ReceiptsRoot>,
    ) -> Option<Self> {
        let leaves: Vec<Digest> = receipts.iter().map(Receipt::leaf).collect();
        Some(Self {
            path: merkle::prove(&leaves, position)?,
            block: ReceiptsRoot::new(merkle::root(&leaves)),
            before,
            later: later.try_into().ok()?,
        })
    }

    /// Checks that the receipt belongs to the results that a header attests by this root.
    ///
    /// # Errors
    /// When the path does not lead there.
    pub fn verify(&self, receipt: &Receipt, attested: &ReceiptsRoot) -> Result<(), ProofError> {
        let upto = accumulate(&self.before, &self.block);
        let reached = self.later.iter().fold(upto, |root, block| accumulate(&root, block));
        if reached == *attested && self.path.verify(&receipt.leaf(), &self.block.digest()) {
            Ok(())
        } else {
            Err(ProofError::Path)
        }
    }
}
