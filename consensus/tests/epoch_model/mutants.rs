//! Every condition of R9 is there for a reason, and what is a second lock is called one.

use super::chain::Span;
use super::rule::Rule;
use super::search::Violation;
use super::sets::Shared;
use super::step::{Misfortune, World};
use super::{BEGINNING, BOTH, SHORT, SMALL, explore, is_full};

use Rule::{
    BeginsOnEnd, BeginsWhenFinal, EmptyAfterEnd, EndIsDurable, FreshMarks, MarksNameEpoch,
    NothingAfterEnd, OldEpochIsOver, TimeoutsNameEpoch, ViewsFromOne, VotesNameEpoch,
};

type Mutant = (&'static [Rule], Span, Shared, Misfortune, Violation);

const DISASTERS: [Mutant; 9] = [
    (&[VotesNameEpoch], BEGINNING, Shared::All, Misfortune::None, Violation::Fork),
    (&[TimeoutsNameEpoch], BOTH, Shared::All, Misfortune::None, Violation::TwoBeginnings),
    (&[BeginsWhenFinal], SMALL, Shared::None, Misfortune::None, Violation::TwoBeginnings),
    (&[NothingAfterEnd], SMALL, Shared::None, Misfortune::None, Violation::Fork),
    (&[BeginsOnEnd], SMALL, Shared::None, Misfortune::None, Violation::WrongBeginning),
    (&[BeginsOnEnd, EmptyAfterEnd], SMALL, Shared::None, Misfortune::None, Violation::Survivor),
    (&[FreshMarks], SMALL, Shared::Some, Misfortune::None, Violation::Mute),
    (&[ViewsFromOne], SMALL, Shared::Some, Misfortune::None, Violation::Stranded),
    (&[MarksNameEpoch], SMALL, Shared::All, Misfortune::Rollback, Violation::DoubleSign),
];

#[test]
fn without_a_condition_of_r9_the_model_finds_a_disaster() {
    for (removed, span, shared, misfortune, expected) in DISASTERS {
        let world = World::new(span, shared, misfortune, removed);
        let report = explore("mutant", &world, Some(expected));
        assert_eq!(report.violation, Some(expected), "without {removed:?}, {shared:?}");
    }
}

/// The end of the epoch and the marks of the next become durable in one order, and the marks know their epoch: either is
/// enough.
#[test]
fn a_restart_that_forgets_the_end_needs_marks_that_name_their_epoch() {
    let run = |span, removed, sought| {
        let world = World::new(span, Shared::All, Misfortune::Restart, removed);
        explore("restart", &world, sought).violation
    };
    let disaster = Some(Violation::DoubleSign);
    assert_eq!(run(SMALL, &[EndIsDurable, MarksNameEpoch], disaster), disaster);
    let span = if is_full() { SMALL } else { SHORT };
    assert_eq!(run(span, &[EndIsDurable], None), None);
    assert_eq!(run(span, &[MarksNameEpoch], None), None);
}

/// Second locks. If one of them becomes needed, this test says so.
#[test]
fn some_conditions_of_r9_are_second_locks() {
    for (removed, shared) in [(&[EmptyAfterEnd], Shared::None), (&[OldEpochIsOver], Shared::All)] {
        let world = World::new(SMALL, shared, Misfortune::None, removed);
        assert_eq!(explore("lock", &world, None).violation, None, "without {removed:?}");
    }
}

/// Validators that are in one set only cannot be quoted in the other: signatures are looked for among its members.
#[test]
fn sets_with_nobody_in_common_need_no_names_of_epochs() {
    for removed in [&[VotesNameEpoch], &[TimeoutsNameEpoch]] {
        let world = World::new(BEGINNING, Shared::None, Misfortune::None, removed);
        assert_eq!(explore("apart", &world, None).violation, None, "without {removed:?}");
    }
}
