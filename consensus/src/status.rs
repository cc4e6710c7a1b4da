//! A replica as others see it: for `node_status`, metrics and `why`.

use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, Epoch, Height, SignerSet, ValidatorIndex, View};

use crate::safety_state::Marks;

/// What a replica does besides following certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Votes, times out, proposes.
    Active,
    /// R10: lost its safety state; signs nothing until it has seen a final block above `above`.
    Learner {
        /// Whose statements of their current view are at hand.
        statements: SignerSet,
        /// m + 1, once a quorum has answered: it signs again after a CC of a higher view.
        above: Option<View>,
        /// Validators known to be in this state, the own place among them. If their power is more
        /// than f, the chain waits for the recovery procedure.
        amnesiacs: SignerSet,
    },
    /// Not a validator.
    Follower,
}

/// A snapshot of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The epoch of everything said now.
    pub epoch: Epoch,
    /// The current view.
    pub view: View,
    /// Its leader, if the chain that decides it is at hand.
    pub leader: Option<ValidatorIndex>,
    /// Leaders that are skipped on the chain of the highest QC.
    pub skipped: Vec<ValidatorIndex>,
    /// View of the highest QC.
    pub high_qc_view: View,
    /// Height of the highest QC.
    pub high_qc_height: Height,
    /// Height of the last final block.
    pub committed_height: Height,
    /// View of the last final block.
    pub committed_view: View,
    /// Hash of the last final block.
    pub committed_hash: BlockHash,
    /// What this replica does.
    pub mode: Mode,
    /// The own place, if it is a validator.
    pub index: Option<ValidatorIndex>,
    /// How far it has signed, if it signs.
    pub marks: Option<Marks>,
    /// Whose prepare votes for the current view are at hand.
    pub prepare_votes: SignerSet,
    /// Whose commit votes for the highest QC are at hand.
    pub commit_votes: SignerSet,
    /// Whose timeouts of the current view are at hand.
    pub timeouts: SignerSet,
    /// How long a view lasts without progress, at present.
    pub timeout: Duration,
    /// Views in a row that timed out since the last final block.
    pub failed_views: u32,
    /// Uncommitted blocks at hand.
    pub blocks: usize,
    /// Blocks asked for and not yet come.
    pub missing: usize,
}
