#![allow(clippy::unwrap_used)]

use std::time::Duration;

use logothete_client::rpc::types::Absence;
use logothete_consensus::{Mode, Status};
use logothete_primitives::{
    BlockHash, Epoch, Height, SecretKey, SignerSet, Validator, ValidatorIndex, ValidatorSet, View,
};

use super::{Reach, Roll, Sight, learning};
use crate::service::VoteWatch;

pub(in crate::rpc) fn set() -> ValidatorSet {
    let member = |index: u8| Validator {
        key: SecretKey::from_seed([index + 1; 32]).public(),
        power: 1,
        name: format!("v{index}").try_into().unwrap(),
    };
    ValidatorSet::new(Epoch::ZERO, (0..4).map(member).collect()).unwrap()
}

pub(in crate::rpc) fn signers(indices: &[u16]) -> SignerSet {
    let mut signers = SignerSet::new(4);
    for index in indices {
        signers.insert(ValidatorIndex::new(*index));
    }
    signers
}

pub(in crate::rpc) fn status(mode: Mode) -> Status {
    Status {
        epoch: Epoch::ZERO,
        view: View::new(9),
        leader: None,
        skipped: Vec::new(),
        high_qc_view: View::new(8),
        high_qc_height: Height::new(5),
        committed_height: Height::new(4),
        committed_view: View::new(7),
        committed_hash: BlockHash::ZERO,
        mode,
        amnesiacs: SignerSet::new(4),
        index: Some(ValidatorIndex::new(0)),
        marks: None,
        prepare_votes: SignerSet::new(4),
        commit_votes: SignerSet::new(4),
        timeouts: SignerSet::new(4),
        timeout: Duration::from_secs(1),
        next_timer: None,
        failed_views: 0,
        blocks: 0,
        missing: 0,
    }
}

pub(in crate::rpc) fn votes(last_seen_ms: [u64; 4]) -> VoteWatch {
    let last_view = vec![9, 9, 8, 2];
    VoteWatch { last_view, last_seen_ms: last_seen_ms.to_vec(), ..VoteWatch::of(4) }
}

pub(in crate::rpc) fn sight<'a>(
    set: &'a ValidatorSet,
    status: &'a Status,
    votes: &'a VoteWatch,
    reach: &'a dyn Fn(ValidatorIndex) -> Reach,
    now_ms: u64,
) -> Sight<'a> {
    let idle = Duration::from_millis(500);
    Sight { set, status, votes, reach, now_ms, started_ms: 1_000, idle }
}

fn missing(status: &Status, last_seen_ms: [u64; 4], now_ms: u64) -> Vec<String> {
    let (set, votes) = (set(), votes(last_seen_ms));
    let reach = |_| Reach::Gone;
    Roll::take(&sight(&set, status, &votes, &reach, now_ms)).missing()
}

#[test]
fn a_silent_validator_is_missing_and_a_voting_one_is_not() {
    let status = status(Mode::Active);
    assert_eq!(missing(&status, [0, 59_000, 58_000, 50_000], 60_000), ["v3"]);
}

#[test]
fn nobody_is_missing_right_after_the_start() {
    let status = status(Mode::Active);
    assert!(missing(&status, [0; 4], 1_500).is_empty());
}

#[test]
fn in_a_view_that_was_given_up_a_vote_in_hand_does_not_hide_a_death() {
    let mut status = status(Mode::Active);
    status.prepare_votes = signers(&[0, 1, 2]);
    status.commit_votes = signers(&[0, 1, 2]);
    let seen = [0, 59_500, 57_500, 1_000];
    assert_eq!(missing(&status, seen, 60_000), ["v3"], "the timer of v2 may still run");
    status.timeouts = signers(&[0, 1]);
    assert_eq!(missing(&status, seen, 60_000), ["v2", "v3"]);
}

#[test]
fn a_long_timer_is_waited_for() {
    let mut status = status(Mode::Active);
    status.timeout = Duration::from_secs(20);
    assert!(missing(&status, [0, 59_000, 40_000, 45_000], 60_000).is_empty());
    assert_eq!(missing(&status, [0, 59_000, 30_000, 45_000], 60_000), ["v2"]);
}

#[test]
fn a_learner_counts_itself_as_missing_and_says_what_it_waits_for() {
    let statements = signers(&[1, 2]);
    let mut status = status(Mode::Learner { statements, above: None });
    status.amnesiacs = signers(&[0]);
    assert_eq!(missing(&status, [60_000; 4], 60_000), ["v0"]);
    assert!(learning(&set(), &status).unwrap().contains("2 of 3"));
    let above = Some(View::new(41));
    status.mode = Mode::Learner { statements, above };
    assert!(learning(&set(), &status).unwrap().contains("above 41"));
    status.amnesiacs = signers(&[0, 3]);
    assert!(learning(&set(), &status).unwrap().contains("waits for their records"));
}

#[test]
fn a_follower_accuses_nobody_it_never_heard() {
    let mut status = status(Mode::Follower);
    status.index = None;
    assert_eq!(missing(&status, [0, 59_000, 0, 40_000], 60_000), ["v3"]);
    assert_eq!(learning(&set(), &status), None);
}

#[test]
fn a_missing_validator_is_told_with_why_and_since_when() {
    let mut status = status(Mode::Active);
    status.amnesiacs = signers(&[2]);
    let (set, votes) = (set(), votes([0, 59_000, 50_000, 0]));
    let reach = |index: ValidatorIndex| match index.get() {
        3 => Reach::Never,
        _ => Reach::Connected { silent: Duration::ZERO },
    };
    let roll = Roll::take(&sight(&set, &status, &votes, &reach, 60_000));
    let told: Vec<_> = roll
        .members
        .iter()
        .map(|member| (member.last_heard.map(|at| at.get()), member.absence))
        .collect();
    assert_eq!(
        told,
        [
            (None, None),
            (Some(59_000), None),
            (Some(50_000), Some(Absence::Learning)),
            (None, Some(Absence::NeverReached)),
        ]
    );
}
