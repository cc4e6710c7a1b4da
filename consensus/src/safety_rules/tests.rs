#![allow(clippy::unwrap_used)]

use alloc::boxed::Box;

use logothete_primitives::{
    BlockHash, ChainId, Digest, Epoch, Height, ReceiptsRoot, SecretKey, SignerSet, StateRoot,
    TimestampMs, ValidatorIndex, View,
};

use super::{SafetyRefusal, SafetyRules};
use crate::block::{BlockHeader, Executed};
use crate::certificate::{CommitCert, QuorumCert, Signatures, TimeoutCert};
use crate::known::Known;
use crate::rejection::Rejection;
use crate::safety_state::{Marks, SafetyState};

fn qc(view: u64) -> QuorumCert {
    let genesis = QuorumCert::genesis(Epoch::ZERO, BlockHash::ZERO);
    QuorumCert { view: View::new(view), height: Height::new(view), ..genesis }
}

fn tc(view: u64, high: u64) -> TimeoutCert {
    let timeouts = Vec::new().try_into().unwrap();
    TimeoutCert { epoch: Epoch::ZERO, view: View::new(view), timeouts, high_qc: qc(high) }
}

fn cc(view: u64) -> CommitCert {
    CommitCert {
        epoch: Epoch::ZERO,
        view: View::new(view),
        block: BlockHash::ZERO,
        signers: SignerSet::new(1),
        signatures: Signatures::default(),
    }
}

/// What a replica knows that has seen QC(`qc`) and TC(`tc`).
fn known(qc_view: u64, tc_view: u64) -> Known {
    let mut known = Known::new(qc(0));
    known.raise_qc(&qc(qc_view));
    if tc_view > 0 {
        known.raise_tc(&tc(tc_view, qc_view));
    }
    known
}

fn header(view: u64, parent_view: u64) -> BlockHeader {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let chain = ChainId::new(Digest::ZERO);
    BlockHeader {
        view: View::new(view),
        parent_view: View::new(parent_view),
        ..BlockHeader::genesis(chain, TimestampMs::ZERO, executed)
    }
}

fn rules(state: Option<SafetyState>) -> SafetyRules {
    let signer = Box::new(SecretKey::from_seed([1; 32]));
    SafetyRules::new(ChainId::new(Digest::ZERO), Epoch::ZERO, ValidatorIndex::new(0), signer, state)
}

fn marked(prepared: u64, timed_out: u64, committed: u64) -> SafetyRules {
    rules(Some(SafetyState {
        prepared: View::new(prepared),
        timed_out: View::new(timed_out),
        committed: View::new(committed),
        ..SafetyState::fresh(Epoch::ZERO)
    }))
}

/// R2 around its boundaries; bug class 9: the double-sign check off by one.
#[test]
fn prepare_votes_around_the_marks() {
    use SafetyRefusal::{AlreadySigned, NotCurrent, TimedOut};
    let (five, six) = (View::new(5), View::new(6));
    let vote = |prepared, timed_out, view, current| {
        marked(prepared, timed_out, 0).safe_to_prepare(&header(view, view - 1), None, current)
    };
    assert_eq!(vote(4, 4, 5, five), Ok(()));
    assert_eq!(vote(0, 0, 5, five), Ok(()));
    assert_eq!(vote(5, 4, 5, five), Err(AlreadySigned { view: five, mark: five }));
    assert_eq!(vote(6, 4, 5, five), Err(AlreadySigned { view: five, mark: six }));
    assert_eq!(vote(4, 5, 5, five), Err(TimedOut { view: five, mark: five }));
    assert_eq!(vote(4, 6, 5, five), Err(TimedOut { view: five, mark: six }));
    assert_eq!(vote(4, 4, 5, six), Err(NotCurrent { view: five, current: six }));
    assert_eq!(vote(4, 4, 6, five), Err(NotCurrent { view: six, current: five }));
}

