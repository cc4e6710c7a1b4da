//! The single conditions of the rules, by name, and the rules with one of them removed: a mutant.
//! The production core has no such switch; `production.rs` shows that it keeps them all.

use super::scope::View;
use super::state::Member;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// R2: only the current view.
    PrepareCurrent,
    /// R2: v > `lpv`.
    PrepareOnce,
    /// R2: v > `htv`.
    PrepareNotTimedOut,
    /// R2: the QC is of a view below v.
    QcBelow,
    /// R1, R2: on QC(v − 1), or with TC(v − 1).
    Justified,
    /// R1, R2: not below the maximum of the TC.
    TimeoutMaximum,
    /// R3: above the last commit vote.
    CommitOnce,
    /// R3: v > `htv`, the gate.
    CommitNotTimedOut,
    /// R3: v is not among the views timed out of. Weaker than the gate, and not enough.
    CommitGateIsAMark,
    /// R0, R3: a QC that is seen is remembered.
    RaiseQc,
    /// R0: the QC by which a view is entered is remembered, before any vote on it.
    RaiseQcOnEntry,
    /// R5: only the current view.
    TimeoutCurrent,
    /// R5: once.
    TimeoutOnce,
    /// R5: it signs the view of the highest QC.
    TimeoutSignsQc,
    /// Certificates need 2f + 1.
    Quorum,
    /// R10: without memory nothing is signed.
    Memory,
    /// R10: a quorum of others states its view, over a fresh nonce.
    Statements,
    /// R10: a CC above m + 1.
    AboveStatements,
    /// R10: `lpv` and `htv` are raised to the view of that CC.
    ReadmitMarks,
    /// R10: `hqc` is raised with them.
    ReadmitQc,
}

/// What a block stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Justification {
    pub(crate) qc: View,
    /// View and maximum of a TC.
    pub(crate) tc: Option<(View, View)>,
}

/// All rules but some conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) removed: &'static [Condition],
}

/// Permission to sign, or the first condition that is against it.
pub(crate) type Verdict = Result<(), Condition>;

impl Rules {
    pub(crate) const ALL: Self = Self { removed: &[] };

    pub(crate) fn has(self, condition: Condition) -> bool {
        !self.removed.contains(&condition)
    }

    fn require(self, condition: Condition, holds: bool) -> Verdict {
        if holds || !self.has(condition) { Ok(()) } else { Err(condition) }
    }

    /// R0: what stays of a QC that was seen.
    pub(crate) fn known(self, qc: View) -> View {
        if self.has(Condition::RaiseQc) { qc } else { 0 }
    }

    /// R0: the same of one that was seen before a timeout.
    pub(crate) fn known_on_entry(self, qc: View) -> View {
        if self.has(Condition::RaiseQcOnEntry) { self.known(qc) } else { 0 }
    }

    /// How many honest signatures make a certificate with the one of the liar.
    pub(crate) fn quorum(self) -> usize {
        if self.has(Condition::Quorum) { 2 } else { 1 }
    }

    /// R2, at the current view of the member.
    pub(crate) fn prepare(self, member: &Member, v: View, on: Justification) -> Verdict {
        self.require(Condition::Memory, !member.lost)?;
        self.require(Condition::PrepareCurrent, v == member.view)?;
        self.require(Condition::PrepareOnce, v > member.marks.prepared)?;
        self.require(Condition::PrepareNotTimedOut, v > member.marks.timed_out)?;
        self.require(Condition::QcBelow, on.qc < v)?;
        match on.tc {
            None => self.require(Condition::Justified, on.qc + 1 == v),
            Some((view, maximum)) => {
                self.require(Condition::Justified, view + 1 == v && on.qc + 1 != v)?;
                self.require(Condition::TimeoutMaximum, on.qc >= maximum)
            }
        }
    }

    /// R3.
    pub(crate) fn commit(self, member: &Member, v: View) -> Verdict {
        self.require(Condition::Memory, !member.lost)?;
        self.require(Condition::CommitOnce, v > member.marks.committed)?;
        if !self.has(Condition::CommitGateIsAMark) {
            return self.require(Condition::CommitNotTimedOut, member.claimed(v).is_none());
        }
        self.require(Condition::CommitNotTimedOut, v > member.marks.timed_out)
    }

    /// R5.
    pub(crate) fn timeout(self, member: &Member, v: View) -> Verdict {
        self.require(Condition::Memory, !member.lost)?;
        self.require(Condition::TimeoutCurrent, v == member.view)?;
        self.require(Condition::TimeoutOnce, v > member.marks.timed_out)
    }
}
