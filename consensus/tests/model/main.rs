//! The rules in small scope: all that four members can do in a few views, one of them a liar.
//!
//! `LOGOTHETE_MODEL=full cargo test --release -p logothete-consensus --test model three_views` takes
//! a minute or more: three views, each with an equivocating leader.
//! `docs/testing-consensus.md` says what is modelled and how the model is tied to the core.
#![allow(clippy::unwrap_used)]

mod cast;
mod certificates;
mod condition;
mod conformance;
mod explore;
mod fingerprint;
mod mutants;
mod production;
mod replay;
mod scope;
mod state;
mod step;
#[path = "../support/mod.rs"]
mod support;

use std::time::Instant;

use condition::{Condition, Rules};
use explore::{Report, Way, explore};
use scope::Scope;
use step::World;

/// An equivocating leader in both views.
const TWO_VIEWS: Scope = Scope { tags: &[2, 2], timeouts: true, wipes: false };
/// One block on each parent; a leader may still propose on every parent that is justified.
const THREE_VIEWS: Scope = Scope { tags: &[1, 1, 1], timeouts: true, wipes: false };
/// An equivocating leader in all three.
const FULL: Scope = Scope { tags: &[2, 2, 2], timeouts: true, wipes: false };
/// R10 at its most crowded; who lost its memory cannot come back in two views.
const LOST: Scope = Scope { tags: &[2, 2], timeouts: true, wipes: true };
/// R10 up to the return: the fourth view is the first to sign in again, and its leader equivocates.
const READMITTED: Scope = Scope { tags: &[1, 1, 1, 2], timeouts: false, wipes: true };

/// Explores and prints what was found.
fn search(name: &str, scope: Scope, removed: &'static [Condition], way: Way) -> (World, Report) {
    let start = Instant::now();
    let world = World::new(scope, Rules { removed });
    let report = explore(&world, way);
    println!(
        "{name}: {} states, {} steps, depth {}, {} with the last view final, {} readmissions, {:?}, \
         {:.1} s",
        report.states,
        report.steps,
        report.depth,
        report.finals,
        report.readmitted,
        report.violation.as_ref().map(|(violation, _)| violation),
        start.elapsed().as_secs_f32()
    );
    (world, report)
}

fn expect_safe(name: &str, scope: Scope) -> Report {
    let (_, report) = search(name, scope, &[], Way::Forgotten);
    assert_eq!(report.violation, None);
    report
}

#[test]
fn two_views_with_equivocating_leaders_are_safe() {
    assert!(expect_safe("two views", TWO_VIEWS).finals > 0);
}

#[test]
fn three_views_are_safe() {
    let full = std::env::var("LOGOTHETE_MODEL").is_ok_and(|value| value == "full");
    assert!(expect_safe("three views", if full { FULL } else { THREE_VIEWS }).finals > 0);
}

/// R10.
#[test]
fn a_lost_memory_is_safe() {
    assert_eq!(expect_safe("two views, a memory lost", LOST).readmitted, 0);
}

/// R10.
#[test]
fn a_readmission_is_safe() {
    assert!(expect_safe("four views, a memory lost", READMITTED).readmitted > 0);
}
