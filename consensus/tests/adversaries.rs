//! Liars as ordinary members, up to f of the power: the honest agree, go on once the network is well,
//! and the misdeed did happen. More than f, and the checkers of these tests must see it.
#![allow(clippy::unwrap_used)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use logothete_consensus::SafetyState;
use logothete_primitives::{Epoch, ValidatorIndex, View};
use support::adversary::Misdeed;
use support::cluster::Cluster;
use support::faults::Faults;
use support::scenario::{expect_progress, restart_amnesiacs};
use support::tally::Tally;

/// A network that delays and loses a little, so that liars get their chances.
const ROUGH: Faults = Faults {
    loss: 30,
    duplicate: 20,
    delay: (2_000, 30_000),
    straggle: 20,
    straggle_max: 800_000,
    partition: 200,
    ..Faults::NONE
};

/// Runs clusters of four with one liar and of seven with two, and sums up what happened.
fn with_liars(misdeed: Misdeed) -> Tally {
    let mut sum = Tally::default();
    for seed in 0..12 {
        for (powers, liars) in [(vec![1; 4], vec![2]), (vec![1; 7], vec![1, 4])] {
            let mut cluster = run(seed, &powers, &liars, misdeed);
            expect_progress(&mut cluster);
            cluster.count_misdeeds();
            sum.absorb(&cluster.tally);
        }
    }
    println!("{misdeed:?}: {sum:?}");
    assert!(sum.of(misdeed.name()) > 40, "too little of it: {sum:?}");
    sum
}

fn run(seed: u64, powers: &[u64], liars: &[u16], misdeed: Misdeed) -> Cluster {
    let mut cluster = Cluster::new(seed, powers, ROUGH);
    cluster.busy = true;
    for liar in liars {
        cluster.corrupt(ValidatorIndex::new(*liar), misdeed);
    }
    for _ in 0..25 {
        cluster.run_ms(120);
        restart_amnesiacs(&mut cluster);
    }
    cluster
}

/// R2, R8.
#[test]
fn an_equivocating_leader_is_found_out() {
    assert!(with_liars(Misdeed::EquivocatingLeader).of("evidence") > 0);
}

/// R2, R8; bug class 1.
#[test]
fn a_double_voter_is_found_out() {
    assert!(with_liars(Misdeed::DoubleVoter).of("evidence") > 0);
}

/// R3, R4.
#[test]
fn a_vote_withholder_is_not_needed() {
    with_liars(Misdeed::VoteWithholder);
}

/// R6, R7.
#[test]
fn a_silent_leader_is_passed_over() {
    with_liars(Misdeed::SilentLeader);
}

/// R0, R8: whatever is old changes nothing.
#[test]
fn a_replayer_of_old_messages_changes_nothing() {
    with_liars(Misdeed::StaleReplayer);
}

/// R0; bug class 5: every forged certificate that arrives is refused.
#[test]
fn a_forger_is_refused_by_the_verifier() {
    let sum = with_liars(Misdeed::Forger);
    assert!(sum.of("refused by the verifier") > sum.of(Misdeed::Forger.name()));
}

/// R10 broken by one.
#[test]
fn an_amnesiac_who_signs_on_does_no_harm() {
    with_liars(Misdeed::Amnesiac);
}

/// R2.
#[test]
fn a_time_stamper_is_refused_by_the_core() {
    assert!(with_liars(Misdeed::TimeStamper).of("refused by the core") > 0);
}

/// R8: what a flood can fill is bounded, which every step of the core asserts.
#[test]
fn a_flooder_fills_nothing() {
    assert!(with_liars(Misdeed::Flooder).of("refused by the core") > 0);
}

/// What an assertion said; nothing if none failed.
fn said_by(run: std::thread::Result<()>) -> String {
    let Err(panic) = run else { return String::new() };
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// The checkers can fail. More than f run twice, each life in its own half of the network: a fork.
///
/// ```text
///  v0 v1 v2 | v1' v2' v3      three of four on either side
/// ```
#[test]
fn a_fork_by_more_than_f_is_caught() {
    let mut cluster = Cluster::new(1, &[1; 4], Faults::NONE);
    cluster.busy = true;
    cluster.add_twin(ValidatorIndex::new(1));
    cluster.add_twin(ValidatorIndex::new(2));
    cluster.partition(&[0, 0, 0, 1, 1, 1]);
    let fork = catch_unwind(AssertUnwindSafe(|| cluster.run_ms(10_000)));
    let message = said_by(fork);
    assert!(message.contains("forks at height"), "{message}");
}

/// The checkers can fail. Each thing that must survive a crash is forgotten, or all of it (R10): the
/// one whose disk it was signs twice, all the more if a leader proposes twice.
#[test]
fn a_forgetful_disk_is_caught() {
    type Forget = fn(&mut SafetyState);
    let table: [(&str, Forget, &str); 5] = [
        (
            "the prepare vote",
            |state| (state.prepared, state.last_prepare) = (View::ZERO, None),
            "signed twice",
        ),
        (
            "the timeout",
            |state| (state.timed_out, state.last_timeout) = (View::ZERO, None),
            "after giving it up",
        ),
        (
            "the proposal",
            |state| (state.proposed, state.last_proposal) = (View::ZERO, None),
            "signed twice",
        ),
        ("the highest QC", |state| state.high_qc = None, "the QC of a commit vote not durable"),
        ("everything", |state| *state = SafetyState::fresh(Epoch::ZERO), "signed twice"),
    ];
    for (name, forget, expected) in table {
        let caught = (0..20).filter(|seed| {
            let mut cluster = Cluster::new(*seed, &[1; 4], ROUGH);
            cluster.busy = true;
            cluster.corrupt(ValidatorIndex::new(1), Misdeed::EquivocatingLeader);
            let run = || {
                for pause in (0..60).map(|turn| 50 + turn % 3 * 250) {
                    cluster.run_ms(pause);
                    cluster.kill(2);
                    cluster.processes[2].disk.falsify(forget);
                    cluster.start(2);
                }
            };
            said_by(catch_unwind(AssertUnwindSafe(run))).contains(expected)
        });
        let caught = caught.count();
        println!("{name} forgotten: caught in {caught} of 20 runs");
        assert!(caught > 0, "{name}");
    }
}
