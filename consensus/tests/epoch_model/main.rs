//! R9 in small scope, ahead of the code: all that four members of an epoch, four of the next, and a liar in each can do.
//!
//! The production code refuses a change of the validator set; this model is what it will have to keep. Within an epoch
//! the conditions are those of `tests/model/condition.rs`, which `tests/model/conformance.rs` ties to the core; quorums
//! are counted by `ValidatorSet`, and a database that was rolled back is known by `Marks`. `docs/testing-consensus.md`
//! says what was found. `LOGOTHETE_MODEL=full` explores more.
#![allow(clippy::unwrap_used)]

mod certificates;
mod chain;
#[path = "../model/condition.rs"]
#[allow(dead_code)] // The other model removes them one by one.
mod condition;
#[path = "../model/fingerprint.rs"]
mod fingerprint;
mod mutants;
mod rule;
#[path = "../model/scope.rs"]
#[allow(dead_code)] // Only its views.
mod scope;
mod search;
mod sets;
#[path = "../model/state.rs"]
#[allow(dead_code)] // Only its members.
mod state;
mod step;
mod validator;

use std::time::Instant;

use chain::Kind::{End, Plain};
use chain::Span;
use search::{Report, Violation, search};
use sets::Shared;
use step::{Misfortune, World};

/// Two views of the first epoch, whose leaders may each end it; one view of the second.
const SMALL: Span = Span { first: &[&[End], &[End]], second: &[1] };
/// One view of both.
const SHORT: Span = Span { first: &[&[End, Plain]], second: &[1] };
/// As in the small one, and the first leader equivocates.
const END: Span = Span { first: &[&[End, Plain], &[End]], second: &[1] };
/// The end is the first block; two views of the second epoch, the first leader equivocates.
const BEGINNING: Span = Span { first: &[&[End]], second: &[2, 1] };
/// Two leaders equivocate about the end of the epoch.
const TWO_ENDS: Span = Span { first: &[&[End, Plain], &[End, End]], second: &[1] };
/// Two views of both.
const BOTH: Span = Span { first: &[&[End], &[End]], second: &[1, 1] };

/// Explores and prints what was found.
fn explore(name: &str, world: &World, sought: Option<Violation>) -> Report {
    let start = Instant::now();
    let report = search(world, sought);
    println!(
        "{name}, {:?}, {:?}, without {:?}: {} states, depth {}, {} with the second epoch begun, {} with a final block in \
         it, {:?}, {:.1} s",
        world.sets.shared,
        world.misfortune,
        world.removed,
        report.states,
        report.depth,
        report.begun,
        report.finals,
        report.violation,
        start.elapsed().as_secs_f32()
    );
    report
}

fn expect_safe(name: &str, span: Span, shared: Shared, misfortune: Misfortune) {
    let report = explore(name, &World::new(span, shared, misfortune, &[]), None);
    assert_eq!(report.violation, None, "{name}, {shared:?}");
    assert!(report.begun > 0 && report.finals > 0, "{name}: the second epoch goes on");
}

fn is_full() -> bool {
    std::env::var("LOGOTHETE_MODEL").is_ok_and(|value| value == "full")
}

fn shares() -> &'static [Shared] {
    if is_full() { &Shared::ALL } else { &[Shared::None, Shared::All] }
}

/// R9: the end is agreed upon, whatever the leaders say.
#[test]
fn one_block_ends_an_epoch() {
    for shared in shares() {
        expect_safe("end", if is_full() { END } else { SMALL }, *shared, Misfortune::None);
    }
}

/// R9.
#[test]
fn the_next_epoch_begins_on_that_block_and_agrees() {
    for shared in shares() {
        expect_safe("beginning", BEGINNING, *shared, Misfortune::None);
    }
}

/// R9, bug class 23.
#[test]
fn a_restart_at_the_boundary_is_safe() {
    for misfortune in [Misfortune::Restart, Misfortune::Rollback] {
        expect_safe("end", if is_full() { END } else { SHORT }, Shared::All, misfortune);
    }
}

/// R9.
#[test]
fn larger_scopes_are_safe() {
    if is_full() {
        expect_safe("two ends", TWO_ENDS, Shared::None, Misfortune::None);
        expect_safe("both", BOTH, Shared::None, Misfortune::None);
    }
}
