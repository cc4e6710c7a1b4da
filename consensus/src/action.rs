//! What comes out of [`Replica::step`](crate::Replica::step).
//!
//! The order of the actions is the rule "durable before sent": whatever stands before a `Send` or
//! `Broadcast` must be on disk before it leaves. In every step `StoreBlock`s come first, then at most
//! one `PersistSafety`, then all that relies on them. A write that fails ends the process.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, Height, SignerSet, ValidatorIndex, View};

use crate::block::Block;
use crate::certificate::{CommitCert, QuorumCert};
use crate::evidence::Equivocation;
use crate::message::Message;
use crate::rejection::Rejection;
use crate::safety_state::SafetyState;

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write the block; durable with the next `PersistSafety`.
    StoreBlock {
        /// The block.
        block: Arc<Block>,
        /// The certificate of its parent.
        qc: QuorumCert,
    },
    /// Write the safety state and sync everything written so far.
    PersistSafety(Box<SafetyState>),
    /// Send to one validator.
    Send {
        /// To whom.
        to: ValidatorIndex,
        /// What.
        message: Message,
    },
    /// Send to all other validators; the own message is already counted inside.
    Broadcast(Message),
    /// This replica leads `view`: answer with `PayloadBuilt` as soon as there is something to order
    /// or to attest, or at once if `idle_expired`.
    BuildPayload {
        /// The view to propose in.
        view: View,
        /// The block to build on.
        parent: BlockHash,
        /// The uncommitted chain up to and with the parent, oldest first.
        ancestors: Vec<Arc<Block>>,
        /// R9: only an empty block may follow here.
        must_be_empty: bool,
        /// The height the parent attested: attest this one (with the same results) or a later one.
        executed_min: Height,
        /// `empty_block_interval` has passed: propose now, be it an empty block.
        idle_expired: bool,
    },
    /// Fetch what is missing of the block's batches, store them, check the payload and compare
    /// `executed`; then answer with `PayloadChecked`.
    CheckPayload {
        /// The block.
        block: Arc<Block>,
        /// The uncommitted chain under it, oldest first.
        ancestors: Vec<Arc<Block>>,
        /// Who proposed it and so has its batches.
        proposer: ValidatorIndex,
    },
    /// Fetch a block that a certificate names; asked again until it comes or is not needed any more.
    FetchBlock {
        /// The block.
        block: BlockHash,
        /// Its height.
        height: Height,
        /// Its view.
        view: View,
        /// Who voted for it and so has it.
        holders: SignerSet,
    },
    /// These blocks are final.
    Commit {
        /// Oldest first; the first one's parent was final before.
        blocks: Vec<Arc<Block>>,
        /// Makes the last one final, and so all of them.
        cc: CommitCert,
    },
    /// The certificate is of a block too far ahead to fetch block by block: sync takes over.
    Behind {
        /// The height of the block, if it is known.
        height_hint: Option<Height>,
        /// Proves that there is something to sync to.
        cc: CommitCert,
    },
    /// A validator signed two messages for one slot; keep this.
    Evidence(Box<Equivocation>),
    /// A new view began.
    EnteredView {
        /// The view.
        view: View,
        /// Its leader, unless the chain that decides it is not at hand.
        leader: Option<ValidatorIndex>,
        /// What closed the view before.
        reason: EntryReason,
        /// How long the view before lasted here.
        waited: Duration,
    },
    /// Something was refused.
    Rejected {
        /// Whose message it was; `None` if it was nobody's in particular.
        from: Option<ValidatorIndex>,
        /// Why.
        rejection: Rejection,
    },
}

/// How a view was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryReason {
    /// By a quorum certificate.
    Qc,
    /// By a timeout certificate.
    Tc,
    /// By a commit certificate.
    Cc,
    /// By starting there.
    Start,
}
