//! What must survive a crash: how far this validator has signed, and its last messages whole.

use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::{BlockHash, Epoch, Signature, View};

use crate::certificate::{CommitCert, QuorumCert, TimeoutCert};
use crate::message::{CommitVote, PrepareVote, Timeout};

/// The durable state of a validator. Only [`SafetyRules`](crate::safety_rules::SafetyRules) changes
/// it; the driver writes and reads it whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SafetyState {
    /// The epoch in which all of this was signed.
    pub epoch: Epoch,
    /// `lpv`: highest view prepare-voted. Nothing at or below it is prepare-voted again.
    pub prepared: View,
    /// `htv`: highest view timed out of. Nothing at or below it is prepare- or commit-voted.
    pub timed_out: View,
    /// Highest view commit-voted.
    pub committed: View,
    /// Highest view proposed in.
    pub proposed: View,
    /// The last prepare vote, to be sent again; its view is `prepared`, but for R10.
    pub last_prepare: Option<PrepareVote>,
    /// The last timeout, to be sent again; its view is `timed_out`, but for R10.
    pub last_timeout: Option<Timeout>,
    /// The last commit vote, to be sent again, with `high_qc` of that time.
    pub last_commit: Option<(CommitVote, QuorumCert)>,
    /// The last proposal: its block is stored, so that the same can be sent again.
    pub last_proposal: Option<ProposalMark>,
    /// `hqc`: the highest QC known when something was signed last; `None` is the genesis QC.
    pub high_qc: Option<QuorumCert>,
    /// `htc`: the highest TC.
    pub high_tc: Option<TimeoutCert>,
    /// A CC by which the current view was entered, if neither `high_qc` nor `high_tc` led there.
    pub high_cc: Option<CommitCert>,
}

/// A block this validator proposed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProposalMark {
    /// The view.
    pub view: View,
    /// The block.
    pub block: BlockHash,
    /// The signature of the proposal.
    pub signature: Signature,
}

impl SafetyState {
    /// The state of a validator that has never signed anything. Made only when a new key and a new
    /// directory are created together: anything else is amnesia (R10).
    #[must_use]
    pub const fn fresh(epoch: Epoch) -> Self {
        Self {
            epoch,
            prepared: View::ZERO,
            timed_out: View::ZERO,
            committed: View::ZERO,
            proposed: View::ZERO,
            last_prepare: None,
            last_timeout: None,
            last_commit: None,
            last_proposal: None,
            high_qc: None,
            high_tc: None,
            high_cc: None,
        }
    }

    /// The marks alone: small enough to be copied elsewhere, where they show a database that was
    /// rolled back.
    #[must_use]
    pub fn marks(&self) -> Marks {
        Marks {
            epoch: self.epoch,
            prepared: self.prepared,
            timed_out: self.timed_out,
            committed: self.committed,
            proposed: self.proposed,
            high_qc: self.high_qc.as_ref().map_or(View::ZERO, |qc| qc.view),
        }
    }
}

/// How far a validator has signed. None of these ever goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Marks {
    /// The epoch.
    pub epoch: Epoch,
    /// Highest view prepare-voted.
    pub prepared: View,
    /// Highest view timed out of.
    pub timed_out: View,
    /// Highest view commit-voted.
    pub committed: View,
    /// Highest view proposed in.
    pub proposed: View,
    /// View of the highest QC.
    pub high_qc: View,
}

impl Marks {
    /// Whether nothing here is below `earlier`; a state that is not was rolled back (R10).
    #[must_use]
    pub fn covers(&self, earlier: &Self) -> bool {
        self.epoch > earlier.epoch
            || (self.epoch == earlier.epoch
                && self.prepared >= earlier.prepared
                && self.timed_out >= earlier.timed_out
                && self.committed >= earlier.committed
                && self.proposed >= earlier.proposed
                && self.high_qc >= earlier.high_qc)
    }
}
