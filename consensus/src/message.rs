//! What replicas say to one another. Byte layout and signed parts: `docs/wire.md`.

use alloc::boxed::Box;

use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::{BlockHash, Epoch, Height, Signature, ValidatorIndex, View};

use crate::block::Block;
use crate::certificate::{Certificate, QuorumCert, TimeoutCert};

/// A leader's signed offer of one block (R1).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proposal {
    /// The block, with its body.
    pub block: Block,
    /// Certifies the parent.
    pub qc: QuorumCert,
    /// TC of the view before, when `qc` is not of the view before.
    pub tc: Option<TimeoutCert>,
    /// The proposer's signature on (epoch, view, block hash).
    pub signature: Signature,
}

/// Signed support for a block (R2). A quorum of them is a [`QuorumCert`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PrepareVote {
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
    /// Who signs.
    pub signer: ValidatorIndex,
    /// On all of the above but the signer.
    pub signature: Signature,
}

/// Signed promise that the block is locked (R3). A quorum of them is a
/// [`CommitCert`](crate::CommitCert).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CommitVote {
    /// The epoch of the signer.
    pub epoch: Epoch,
    /// The view of the block.
    pub view: View,
    /// The block.
    pub block: BlockHash,
    /// Who signs.
    pub signer: ValidatorIndex,
    /// On all of the above but the signer.
    pub signature: Signature,
}

/// Signed wish to leave a view (R5). A quorum of them is a [`TimeoutCert`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Timeout {
    /// The epoch of the signer.
    pub epoch: Epoch,
    /// The view to leave.
    pub view: View,
    /// The highest QC of the signer, whole; only its view is signed.
    pub high_qc: QuorumCert,
    /// The certificate by which the signer entered `view`; `None` in view 1, or when `high_qc`
    /// is that certificate.
    pub entry: Option<Certificate>,
    /// Who signs.
    pub signer: ValidatorIndex,
    /// On (epoch, view, view of `high_qc`).
    pub signature: Signature,
}

/// A validator that lost its safety state asks where the others are (R10).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StatementRequest {
    /// Fresh for each start, so that old answers do not count.
    pub nonce: [u8; 32],
    /// Who asks. Not signed: the link is authenticated, and an answer harms nobody.
    pub signer: ValidatorIndex,
}

/// The answer: the current view of the signer (R10).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Statement {
    /// The nonce of the request.
    pub nonce: [u8; 32],
    /// The current view of the signer.
    pub view: View,
    /// The certificate by which it was entered, so that a liar cannot name a view far ahead;
    /// `None` in view 1 only.
    pub entry: Option<Certificate>,
    /// Who signs.
    pub signer: ValidatorIndex,
    /// On (epoch, nonce, view).
    pub signature: Signature,
}

/// One message of the consensus lane.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Message {
    /// A leader offers a block.
    Proposal(Box<Proposal>),
    /// Support for a block.
    PrepareVote(PrepareVote),
    /// A promise to a block, with the certificate that justifies it.
    CommitVote {
        /// The vote.
        vote: CommitVote,
        /// QC of the same view and block.
        qc: QuorumCert,
    },
    /// A wish to leave a view.
    Timeout(Box<Timeout>),
    /// A certificate passed on, from nobody in particular.
    Certificate(Box<Certificate>),
    /// A validator without its safety state asks.
    StatementRequest(StatementRequest),
    /// It is answered.
    Statement(Box<Statement>),
}

impl Message {
    /// Who made the message; nobody in particular for a bare certificate.
    #[must_use]
    pub fn author(&self) -> Option<ValidatorIndex> {
        match self {
            Self::Proposal(p) => Some(p.block.header.proposer),
            Self::PrepareVote(v) => Some(v.signer),
            Self::CommitVote { vote, .. } => Some(vote.signer),
            Self::Timeout(t) => Some(t.signer),
            Self::Certificate(_) => None,
            Self::StatementRequest(r) => Some(r.signer),
            Self::Statement(s) => Some(s.signer),
        }
    }

    /// The view the message speaks of, if it speaks of one.
    #[must_use]
    pub fn view(&self) -> Option<View> {
        match self {
            Self::Proposal(p) => Some(p.block.header.view),
            Self::PrepareVote(v) => Some(v.view),
            Self::CommitVote { vote, .. } => Some(vote.view),
            Self::Timeout(t) => Some(t.view),
            Self::Certificate(c) => Some(c.view()),
            Self::StatementRequest(_) => None,
            Self::Statement(s) => Some(s.view),
        }
    }
}
