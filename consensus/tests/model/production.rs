//! The production core's own verdict on what the model asks: `SafetyRules` on a state with the same
//! marks. Only what decides is made up; signatures are not looked at here.

use logothete_consensus::known::Known;
use logothete_consensus::{
    BlockHeader, CommitCert, QuorumCert, Rejection, SafetyRefusal, SafetyRules, SafetyState,
    Signatures, TimeoutCert,
};
use logothete_primitives::{BlockHash, Epoch, Height, SignerSet, ValidatorIndex, View as Real};

use super::condition::{Condition, Justification, Verdict};
use super::scope::View;
use super::state::{Marks, Member};
use super::support::keyed_hash::KeyedHash;
use super::support::stage;

fn real(view: View) -> Real {
    Real::new(u64::from(view))
}

fn qc(view: View) -> QuorumCert {
    let genesis = QuorumCert::genesis(Epoch::ZERO, BlockHash::ZERO);
    QuorumCert { view: real(view), height: Height::new(u64::from(view)), ..genesis }
}

fn tc(view: View, maximum: View) -> TimeoutCert {
    let timeouts = Vec::new().try_into().unwrap();
    TimeoutCert { epoch: Epoch::ZERO, view: real(view), timeouts, high_qc: qc(maximum) }
}

fn cc(view: View) -> CommitCert {
    CommitCert {
        epoch: Epoch::ZERO,
        view: real(view),
        block: BlockHash::ZERO,
        signers: SignerSet::new(1),
        signatures: Signatures::default(),
    }
}

fn rules(member: &Member) -> SafetyRules {
    let Marks { prepared, timed_out, committed, .. } = member.marks;
    let state = (!member.lost).then(|| SafetyState {
        prepared: real(prepared),
        timed_out: real(timed_out),
        committed: real(committed),
        ..SafetyState::fresh(Epoch::ZERO)
    });
    let (index, signer) = (ValidatorIndex::new(0), Box::new(KeyedHash::new(0)));
    SafetyRules::new(stage::chain(), Epoch::ZERO, index, signer, state)
}

pub(crate) fn prepare(member: &Member, v: View, on: Justification) -> Verdict {
    let header = BlockHeader { view: real(v), parent_view: real(on.qc), ..stage::genesis() };
    let tc = on.tc.map(|(view, maximum)| tc(view, maximum));
    let verdict = rules(member).safe_to_prepare(&header, tc.as_ref(), real(member.view));
    verdict.map_err(|refusal| match refusal {
        SafetyRefusal::Amnesia => Condition::Memory,
        SafetyRefusal::NotCurrent { .. } => Condition::PrepareCurrent,
        SafetyRefusal::AlreadySigned { .. } => Condition::PrepareOnce,
        SafetyRefusal::TimedOut { .. } => Condition::PrepareNotTimedOut,
        SafetyRefusal::Unjustified(Rejection::QcNotBelow { .. }) => Condition::QcBelow,
        SafetyRefusal::Unjustified(Rejection::NotJustified { .. }) => Condition::Justified,
        SafetyRefusal::Unjustified(Rejection::QcBelowTimeouts { .. }) => Condition::TimeoutMaximum,
        other => panic!("{other:?}"),
    })
}

pub(crate) fn commit(member: &Member, v: View) -> Verdict {
    rules(member).safe_to_commit(&qc(v)).map_err(|refusal| match refusal {
        SafetyRefusal::Amnesia => Condition::Memory,
        SafetyRefusal::AlreadySigned { .. } => Condition::CommitOnce,
        SafetyRefusal::TimedOut { .. } => Condition::CommitNotTimedOut,
        other => panic!("{other:?}"),
    })
}

pub(crate) fn timeout(member: &Member, v: View) -> Verdict {
    rules(member).safe_to_timeout(real(v), real(member.view)).map_err(|refusal| match refusal {
        SafetyRefusal::Amnesia => Condition::Memory,
        SafetyRefusal::NotCurrent { .. } => Condition::TimeoutCurrent,
        SafetyRefusal::AlreadySigned { .. } => Condition::TimeoutOnce,
        other => panic!("{other:?}"),
    })
}

/// R10: the marks after a readmission on a CC and a QC; `None` if it is refused.
pub(crate) fn readmit(above: View, commit: View, quorum: View) -> Option<Marks> {
    let mut rules = rules(&Member { lost: true, ..Member::FRESH });
    let mut known = Known::new(qc(0));
    known.raise_qc(&qc(quorum));
    known.raise_cc(&cc(commit));
    rules.readmit(real(above), &known).ok()?;
    let marks = rules.marks().unwrap();
    let small = |view: Real| View::try_from(view.get()).unwrap();
    Some(Marks {
        prepared: small(marks.prepared),
        timed_out: small(marks.timed_out),
        committed: small(marks.committed),
        high_qc: small(marks.high_qc),
    })
}
