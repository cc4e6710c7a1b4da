//! The only code that permits a signature.
//!
//! Each `sign_*` asks the `safe_to_*` of its rule, moves the durable marks, remembers the message
//! whole, and signs. The replica turns the change into one `PersistSafety` before anything it sends.

use alloc::boxed::Box;

use logothete_primitives::codec::encoded_len;
use logothete_primitives::limits::MAX_PROPOSAL_BYTES;
use logothete_primitives::{ChainId, Epoch, Signature, Signer, ValidatorIndex, View};

use crate::block::{Block, BlockHeader};
use crate::certificate::{Certificate, QuorumCert, TimeoutCert};
use crate::known::Known;
use crate::message::{CommitVote, PrepareVote, Proposal, Statement, StatementRequest, Timeout};
use crate::rejection::Rejection;
use crate::safety_state::{Marks, ProposalMark, SafetyState};
use crate::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};
use crate::verify::check_justification;

/// Why a signature was not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SafetyRefusal {
    /// R10: the safety state was lost.
    #[error("the safety state was lost (R10)")]
    Amnesia,
    /// R2, R5: not the current view.
    #[error("view {view} is not the current view {current}")]
    NotCurrent {
        /// The view asked for.
        view: View,
        /// The current view.
        current: View,
    },
    /// A message of this kind was signed for this view or a later one.
    #[error("already signed for view {mark}, asked for view {view}")]
    AlreadySigned {
        /// The view asked for.
        view: View,
        /// The mark.
        mark: View,
    },
    /// R2, R3: timed out of this view or a later one.
    #[error("timed out of view {mark}, asked for view {view}")]
    TimedOut {
        /// The view asked for.
        view: View,
        /// The mark.
        mark: View,
    },
    /// R1: what is proposed is not justified.
    #[error(transparent)]
    Unjustified(#[from] Rejection),
    /// R10: no CC above the statements, or not its QC.
    #[error("no final block above view {above} with its certificate (R10)")]
    NotReadmitted {
        /// m + 1.
        above: View,
    },
}

/// The key and the durable marks of one validator.
pub struct SafetyRules {
    chain: ChainId,
    epoch: Epoch,
    index: ValidatorIndex,
    signer: Box<dyn Signer>,
    /// `None` is amnesia (R10).
    state: Option<SafetyState>,
    changed: bool,
}

impl core::fmt::Debug for SafetyRules {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SafetyRules")
            .field("index", &self.index)
            .field("marks", &self.marks())
            .finish_non_exhaustive()
    }
}

impl SafetyRules {
    /// The rules of the validator at `index`. A state of another epoch is no memory of this one.
    #[must_use]
    pub fn new(
        chain: ChainId,
        epoch: Epoch,
        index: ValidatorIndex,
        signer: Box<dyn Signer>,
        state: Option<SafetyState>,
    ) -> Self {
        let state = state.filter(|state| state.epoch == epoch);
        Self { chain, epoch, index, signer, state, changed: false }
    }

    /// The place of this validator.
    #[must_use]
    pub const fn index(&self) -> ValidatorIndex {
        self.index
    }

    /// The durable state; `None` is amnesia.
    #[must_use]
    pub const fn state(&self) -> Option<&SafetyState> {
        self.state.as_ref()
    }

    /// How far this validator has signed.
    #[must_use]
    pub fn marks(&self) -> Option<Marks> {
        self.state.as_ref().map(SafetyState::marks)
    }

    /// The state, if it changed since it was taken last: to be made durable before anything leaves.
    #[must_use]
    pub fn take_changed(&mut self) -> Option<SafetyState> {
        if core::mem::take(&mut self.changed) { self.state.clone() } else { None }
    }