/// R1 around its boundaries: once in a view, in the current one, and not after giving it up.
#[test]
fn proposals_around_the_marks() {
    use SafetyRefusal::{AlreadySigned, NotCurrent, TimedOut, Unjustified};
    let (five, six) = (View::new(5), View::new(6));
    let propose = |proposed, timed_out, view, parent, current| {
        let rules = rules(Some(SafetyState {
            proposed: View::new(proposed),
            timed_out: View::new(timed_out),
            ..SafetyState::fresh(Epoch::ZERO)
        }));
        rules.safe_to_propose(&header(view, parent), None, current)
    };
    assert_eq!(propose(4, 4, 5, 4, five), Ok(()));
    assert_eq!(propose(5, 4, 5, 4, five), Err(AlreadySigned { view: five, mark: five }));
    assert_eq!(propose(6, 4, 5, 4, five), Err(AlreadySigned { view: five, mark: six }));
    assert_eq!(propose(4, 5, 5, 4, five), Err(TimedOut { view: five, mark: five }));
    assert_eq!(propose(4, 4, 5, 4, six), Err(NotCurrent { view: five, current: six }));
    assert_eq!(propose(4, 4, 6, 5, five), Err(NotCurrent { view: six, current: five }));
    let unjustified = Rejection::NotJustified { view: five, qc: View::new(3) };
    assert_eq!(propose(4, 4, 5, 3, five), Err(Unjustified(unjustified)));
    let amnesia = rules(None).safe_to_propose(&header(5, 4), None, five);
    assert_eq!(amnesia, Err(SafetyRefusal::Amnesia));
}

/// R1, R2: what a block of view 5 may stand on.
#[test]
fn prepare_votes_need_a_justification() {
    //           parent view, TC view and its highest QC, permitted
    let table = [
        (4, None, true),
        (3, None, false),
        (3, Some((4, 3)), true),
        (3, Some((4, 2)), true),
        (2, Some((4, 3)), false),
        (3, Some((3, 3)), false),
        (3, Some((5, 3)), false),
        (4, Some((4, 4)), false),
        (5, None, false),
        (6, None, false),
    ];
    for (parent, timeouts, permitted) in table {
        let tc = timeouts.map(|(view, high)| tc(view, high));
        let verdict =
            marked(0, 0, 0).safe_to_prepare(&header(5, parent), tc.as_ref(), View::new(5));
        assert_eq!(verdict.is_ok(), permitted, "{parent} {timeouts:?}");
    }
}

/// R2: the own highest QC is not compared.
#[test]
fn prepare_votes_ignore_the_own_qc() {
    let mut rules = marked(1, 0, 1);
    let known = known(3, 4);
    assert!(rules.sign_prepare(&header(5, 0), Some(&tc(4, 0)), &known).is_ok());
    assert_eq!(rules.state().unwrap().high_qc.as_ref().unwrap().view, View::new(3));
}

/// R3: above every view timed out of, not just different from the last.
#[test]
fn commit_votes_around_the_marks() {
    //          timed out, committed, QC view, permitted
    let table = [
        (0, 0, 1, true),
        (4, 0, 5, true),
        (5, 0, 5, false),
        (6, 0, 5, false),
        (9, 0, 5, false),
        (4, 4, 5, true),
        (4, 5, 5, false),
        (4, 6, 5, false),
        (0, 0, 0, false),
    ];
    for (timed_out, committed, view, permitted) in table {
        let verdict = marked(0, timed_out, committed).safe_to_commit(&qc(view));
        assert_eq!(verdict.is_ok(), permitted, "{timed_out} {committed} {view}");
    }
}

/// R5: once, for the current view; it carries the certificate of entry unless the QC is that.
#[test]
fn timeouts_carry_the_entry() {
    let mut rules = marked(0, 0, 0);
    let timeout = rules.sign_timeout(&known(4, 0)).unwrap();
    assert_eq!((timeout.view, timeout.high_qc.view), (View::new(5), View::new(4)));
    assert_eq!(timeout.entry, None);
    let refusal = rules.sign_timeout(&known(4, 0)).unwrap_err();
    let five = View::new(5);
    assert_eq!(refusal, SafetyRefusal::AlreadySigned { view: five, mark: five });
    let timeout = rules.sign_timeout(&known(4, 5)).unwrap();
    assert_eq!(timeout.entry.unwrap().view(), five);
}

