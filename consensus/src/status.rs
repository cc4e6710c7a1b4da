//! A replica as others see it: for `node_status`, metrics and `why`.

use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, Epoch, Height, SignerSet, ValidatorIndex, View};

use crate::learner::Learner;
use crate::replica::Replica;
use crate::safety_rules::SafetyRules;
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
    },
    /// Not a validator.
    Follower,
}

/// What a replica does when its next deadline comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKind {
    /// R5, R7: gives the view up.
    View,
    /// R5: sends its messages that have not done their work again.
    Repeat,
    /// R7: proposes an empty block.
    EmptyBlock,
    /// R10: asks for statements again.
    Statements,
    /// Asks for missing blocks again.
    Fetch,
}

/// The timer that runs out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What happens then.
    pub kind: TimerKind,
    /// When, by the monotonic clock of the events.
    pub at: Duration,
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
    /// Validators known to have lost their safety state (R10), the own place among them if it has. If
    /// their power is more than f, the chain waits for the recovery procedure.
    pub amnesiacs: SignerSet,
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
    /// The timer that runs out first, if any runs.
    pub next_timer: Option<Timer>,
    /// Views in a row that timed out since the last final block.
    pub failed_views: u32,
    /// Uncommitted blocks at hand.
    pub blocks: usize,
    /// Blocks asked for and not yet come.
    pub missing: usize,
}

impl Replica {
    /// A snapshot for those who watch.
    #[must_use]
    pub fn status(&self) -> Status {
        let size = self.ctx.validators.len();
        let (view, high_qc, root) = (self.known.view(), self.known.high_qc(), self.tree.root());
        let reputation = self.reputation_at(high_qc);
        let leader = reputation.as_ref().map(|reputation| self.election.leader(reputation, view));
        let skipped = reputation.map(|reputation| self.election.skipped(&reputation, view));
        Status {
            epoch: self.ctx.epoch(),
            view,
            leader,
            skipped: skipped.unwrap_or_default(),
            high_qc_view: high_qc.view,
            high_qc_height: high_qc.height,
            committed_height: root.height,
            committed_view: root.view,
            committed_hash: self.tree.root_hash(),
            mode: self.mode(),
            amnesiacs: self.amnesiacs(),
            index: self.index(),
            marks: self.safety.as_ref().and_then(SafetyRules::marks),
            prepare_votes: self.prepare_votes.signers(view, size),
            commit_votes: self.commit_votes.signers(high_qc.view, size),
            timeouts: self.timeouts.signers(size),
            timeout: self.timeout(),
            next_timer: self.next_timer(),
            failed_views: self.pacemaker.failed_views(),
            blocks: self.tree.len(),
            missing: self.fetches.len(),
        }
    }

    /// How long a view lasts without progress, at present.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.pacemaker.timeout(&self.config)
    }

    fn mode(&self) -> Mode {
        let size = self.ctx.validators.len();
        match (&self.safety, &self.learner) {
            (None, _) => Mode::Follower,
            (Some(_), None) => Mode::Active,
            (Some(_), Some(learner)) => {
                let (statements, above) = (Learner::statements(learner, size), learner.above());
                Mode::Learner { statements, above }
            }
        }
    }

    fn amnesiacs(&self) -> SignerSet {
        let mut amnesiacs = SignerSet::new(self.ctx.validators.len());
        let own = self.index().filter(|_| self.learner.is_some());
        for index in own.into_iter().chain(self.amnesiacs.keys().copied()) {
            amnesiacs.insert(index);
        }
        amnesiacs
    }
}
