#![allow(clippy::unwrap_used)]

use logothete_primitives::{
    BlockHash, ChainId, Digest, Domain, Height, ReceiptsRoot, StateRoot, TimestampMs,
    ValidatorIndex, View, hash,
};

use super::{LeaderElection, Reputation};
use crate::block::{BlockHeader, Executed};
use crate::validators::validators;

fn header(view: u64, proposer: ValidatorIndex) -> BlockHeader {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let chain = ChainId::new(Digest::ZERO);
    let genesis = BlockHeader::genesis(chain, TimestampMs::ZERO, executed);
    BlockHeader { view: View::new(view), proposer, parent: BlockHash::ZERO, ..genesis }
}

fn counts(powers: &[u64], views: u64) -> Vec<u64> {
    let election = LeaderElection::new(&validators(powers));
    let mut counts = vec![0; powers.len()];
    // Everybody proposes: nobody is skipped.
    let mut reputation = Reputation::default();
    for view in 1..=views {
        let leader = election.leader(&reputation, View::new(view));
        counts[leader.as_usize()] += 1;
        election.extend(&mut reputation, &header(view, leader));
    }
    counts
}

/// Runs a chain in which `down` never propose; returns the views that are lost.
fn lost(powers: &[u64], down: &[u16], views: u64) -> Vec<u64> {
    let election = LeaderElection::new(&validators(powers));
    let mut reputation = Reputation::default();
    let mut lost = Vec::new();
    for view in 1..=views {
        let leader = election.leader(&reputation, View::new(view));
        if down.contains(&leader.get()) {
            lost.push(view);
        } else {
            election.extend(&mut reputation, &header(view, leader));
        }
    }
    lost
}

#[test]
fn equal_powers_take_turns() {
    let election = LeaderElection::new(&validators(&[1; 4]));
    let leaders: Vec<u16> = (0..8)
        .map(|view| election.scheduled(&Reputation::default(), View::new(view)).get())
        .collect();
    assert_eq!(leaders, [0, 1, 2, 3, 0, 1, 2, 3]);
    for n in [1, 2, 3, 4, 7, 13, 200] {
        let counts = counts(&vec![5; n], LeaderElection::period(n));
        let per_turn = counts[0];
        assert!(counts.iter().all(|count| *count == per_turn), "{n}: {counts:?}");
    }
}

#[test]
fn places_follow_power() {
    assert_eq!(counts(&[1, 2, 3, 4], 1000), [100, 200, 300, 400]);
    let huge = [1 << 60, 1 << 60, 1 << 61];
    let counts = counts(&huge, 1000);
    assert_eq!((counts[0], counts[1], counts[2]), (250, 250, 500));
}

#[test]
fn a_leader_who_is_down_is_skipped_soon() {
    let lost = lost(&[1; 4], &[3], 8192);
    println!("one of four down: {} of 8192 views lost: {lost:?}", lost.len());
    assert!(lost.len() <= 6, "{lost:?}");
    let lost = self::lost(&[1; 7], &[2, 5], LeaderElection::period(7) - 1);
    println!("two of seven down: {} of 8189 views lost: {lost:?}", lost.len());
    assert!(lost.len() <= 10, "{lost:?}");
}

#[test]
fn the_skip_expires() {
    let election = LeaderElection::new(&validators(&[1; 4]));
    let mut reputation = Reputation::default();
    election.extend(&mut reputation, &header(1, ValidatorIndex::new(1)));
    // View 2 has no block: v2 is skipped from now on.
    election.extend(&mut reputation, &header(3, ValidatorIndex::new(3)));
    assert_eq!(election.skipped(&reputation, View::new(4)), [ValidatorIndex::new(2)]);
    let mut back = None;
    for view in 4..500 {
        let leader = election.leader(&reputation, View::new(view));
        if leader == ValidatorIndex::new(2) {
            back = Some(view);
            break;
        }
        election.extend(&mut reputation, &header(view, leader));
    }
    assert_eq!(back, Some(262), "64 turns of four after view 2, at its own next place");
    // It proposes, and its record is clean.
    election.extend(&mut reputation, &header(262, ValidatorIndex::new(2)));
    assert_eq!(reputation.failures.len(), 0);
}

