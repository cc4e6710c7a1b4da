//! Certificates: signatures of a quorum on one statement. Any valid one advances a replica (R0).

use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::limits::MAX_VALIDATORS;
use logothete_primitives::{
    BlockHash, BoundedVec, Epoch, Height, Signature, SignerSet, ValidatorIndex, View,
};

/// One signature per signer, in ascending order of the signers.
pub type Signatures = BoundedVec<Signature, MAX_VALIDATORS>;

/// QC(v, B): a quorum prepare-voted block B in view v. There is at most one per view.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QuorumCert {
    /// The validator set that signed.
    pub epoch: Epoch,
    /// The view of the block.
    pub view: View,
    /// The block.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// The view of its parent.
    pub parent_view: View,
    /// Who signed.
    pub signers: SignerSet,
    /// Their signatures on the prepare vote, ascending by signer.
    pub signatures: Signatures,
}

impl QuorumCert {
    /// The certificate of the genesis block: view 0, height 0, nobody signed. It is valid by
    /// comparison with the chain's genesis hash alone.
    #[must_use]
    pub fn genesis(epoch: Epoch, block: BlockHash) -> Self {
        Self {
            epoch,
            view: View::ZERO,
            block,
            height: Height::ZERO,
            parent_view: View::ZERO,
            signers: SignerSet::new(0),
            signatures: Signatures::default(),
        }
    }

    /// Whether this names the start of the chain, which nobody signed.
    #[must_use]
    pub fn is_genesis(&self) -> bool {
        self.view == View::ZERO
    }
}

/// CC(v, B): a quorum commit-voted block B in view v. B and its ancestors are final (R4).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CommitCert {
    /// The validator set that signed.
    pub epoch: Epoch,
    /// The view of the block.
    pub view: View,
    /// The block.
    pub block: BlockHash,
    /// Who signed.
    pub signers: SignerSet,
    /// Their signatures on the commit vote, ascending by signer.
    pub signatures: Signatures,
}

/// One signer's part of a timeout certificate.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TimeoutEntry {
    /// Who timed out.
    pub signer: ValidatorIndex,
    /// The view of the highest QC that signer knew.
    pub qc_view: View,
    /// The signature on (epoch, view, `qc_view`).
    pub signature: Signature,
}

/// TC(v): a quorum timed out of view v.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TimeoutCert {
    /// The validator set that signed.
    pub epoch: Epoch,
    /// The view that is given up.
    pub view: View,
    /// What each signer signed, ascending by signer.
    pub timeouts: BoundedVec<TimeoutEntry, MAX_VALIDATORS>,
    /// The QC whose view equals the maximum of the entries.
    pub high_qc: QuorumCert,
}

/// Any certificate that advances a replica.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Certificate {
    /// A block was prepared.
    Quorum(QuorumCert),
    /// A block is final.
    Commit(CommitCert),
    /// A view was given up.
    Timeout(TimeoutCert),
}

impl Certificate {
    /// The view it closes: who sees it enters the next one.
    #[must_use]
    pub const fn view(&self) -> View {
        match self {
            Self::Quorum(qc) => qc.view,
            Self::Commit(cc) => cc.view,
            Self::Timeout(tc) => tc.view,
        }
    }
}
