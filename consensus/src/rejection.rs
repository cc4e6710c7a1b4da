//! Why something from a peer was refused: one variant per broken rule.

use logothete_primitives::{BlockHash, Digest, Epoch, Height, TimestampMs, ValidatorIndex, View};

/// A refused message, certificate or block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    // R0: what holds of any message by itself.
    /// It is of another validator set.
    #[error("epoch {got} where {expected} is current")]
    WrongEpoch {
        /// The epoch it names.
        got: Epoch,
        /// The epoch of the validator set in force.
        expected: Epoch,
    },
    /// The signer is not in the validator set.
    #[error("no validator {index}")]
    UnknownSigner {
        /// The place it names.
        index: ValidatorIndex,
    },
    /// A signature is not the signer's over these bytes.
    #[error("a signature is wrong")]
    BadSignature,
    /// The signer set is of a validator set of another size.
    #[error("signer set of {got} validators where there are {expected}")]
    SignerSetSize {
        /// The size it is made for.
        got: usize,
        /// Members of the validator set.
        expected: usize,
    },
    /// There is not one signature per signer.
    #[error("{signatures} signatures of {signers} signers")]
    SignatureCount {
        /// How many signatures there are.
        signatures: usize,
        /// How many signers are named.
        signers: usize,
    },
    /// The signers have less power than a quorum.
    #[error("power {power} is below the quorum of {quorum}")]
    NoQuorum {
        /// The power of the signers.
        power: u64,
        /// What is needed.
        quorum: u64,
    },
    /// A certificate of view 0 is not that of this chain's genesis block.
    #[error("not the genesis of this chain")]
    ForeignGenesis,
    /// View 0 holds the genesis block alone.
    #[error("view 0 belongs to the genesis block")]
    ViewZero,
    /// The parent of a certified block is not of an earlier view.
    #[error("parent view {parent} is not below view {view}")]
    ParentNotBelow {
        /// View of the parent.
        parent: View,
        /// View of the block.
        view: View,
    },
    /// The signers of a timeout certificate are not ascending, so one may count twice.
    #[error("signers of a timeout certificate are not ascending")]
    UnorderedTimeouts,
    /// The QC in a timeout certificate is not the maximum of what was signed.
    #[error("the QC of view {got} is not the maximum {expected} of the timeouts")]
    HighQcNotMaximum {
        /// View of the QC attached.
        got: View,
        /// Maximum of the views signed.
        expected: View,
    },
    /// A QC is not of a view below the message that carries it.
    #[error("a QC of view {qc} in a message of view {view}")]
    QcNotBelow {
        /// View of the QC.
        qc: View,
        /// View of the message.
        view: View,
    },
    /// The certificate attached does not lead into the view of the message.
    #[error("the certificate attached does not lead into view {view}")]
    EntryMissing {
        /// The view of the message.
        view: View,
    },
    /// A commit vote carries a QC of another block.
    #[error("a commit vote with the QC of another block")]
    VoteMismatch,

    // R1: the form of a proposal.
    /// The body is not the one the header names. Nothing is held against the header.
    #[error("the body does not match the header")]
    BodyMismatch,
    /// The parent is not the block that the QC certifies.
    #[error("the parent is not the block certified")]
    ParentMismatch,
    /// The height is not one more than the parent's.
    #[error("height {got} where {expected} follows")]
    WrongHeight {
        /// The height of the block.
        got: Height,
        /// One more than the parent's.
        expected: Height,
    },
    /// The QC is older than the view before and no TC explains the gap, or a TC is superfluous.
    #[error("view {view} on QC({qc}) is not justified")]
    NotJustified {
        /// The view of the proposal.
        view: View,
        /// The view of its QC.
        qc: View,
    },
    /// The QC is below the maximum of the TC attached.
    #[error("QC({qc}) is below the maximum {maximum} of the timeouts")]
    QcBelowTimeouts {
        /// The view of the QC.
        qc: View,
        /// The maximum of the TC.
        maximum: View,
    },
    /// A proposal larger than the protocol allows.
    #[error("a proposal of {size} bytes is above the limit of {limit}")]
    TooLarge {
        /// Its bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// R9: a change of the validator set, which this version does not know.
    #[error("a change of the validator set is not known to this version")]
    NextSet {
        /// The set it names.
        set: Digest,
    },

    // R1, R2: a proposal in its place in the chain.
    /// The proposer does not lead this view on this chain.
    #[error("{proposer:?} proposed in view {view}, which {leader:?} leads")]
    NotLeader {
        /// The view.
        view: View,
        /// Who proposed.
        proposer: ValidatorIndex,
        /// Who leads.
        leader: ValidatorIndex,
    },
    /// The block is not later than its parent.
    #[error("timestamp {got} is not after the parent's {parent}")]
    TimestampNotAfterParent {
        /// The block's.
        got: TimestampMs,
        /// The parent's.
        parent: TimestampMs,
    },
    /// The block's time is too far from the own clock.
    #[error("timestamp {got} is more than {drift_ms} ms from the own clock {clock}")]
    TimestampDrift {
        /// The block's.
        got: TimestampMs,
        /// The own.
        clock: TimestampMs,
        /// What is allowed.
        drift_ms: u64,
    },
    /// Attests a height above the parent's.
    #[error("attests height {got} on a parent at {parent}")]
    ExecutedAhead {
        /// The height attested.
        got: Height,
        /// The parent's height.
        parent: Height,
    },
    /// Attests a height below the one the parent attested.
    #[error("attests height {got}, the parent attested {parent}")]
    ExecutedBehind {
        /// The height attested.
        got: Height,
        /// The height the parent attested.
        parent: Height,
    },
    /// Attests other results than the parent for the same height.
    #[error("contradicts the parent's results of height {height}")]
    ExecutedContradicts {
        /// The height attested by both.
        height: Height,
    },
    /// The chain under it does not lead to the committed block.
    #[error("conflicts with the final block of height {committed}")]
    Conflicting {
        /// The committed height.
        committed: Height,
    },
    /// The application refused the payload.
    #[error("payload refused: {0}")]
    Payload(#[from] PayloadFault),

    // R8: what is not kept.
    /// Of a view that is over.
    #[error("view {view} is over, {current} is current")]
    Stale {
        /// The view of the message.
        view: View,
        /// The current view.
        current: View,
    },
    /// Of a view too far ahead to be kept without a certificate.
    #[error("view {view} is too far ahead of {current}")]
    TooFarAhead {
        /// The view of the message.
        view: View,
        /// The current view.
        current: View,
    },
    /// A second, different message for one slot. The evidence is kept.
    #[error("{signer:?} signed two messages for one slot in view {view}")]
    Equivocation {
        /// Who signed both.
        signer: ValidatorIndex,
        /// The view.
        view: View,
    },

    // Answers to what this replica asked for.
    /// A block that was not asked for.
    #[error("block {block} was not asked for")]
    NotRequested {
        /// The block.
        block: BlockHash,
    },
    /// A chain of committed blocks that does not join the own chain or its certificate.
    #[error("the chain does not join the committed block of height {committed}")]
    NotConnected {
        /// The committed height.
        committed: Height,
    },
    /// R10: an answer to an older question.
    #[error("a statement over another nonce")]
    WrongNonce,
}

impl Rejection {
    /// Whether only a faulty sender does this. The others happen to honest ones on a slow network.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Stale { .. }
                | Self::TooFarAhead { .. }
                | Self::NotRequested { .. }
                | Self::WrongNonce
                | Self::NotLeader { .. }
                | Self::TimestampDrift { .. }
                | Self::WrongEpoch { .. }
        )
    }

    /// The number of the rule that was broken, as in `docs/protocol.md`.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::BodyMismatch
            | Self::ParentMismatch
            | Self::WrongHeight { .. }
            | Self::NotJustified { .. }
            | Self::QcBelowTimeouts { .. }
            | Self::TooLarge { .. }
            | Self::NotLeader { .. } => "R1",
            Self::TimestampNotAfterParent { .. }
            | Self::TimestampDrift { .. }
            | Self::ExecutedAhead { .. }
            | Self::ExecutedBehind { .. }
            | Self::ExecutedContradicts { .. }
            | Self::Conflicting { .. }
            | Self::Payload(_) => "R2",
            Self::NotRequested { .. } | Self::NotConnected { .. } => "R4",
            Self::Stale { .. } | Self::TooFarAhead { .. } | Self::Equivocation { .. } => "R8",
            Self::NextSet { .. } | Self::WrongEpoch { .. } => "R9",
            Self::WrongNonce => "R10",
            _ => "R0",
        }
    }
}

/// Why the application refuses a payload. Every honest validator finds the same, but for
/// `Divergent`, which means that one of both executes wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadFault {
    /// The bytes are not a payload.
    #[error("the bytes are not a payload")]
    Malformed,
    /// It references what an uncommitted or recent ancestor has already ordered.
    #[error("it repeats what is already ordered")]
    Duplicate,
    /// It is above a limit of the application.
    #[error("it is above a limit")]
    TooLarge,
    /// It must be empty here and is not.
    #[error("it must be empty here")]
    NotEmpty,
    /// What it references is not what the reference says.
    #[error("a reference does not match its content")]
    Mismatch,
    /// The results attested differ from the own ones.
    #[error("the results attested differ from the own ones")]
    Divergent,
}

#[cfg(test)]
mod tests;