#[test]
fn never_more_than_f_power_is_skipped() {
    for (powers, down) in
        [(vec![1; 4], vec![1, 2]), (vec![5, 1, 3, 2, 4], vec![0, 2]), (vec![1; 3], vec![1])]
    {
        let set = validators(&powers);
        let election = LeaderElection::new(&set);
        let mut reputation = Reputation::default();
        for view in 1..2000 {
            let view = View::new(view);
            let leader = election.leader(&reputation, view);
            if !down.contains(&leader.get()) {
                election.extend(&mut reputation, &header(view.get(), leader));
            }
            let skipped = election.skipped(&reputation, view.next());
            let power: u64 = skipped.iter().map(|index| set.power(*index)).sum();
            assert!(power <= set.max_faulty(), "{powers:?}: {skipped:?} at {view}");
        }
    }
}

#[test]
fn a_long_stall_is_bounded_work_and_leaves_somebody() {
    let election = LeaderElection::new(&validators(&[1; 4]));
    let mut reputation = Reputation::default();
    election.extend(&mut reputation, &header(1, ValidatorIndex::new(1)));
    for view in [10, 1_000, 1_000_000, u64::MAX / 2, u64::MAX] {
        let leader = election.leader(&reputation, View::new(view));
        assert!(leader.get() < 4);
    }
}

/// R1: the leader depends on the headers of one period alone, so a replica that starts from those
/// agrees with one that saw the whole chain.
#[test]
fn one_period_of_headers_is_enough() {
    let election = LeaderElection::new(&validators(&[3, 1, 2, 2, 1]));
    let mut whole = Reputation::default();
    let mut headers = Vec::new();
    let mut state = 11_u64;
    for view in 1..20_000 {
        let leader = election.leader(&whole, View::new(view));
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 61 == 0 || leader.get() == 2 {
            continue;
        }
        let header = header(view, leader);
        election.extend(&mut whole, &header);
        headers.push(header.clone());
        if headers.len() % 61 != 0 {
            continue;
        }
        let from = LeaderElection::history_from(5, header.view);
        let recent = headers.iter().filter(|header| header.view >= from);
        let part = election.replay(recent);
        assert_eq!(part.last, whole.last);
        for ahead in 1..30 {
            let view = header.view.plus(ahead);
            assert_eq!(election.leader(&part, view), election.leader(&whole, view), "at {view}");
        }
    }
}

/// The schedule begins again when nobody has gained or lost: worked out by hand for 3, 1 and 2.
#[test]
fn the_schedule_repeats_after_one_round() {
    let places: Vec<u16> =
        super::smooth_round_robin(&[3, 1, 2], 13).iter().map(|index| index.get()).collect();
    assert_eq!(places, [0, 2, 0, 1, 2, 0, 0, 2, 0, 1, 2, 0, 0]);
}

/// Validators that disagree about a leader lose its views, so no change of the election goes unseen:
/// the first leaders, and a digest of all of them, on chains on which some are down now and then.
#[test]
fn leaders_on_broken_chains_stay_the_same() {
    let leaders = |powers: &[u64], down: &[u16]| {
        let election = LeaderElection::new(&validators(powers));
        let mut reputation = Reputation::default();
        let mut leaders = Vec::new();
        for view in 1..=20_000 {
            let leader = election.leader(&reputation, View::new(view));
            leaders.push(u8::try_from(leader.get()).unwrap());
            let is_down = down.contains(&leader.get()) && view / 700 % 2 == 0;
            if !is_down && view % 97 != 0 {
                election.extend(&mut reputation, &header(view, leader));
            }
        }
        let first: String = leaders[..40].iter().map(u8::to_string).collect();
        format!("{first} {}", &hash(Domain::new("test/leaders"), &leaders).to_string()[..16])
    };
    let all =
        [leaders(&[1; 4], &[1]), leaders(&[5, 1, 3, 2, 4], &[0, 3]), leaders(&[1; 7], &[2, 5, 6])];
    assert_eq!(
        all,
        [
            "1230323002302230223032300230223022303230 209609ff76881b62",
            "4230410240324004230410240324004230410240 3e36f4f0ad88a6e0",
            "1234560123456012345601234560123456012345 932db256f994f69c"
        ]
    );
}
