//! Slots: an honest validator says one thing in each, ever (R8).

use logothete_primitives::{BlockHash, ValidatorIndex, View};

use crate::evidence::Kind;
use crate::message::Message;

/// The place of a signed message: one kind of one validator in one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Who signed.
    pub signer: ValidatorIndex,
    /// What kind of message.
    pub kind: Kind,
    /// In which view.
    pub view: View,
}

/// What was signed in a slot. Messages that say the same may differ in the certificates they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A proposal of this block, or a vote for it.
    Block(BlockHash),
    /// A timeout with a highest QC of this view.
    HighQc(View),
}

impl Message {
    /// What the message says in which slot; nothing for messages that have none.
    #[must_use]
    pub fn slot(&self) -> Option<(Slot, Said)> {
        let (kind, said) = match self {
            Self::Proposal(proposal) => (Kind::Proposal, Said::Block(proposal.block.hash())),
            Self::PrepareVote(vote) => (Kind::PrepareVote, Said::Block(vote.block)),
            Self::CommitVote { vote, .. } => (Kind::CommitVote, Said::Block(vote.block)),
            Self::Timeout(timeout) => (Kind::Timeout, Said::HighQc(timeout.high_qc.view)),
            Self::Certificate(_) | Self::StatementRequest(_) | Self::Statement(_) => return None,
        };
        Some((Slot { signer: self.author()?, kind, view: self.view()? }, said))
    }
}
