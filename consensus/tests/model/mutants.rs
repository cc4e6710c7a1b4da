//! Every condition of the rules is there for a reason: without it either the model finds the way to
//! a disaster, which the production core then does not go; or the condition is a second lock on a
//! door, and it is the comparison with the core that misses it.

use super::condition::{Condition, Rules};
use super::conformance::{differences, walks};
use super::explore::{Violation, Way, violation, with_names};
use super::replay::Replay;
use super::scope::Scope;
use super::state::State;
use super::step::{Step, World};
use super::{LOST, READMITTED, THREE_VIEWS, TWO_VIEWS, search};

use Condition::{
    AboveStatements, CommitGateIsAMark, CommitNotTimedOut, CommitOnce, Justified, Memory,
    PrepareCurrent, PrepareNotTimedOut, PrepareOnce, QcBelow, Quorum, RaiseQc, RaiseQcOnEntry,
    ReadmitMarks, ReadmitQc, Statements, TimeoutCurrent, TimeoutMaximum, TimeoutOnce,
    TimeoutSignsQc,
};

/// What is removed, where the disaster is to be found, and which it is.
const DISASTERS: [(&[Condition], Scope, Violation); 13] = [
    (&[PrepareOnce], TWO_VIEWS, Violation::DoubleSign),
    (&[Justified], TWO_VIEWS, Violation::Heart),
    (&[TimeoutMaximum], THREE_VIEWS, Violation::Heart),
    (&[CommitNotTimedOut], TWO_VIEWS, Violation::Heart),
    // The gate read as "has not timed out of exactly v": entering with the QC makes up for it.
    (&[CommitGateIsAMark, RaiseQcOnEntry], THREE_VIEWS, Violation::Heart),
    (&[RaiseQc], THREE_VIEWS, Violation::Heart),
    (&[TimeoutOnce], TWO_VIEWS, Violation::DoubleSign),
    (&[TimeoutSignsQc], THREE_VIEWS, Violation::Heart),
    (&[Quorum], TWO_VIEWS, Violation::TwoCertificates),
    (&[Memory], LOST, Violation::DoubleSign),
    (&[Statements], READMITTED, Violation::DoubleSign),
    (&[AboveStatements], READMITTED, Violation::DoubleSign),
    (&[AboveStatements], LOST, Violation::DoubleSign),
];

#[test]
fn without_a_condition_the_model_finds_a_disaster() {
    for (removed, scope, expected) in DISASTERS {
        let (mutant, report) = search(&format!("without {removed:?}"), scope, removed, Way::Kept);
        let (violation, way) = report.violation.expect("a disaster");
        assert_eq!(violation, expected, "without {removed:?}");
        expect_not_gone(scope, removed, &with_names(&mutant, &way));
    }
}

/// The same schedule under all rules ends well, for the condition removed is in its way; and the core
/// can be led along it, as far as it goes.
fn expect_not_gone(scope: Scope, removed: &[Condition], way: &[Step]) {
    let world = World::new(scope, Rules::ALL);
    let mut state = State::START;
    let mut against = Vec::new();
    let mut possible = Vec::new();
    for step in way {
        let mut offered = false;
        let certificates = world.certificates(&state);
        world.acts(&state, step.member, &certificates, &mut |act| offered |= act == step.act);
        if !offered {
            continue;
        }
        possible.push(*step);
        match world.take(&state, *step) {
            Ok(after) => state = after,
            Err(condition) => against.push(condition),
        }
        assert_eq!(violation(&world, &state, &world.certificates(&state)), None);
    }
    let in_the_way = against.iter().any(|condition| removed.contains(condition));
    // Without these the way begins with other certificates or other timeouts, which are not offered.
    let other = [RaiseQc, RaiseQcOnEntry, TimeoutSignsQc, Statements, Quorum, CommitGateIsAMark];
    assert!(in_the_way || other.contains(&removed[0]), "{removed:?}, not {against:?}");
    if scope.wipes {
        return;
    }
    let mut replay = Replay::new(&world);
    for step in possible {
        if replay.acts().contains(&step) {
            replay.perform(step).expect("the core keeps all rules");
        }
    }
    let certificates = world.certificates(&replay.state);
    assert_eq!(violation(&world, &replay.state, &certificates), None);
}

/// R2, R3, R5: a question is enough.
#[test]
fn without_a_condition_the_core_answers_otherwise() {
    for removed in [
        [PrepareCurrent],
        [PrepareOnce],
        [PrepareNotTimedOut],
        [QcBelow],
        [Justified],
        [TimeoutMaximum],
        [CommitOnce],
        [CommitNotTimedOut],
        [CommitGateIsAMark],
        [TimeoutCurrent],
        [TimeoutOnce],
        [Memory],
    ] {
        let found = differences(Rules { removed: Box::leak(Box::new(removed)) });
        let missed = if removed == [CommitGateIsAMark] { CommitNotTimedOut } else { removed[0] };
        assert!(found.iter().any(|q| q.core == Err(missed)), "{removed:?}");
        assert!(found.iter().all(|q| q.core.is_err()), "the core is the stricter one");
    }
}

/// R0, R3, R4, R5: what is remembered shows in what is signed.
#[test]
fn without_a_condition_the_core_signs_otherwise() {
    for removed in [&[RaiseQc], &[RaiseQcOnEntry], &[TimeoutSignsQc], &[Quorum]] {
        let world = World::new(super::FULL, Rules { removed });
        let difference = walks(&world, 500).expect_err("a difference");
        println!("without {removed:?}: {difference:?}");
    }
}

/// Second locks: the model alone would not miss them in this scope. If one of them becomes needed,
/// this test says so.
#[test]
fn some_conditions_are_second_locks() {
    let removed: [&[Condition]; 8] = [
        &[PrepareCurrent],
        &[PrepareNotTimedOut],
        &[QcBelow],
        &[CommitOnce],
        &[CommitGateIsAMark],
        &[TimeoutCurrent],
        &[ReadmitMarks],
        &[ReadmitQc],
    ];
    for removed in removed {
        let (_, report) = search(&format!("without {removed:?}"), LOST, removed, Way::Forgotten);
        assert_eq!(report.violation, None);
    }
}