/// Durable before sent: every signature changes the state to persist, and the state holds the
/// message and the certificates whole.
#[test]
fn signatures_change_the_state() {
    let mut rules = rules(Some(SafetyState::fresh(Epoch::ZERO)));
    assert!(rules.take_changed().is_none());
    let vote = rules.sign_prepare(&header(1, 0), None, &known(0, 0)).unwrap();
    let state = rules.take_changed().unwrap();
    assert_eq!((state.prepared, state.last_prepare), (View::new(1), Some(vote)));
    assert!(rules.take_changed().is_none(), "taken once");
    let known = known(1, 3);
    let vote = rules.sign_commit(&qc(1), &known).unwrap();
    let state = rules.take_changed().unwrap();
    assert_eq!(state.last_commit, Some((vote, qc(1))));
    assert_eq!(state.high_qc, Some(qc(1)));
    assert_eq!(state.high_tc.map(|tc| tc.view), Some(View::new(3)));
    let timeout = rules.sign_timeout(&known).unwrap();
    let state = rules.take_changed().unwrap();
    assert_eq!((state.timed_out, state.last_timeout), (View::new(4), Some(timeout)));
}

/// R10: nothing is signed without memory; readmission needs a CC above m + 1 and its QC.
#[test]
fn amnesia_signs_nothing() {
    let mut rules = rules(None);
    let known = known(4, 0);
    assert_eq!(rules.sign_timeout(&known), Err(SafetyRefusal::Amnesia));
    assert_eq!(rules.sign_commit(&qc(4), &known), Err(SafetyRefusal::Amnesia));
    assert_eq!(rules.sign_prepare(&header(5, 4), None, &known), Err(SafetyRefusal::Amnesia));

    //            m + 1, CC, QC, readmitted
    let table = [(4, 4, 4, false), (4, 5, 4, false), (4, 5, 5, true), (4, 5, 6, true)];
    for (above, commit, quorum, readmitted) in table {
        let mut rules = self::rules(None);
        let mut known = self::known(quorum, 0);
        known.raise_cc(&cc(commit));
        let verdict = rules.readmit(View::new(above), &known);
        assert_eq!(verdict.is_ok(), readmitted, "{above} {commit} {quorum}");
        if readmitted {
            let marks = rules.marks().unwrap();
            let view = View::new(commit);
            let all = [marks.prepared, marks.timed_out, marks.committed, marks.proposed];
            assert_eq!(all, [view; 4]);
            assert!(rules.take_changed().is_some(), "durable first");
        }
    }
}

/// R9: a state of another epoch is no memory of this one.
#[test]
fn a_state_of_another_epoch_is_amnesia() {
    let rules = rules(Some(SafetyState::fresh(Epoch::new(7))));
    assert!(rules.state().is_none());
}

/// R10: a state is behind if any mark is, whatever the others say; a later epoch is ahead of all.
#[test]
fn marks_cover_only_what_is_nowhere_above() {
    let marks = |epoch: u64, views: [u64; 5]| {
        let [prepared, timed_out, committed, proposed, high_qc] = views.map(View::new);
        Marks { epoch: Epoch::new(epoch), prepared, timed_out, committed, proposed, high_qc }
    };
    let earlier = marks(3, [5; 5]);
    assert!(marks(3, [5; 5]).covers(&earlier));
    assert!(marks(4, [0; 5]).covers(&earlier));
    assert!(!marks(2, [9; 5]).covers(&earlier));
    for place in 0..5 {
        let (mut above, mut below) = ([5; 5], [9; 5]);
        (above[place], below[place]) = (6, 4);
        assert!(marks(3, above).covers(&earlier), "{above:?}");
        assert!(!marks(3, below).covers(&earlier), "{below:?}");
    }
}

/// What is logged of the rules are the place and the marks; of the key nothing.
#[test]
fn debug_output_holds_the_marks_and_no_key() {
    let text = alloc::format!("{:?}", marked(3, 2, 1));
    assert!(text.starts_with("SafetyRules { index: v0, marks: Some(Marks {"), "{text}");
    assert!(text.ends_with("}), .. }"), "{text}");
}
