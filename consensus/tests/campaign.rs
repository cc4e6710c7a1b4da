//! Some of the seeds that `cargo run --release -p logothete-consensus --example simulate` runs by the
//! ten thousand. A failure prints the command that shows it again.
#![allow(clippy::unwrap_used)]

mod support;

use support::campaign::{self, Summary};
use support::scenario::Kind;

fn expect_well(kind: Kind, seeds: std::ops::Range<u64>, must_strike: &[&str]) {
    let summary: Summary = campaign::run(kind, seeds);
    summary.print(kind);
    assert_eq!(summary.failed, [] as [u64; 0]);
    assert!(summary.replayed > 0, "some seeds are run twice");
    for name in must_strike {
        assert!(summary.tally.of(name) > 0, "no {name}: these seeds test less than they say");
    }
}

#[test]
fn clusters_agree_and_go_on_after_chaos() {
    let faults = [
        "crash",
        "wipe",
        "partition",
        "one way cut",
        "message lost",
        "message late",
        "message duplicated",
        "evidence",
        "refused by the core",
        "refused by the verifier",
    ];
    expect_well(Kind::Chaos, 0..500, &faults);
}

/// R2, R8: one key in two processes, which hear different things and sign both.
#[test]
fn clusters_agree_in_spite_of_twins() {
    expect_well(Kind::Twins, 0..2000, &["partition", "evidence"]);
}