    /// R1: a leader proposes once in a view, on a justified parent, and not after giving it up.
    pub fn safe_to_propose(
        &self,
        header: &BlockHeader,
        tc: Option<&TimeoutCert>,
        current: View,
    ) -> Result<(), SafetyRefusal> {
        let state = self.remembered()?;
        is_current(header.view, current)?;
        is_above(header.view, state.proposed)?;
        not_timed_out(header.view, state.timed_out)?;
        Ok(check_justification(header.view, header.parent_view, tc)?)
    }

    /// Signs a proposal (R1), if it is within its own size limit.
    pub fn sign_proposal(
        &mut self,
        block: Block,
        qc: QuorumCert,
        tc: Option<TimeoutCert>,
        known: &Known,
    ) -> Result<Proposal, SafetyRefusal> {
        let (view, hash) = (block.header.view, block.hash());
        self.safe_to_propose(&block.header, tc.as_ref(), known.view())?;
        let signature = self.sign(&proposal_message(&self.chain, self.epoch, view, &hash));
        let proposal = Proposal { block, qc, tc, signature };
        let size = encoded_len(&proposal);
        if size > MAX_PROPOSAL_BYTES {
            return Err(Rejection::TooLarge { size, limit: MAX_PROPOSAL_BYTES }.into());
        }
        self.update(known, |state| {
            state.proposed = view;
            state.last_proposal = Some(ProposalMark { view, block: hash, signature });
        });
        Ok(proposal)
    }

    /// R2: one prepare vote per view, for the current view, not after a timeout, on a justified
    /// block. The own highest QC is deliberately not compared: that would bring the hidden-lock
    /// stall back.
    pub fn safe_to_prepare(
        &self,
        header: &BlockHeader,
        tc: Option<&TimeoutCert>,
        current: View,
    ) -> Result<(), SafetyRefusal> {
        let state = self.remembered()?;
        is_current(header.view, current)?;
        is_above(header.view, state.prepared)?;
        not_timed_out(header.view, state.timed_out)?;
        Ok(check_justification(header.view, header.parent_view, tc)?)
    }

    /// Signs a prepare vote (R2) for a valid block whose batches are at hand.
    pub fn sign_prepare(
        &mut self,
        header: &BlockHeader,
        tc: Option<&TimeoutCert>,
        known: &Known,
    ) -> Result<PrepareVote, SafetyRefusal> {
        self.safe_to_prepare(header, tc, known.view())?;
        let body = PrepareBody {
            epoch: self.epoch,
            view: header.view,
            block: header.hash(),
            height: header.height,
            parent_view: header.parent_view,
        };
        let vote = PrepareVote {
            epoch: body.epoch,
            view: body.view,
            block: body.block,
            height: body.height,
            parent_view: body.parent_view,
            signer: self.index,
            signature: self.sign(&body.message(&self.chain)),
        };
        self.update(known, |state| {
            state.prepared = vote.view;
            state.last_prepare = Some(vote.clone());
        });
        Ok(vote)
    }

    /// R3: only if the view is above every view timed out of, not merely different from them. A late
    /// vote is allowed; one for a view below the last is not, since the later one speaks for it.
    pub fn safe_to_commit(&self, qc: &QuorumCert) -> Result<(), SafetyRefusal> {
        let state = self.remembered()?;
        is_above(qc.view, state.committed)?;
        not_timed_out(qc.view, state.timed_out)
    }

    /// Signs a commit vote (R3) for a certified block that is durable together with its batches.
    pub fn sign_commit(
        &mut self,
        qc: &QuorumCert,
        known: &Known,
    ) -> Result<CommitVote, SafetyRefusal> {
        self.safe_to_commit(qc)?;
        assert!(known.high_qc().view >= qc.view, "R3: the QC is raised before the commit vote");
        let bytes = commit_message(&self.chain, self.epoch, qc.view, &qc.block);
        let vote = CommitVote {
            epoch: self.epoch,
            view: qc.view,
            block: qc.block,
            signer: self.index,
            signature: self.sign(&bytes),
        };
        self.update(known, |state| {
            state.committed = vote.view;
            state.last_commit = Some((vote.clone(), qc.clone()));
        });
        Ok(vote)
    }

