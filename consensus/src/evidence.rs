//! Equivocation: two different signed messages of one validator for one slot, kept with both
//! signatures (R8).

use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::{Epoch, Signature, ValidatorIndex, Verifier, View};

use crate::block::BlockHeader;
use crate::context::Context;
use crate::message::{CommitVote, PrepareVote};
use crate::rejection::Rejection;
use crate::signing::{PrepareBody, commit_message, proposal_message, timeout_message};

/// A proposal without its body: what its signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedHeader {
    /// The header proposed.
    pub header: BlockHeader,
    /// The proposer's signature.
    pub signature: Signature,
}

/// A timeout without its certificates: what its signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedTimeout {
    /// The view given up.
    pub view: View,
    /// The view of the highest QC claimed.
    pub qc_view: View,
    /// Who signed.
    pub signer: ValidatorIndex,
    /// The signature.
    pub signature: Signature,
}

/// Two messages that no honest validator signs both.
#[allow(clippy::large_enum_variant)] // Rare, and boxed where it travels.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Equivocation {
    /// Two blocks proposed in one view.
    Proposal {
        /// The one seen first.
        first: SignedHeader,
        /// The other.
        second: SignedHeader,
    },
    /// Two blocks prepare-voted in one view.
    PrepareVote {
        /// The one seen first.
        first: PrepareVote,
        /// The other.
        second: PrepareVote,
    },
    /// Two blocks commit-voted in one view.
    CommitVote {
        /// The one seen first.
        first: CommitVote,
        /// The other.
        second: CommitVote,
    },
    /// Two timeouts of one view that claim different highest QCs.
    Timeout {
        /// The one seen first.
        first: SignedTimeout,
        /// The other.
        second: SignedTimeout,
    },
}

/// What a validator is guilty of, however often and in whatever views: it signed two messages of one
/// kind for one slot. The chain records one proof of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Offence {
    /// The epoch in which the index means a key.
    pub epoch: Epoch,
    /// Who signed both.
    pub signer: ValidatorIndex,
    /// The kind of slot.
    pub kind: Kind,
}

/// The kind of message that a slot is for (R8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Kind {
    /// A leader's offer.
    Proposal,
    /// A prepare vote.
    PrepareVote,
    /// A commit vote.
    CommitVote,
    /// A timeout.
    Timeout,
}

impl Equivocation {
    /// Who signed both.
    #[must_use]
    pub const fn signer(&self) -> ValidatorIndex {
        match self {
            Self::Proposal { first, .. } => first.header.proposer,
            Self::PrepareVote { first, .. } => first.signer,
            Self::CommitVote { first, .. } => first.signer,
            Self::Timeout { first, .. } => first.signer,
        }
    }

    /// The view of both.
    #[must_use]
    pub const fn view(&self) -> View {
        match self {
            Self::Proposal { first, .. } => first.header.view,
            Self::PrepareVote { first, .. } => first.view,
            Self::CommitVote { first, .. } => first.view,
            Self::Timeout { first, .. } => first.view,
        }
    }

    /// The kind of slot.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Proposal { .. } => Kind::Proposal,
            Self::PrepareVote { .. } => Kind::PrepareVote,
            Self::CommitVote { .. } => Kind::CommitVote,
            Self::Timeout { .. } => Kind::Timeout,
        }
    }

    /// What it proves, if it holds in this epoch.
    #[must_use]
    pub const fn offence(&self, epoch: Epoch) -> Offence {
        Offence { epoch, signer: self.signer(), kind: self.kind() }
    }

    /// Whether this proves what it says: one slot, different statements, both signatures good.
    pub fn verify(&self, ctx: &Context, verifier: &dyn Verifier) -> Result<(), Rejection> {
        let signer = self.signer();
        let key = ctx.validators.get(signer).ok_or(Rejection::UnknownSigner { index: signer })?.key;
        let (chain, epoch) = (&ctx.chain, ctx.epoch());
        let (proves, signed) = match self {
            Self::Proposal { first: a, second: b } => (
                slot_of(&a.header) == slot_of(&b.header) && a.header != b.header,
                [a, b].map(|s| {
                    let bytes = proposal_message(chain, epoch, s.header.view, &s.header.hash());
                    (s.header.epoch, bytes, s.signature)
                }),
            ),
            Self::PrepareVote { first: a, second: b } => (
                (a.signer, a.view) == (b.signer, b.view)
                    && PrepareBody::from(a) != PrepareBody::from(b),
                [a, b].map(|v| (v.epoch, PrepareBody::from(v).message(chain), v.signature)),
            ),
            Self::CommitVote { first: a, second: b } => (
                (a.signer, a.view) == (b.signer, b.view) && a.block != b.block,
                [a, b].map(|v| {
                    (v.epoch, commit_message(chain, epoch, v.view, &v.block), v.signature)
                }),
            ),
            Self::Timeout { first: a, second: b } => (
                (a.signer, a.view) == (b.signer, b.view) && a.qc_view != b.qc_view,
                [a, b].map(|t| {
                    (epoch, timeout_message(chain, epoch, t.view, t.qc_view), t.signature)
                }),
            ),
        };
        if !proves {
            return Err(Rejection::VoteMismatch);
        }
        for (got, bytes, signature) in &signed {
            if *got != epoch {
                return Err(Rejection::WrongEpoch { got: *got, expected: epoch });
            }
            if !verifier.verify(&key, bytes, signature) {
                return Err(Rejection::BadSignature);
            }
        }
        Ok(())
    }
}

fn slot_of(header: &BlockHeader) -> (ValidatorIndex, View) {
    (header.proposer, header.view)
}
