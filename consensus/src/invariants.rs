//! What must hold after every step. A broken one stops the process: going on would be worse.

use logothete_primitives::{Height, View};

use crate::block_tree::Link;
use crate::handlers::{COMMIT_VIEWS, VIEWS_AHEAD};
use crate::replica::Replica;
use crate::safety_state::Marks;

/// What the step before left, to see that nothing went back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    view: View,
    high_qc: View,
    committed: Height,
    marks: Option<Marks>,
}

impl Watch {
    /// Asserts all invariants.
    pub(crate) fn assert_invariants(&mut self, replica: &Replica) {
        let now = Self {
            view: replica.known.view(),
            high_qc: replica.known.high_qc().view,
            committed: replica.tree.root().height,
            marks: replica.safety.as_ref().and_then(|safety| safety.marks()),
        };
        assert!(now.view >= self.view, "the current view never goes back");
        assert!(now.high_qc >= self.high_qc, "the highest QC never goes back");
        assert!(now.committed >= self.committed, "a final block stays final");
        if let Some(before) = self.marks {
            let covered = now.marks.is_some_and(|marks| marks.covers(&before));
            assert!(covered, "the marks of a validator never go down");
        }
        assert_views(replica);
        assert_marks(replica);
        assert_chain(replica);
        assert_bounds(replica);
        *self = now;
    }
}

/// R0: the current view is one more than the highest certificate; it has been entered.
fn assert_views(replica: &Replica) {
    assert!(replica.pacemaker.view() == replica.known.view(), "R0: the current view is entered");
    assert!(replica.known.high_qc().view < replica.known.view(), "R0: every QC is of a past view");
}

/// R2, R3, R5: nothing was signed for a view that has not begun, and the messages kept are the last.
fn assert_marks(replica: &Replica) {
    let Some(state) = replica.safety.as_ref().and_then(|safety| safety.state()) else {
        return;
    };
    let view = replica.known.view();
    assert!(state.prepared <= view, "R2: prepare votes are for views that have begun");
    assert!(state.timed_out <= view, "R5: timeouts are for views that have begun");
    assert!(state.committed < view, "R3: commit votes are for views that have ended");
    assert!(state.proposed <= view, "R1: proposals are for views that have begun");
    let kept = state.last_prepare.as_ref().is_none_or(|vote| vote.view == state.prepared)
        && state.last_timeout.as_ref().is_none_or(|timeout| timeout.view == state.timed_out)
        && state.last_commit.as_ref().is_none_or(|(vote, _)| vote.view == state.committed)
        && state.last_proposal.as_ref().is_none_or(|mark| mark.view == state.proposed);
    assert!(kept, "the last message of each kind is the one of its mark");
}

/// The heart of safety: whatever is certified at or above a final block extends it.
fn assert_chain(replica: &Replica) {
    let (root, high_qc) = (replica.tree.root(), replica.known.high_qc());
    let extends = high_qc.view <= root.view || replica.tree.link(high_qc) != Link::Conflicting;
    assert!(extends, "a QC above the final block extends it: more than f validators are faulty");
    let same = high_qc.view != root.view || high_qc.block == replica.tree.root_hash();
    assert!(same, "one QC per view: more than f validators are faulty");
    for (_, node) in replica.tree.iter() {
        let header = &node.block.header;
        assert!(
            header.view > root.view && header.height > root.height,
            "the tree holds blocks above the final one"
        );
    }
}

/// R8: everything a peer can fill is bounded.
fn assert_bounds(replica: &Replica) {
    let size = replica.ctx.validators.len();
    let ahead = usize::try_from(VIEWS_AHEAD).unwrap_or(usize::MAX);
    assert!(replica.prepare_votes.views() <= 1 + ahead, "R8: prepare votes are bounded");
    assert!(replica.commit_votes.views() <= COMMIT_VIEWS + 1, "R8: commit votes are bounded");
    assert!(replica.timeouts.len() <= size, "R8: one timeout per validator");
    assert!(replica.answered.len() <= size && replica.amnesiacs.len() <= size, "one per peer");
    assert!(replica.learner.is_some() == (replica.safety.is_some() && !replica.is_active()), "R10");
}

#[cfg(test)]
mod tests;