    /// R5: only the current view, and once; afterwards the same timeout is sent again.
    pub fn safe_to_timeout(&self, view: View, current: View) -> Result<(), SafetyRefusal> {
        let state = self.remembered()?;
        is_current(view, current)?;
        is_above(view, state.timed_out)
    }

    /// Signs a timeout of the current view (R5) with the highest QC and the certificate of entry.
    pub fn sign_timeout(&mut self, known: &Known) -> Result<Timeout, SafetyRefusal> {
        let view = known.view();
        self.safe_to_timeout(view, view)?;
        let high_qc = known.high_qc().clone();
        let entry = if high_qc.view.next() == view { None } else { known.entry() };
        let bytes = timeout_message(&self.chain, self.epoch, view, high_qc.view);
        let signature = self.sign(&bytes);
        let timeout =
            Timeout { epoch: self.epoch, view, high_qc, entry, signer: self.index, signature };
        self.update(known, |state| {
            state.timed_out = view;
            state.last_timeout = Some(timeout.clone());
        });
        Ok(timeout)
    }

    /// R10: tells one that has lost its state where this validator is. Needs no mark: it promises
    /// nothing, but a validator with amnesia has nothing to tell.
    pub fn sign_statement(
        &self,
        request: &StatementRequest,
        known: &Known,
    ) -> Result<Statement, SafetyRefusal> {
        self.remembered()?;
        let (nonce, view) = (request.nonce, known.view());
        let entry: Option<Certificate> = known.entry();
        let signature = self.sign(&statement_message(&self.chain, self.epoch, &nonce, view));
        Ok(Statement { nonce, view, entry, signer: self.index, signature })
    }

    /// R10: after amnesia this validator signs again above the view of a CC that is above m + 1,
    /// holding a QC not below it. All that it can have signed before is at or below m + 1.
    pub fn readmit(&mut self, above: View, known: &Known) -> Result<(), SafetyRefusal> {
        let refusal = SafetyRefusal::NotReadmitted { above };
        let view = match known.high_cc() {
            Some(cc) if cc.view > above && known.high_qc().view >= cc.view => cc.view,
            _ => return Err(refusal),
        };
        assert!(self.state.is_none(), "R10: only a validator without memory is readmitted");
        self.state = Some(SafetyState {
            prepared: view,
            timed_out: view,
            committed: view,
            proposed: view,
            ..SafetyState::fresh(self.epoch)
        });
        self.update(known, |_| ());
        Ok(())
    }

    fn remembered(&self) -> Result<&SafetyState, SafetyRefusal> {
        self.state.as_ref().ok_or(SafetyRefusal::Amnesia)
    }

    /// Every change of the marks carries the certificates known, so that a restart comes back to a
    /// view not below any that was signed for.
    fn update(&mut self, known: &Known, change: impl FnOnce(&mut SafetyState)) {
        let state = self.state.as_mut().expect("checked by the rule that permitted the signature");
        let before = state.marks();
        change(state);
        state.high_qc = Some(known.high_qc().clone());
        state.high_tc = known.high_tc().cloned();
        state.high_cc = known.cc_of_entry().cloned();
        assert!(state.marks().covers(&before), "the marks of a validator never go down");
        self.changed = true;
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.signer.sign(message)
    }
}

fn is_current(view: View, current: View) -> Result<(), SafetyRefusal> {
    if view == current { Ok(()) } else { Err(SafetyRefusal::NotCurrent { view, current }) }
}

fn is_above(view: View, mark: View) -> Result<(), SafetyRefusal> {
    if view > mark { Ok(()) } else { Err(SafetyRefusal::AlreadySigned { view, mark }) }
}

fn not_timed_out(view: View, mark: View) -> Result<(), SafetyRefusal> {
    if view > mark { Ok(()) } else { Err(SafetyRefusal::TimedOut { view, mark }) }
}

#[cfg(test)]
mod tests;
