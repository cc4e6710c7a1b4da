//! What final blocks do to the mempool.

use logothete_primitives::amount::Amount;

use super::{Desk, MempoolLimits, expiring, hashes, paying};
use crate::mempool::{DropReason, Dropped, MempoolStats, Presence};
use crate::operation::Operation;
use crate::receipt::SkipReason;
use crate::tests::{account, body, vouched};

fn empty(desk: &Desk) -> bool {
    let MempoolStats { count, bytes, accounts, ready_accounts, in_flight, .. } = desk.pool.stats();
    (count, bytes, accounts, ready_accounts, in_flight) == (0, 0, 0, 0, 0)
}

#[test]
fn executed_transactions_leave_without_a_word() {
    let mut desk = Desk::new(MempoolLimits::default());
    let block = [desk.wait(1, 0, 100), desk.wait(1, 1, 100), desk.wait(2, 0, 100)];
    desk.take_all();
    assert_eq!(desk.finalize(&block), []);
    assert!(empty(&desk));
}

#[test]
fn a_rival_with_the_same_nonce_supersedes() {
    let mut desk = Desk::new(MempoolLimits::default());
    let ours = desk.wait(1, 0, 100);
    let next = desk.wait(1, 1, 100);
    let rival = paying(1, 0, 700);
    let dropped = desk.finalize(&[rival]);
    assert_eq!(dropped, [Dropped { hash: ours.hash, reason: DropReason::Superseded }]);
    assert_eq!(desk.take_all(), hashes(&[&next]));
}

#[test]
fn a_block_of_others_fills_the_gap() {
    let mut desk = Desk::new(MempoolLimits::default());
    let waiting = desk.wait(1, 1, 100);
    assert_eq!(desk.take_all(), []);
    desk.finalize(&[paying(1, 0, 100)]);
    assert_eq!(desk.take_all(), hashes(&[&waiting]));
}

#[test]
fn skipped_by_a_gap_comes_again() {
    let mut desk = Desk::new(MempoolLimits::default());
    let first = desk.wait(1, 0, 100);
    let second = desk.wait(1, 1, 100);
    desk.take_all();
    assert_eq!(desk.finalize(&[second.clone(), first]), []);
    assert_eq!(desk.nonce(1), 1);
    assert_eq!(desk.pool.presence(&second.hash), Some(Presence::Waiting));
    assert_eq!(desk.take_all(), hashes(&[&second]));
    assert_eq!(desk.finalize(&[second]), []);
    assert!(empty(&desk));
}

#[test]
fn a_duplicate_in_the_block_is_not_reported() {
    let mut desk = Desk::new(MempoolLimits::default());
    let tx = desk.wait(1, 0, 100);
    desk.take_all();
    assert_eq!(desk.finalize(&[tx.clone(), tx]), []);
    assert!(empty(&desk));
}

#[test]
fn who_lost_the_fee_money_is_dropped_with_the_reason() {
    let mut desk = Desk::new(MempoolLimits::default());
    let late = desk.wait(1, 0, 100);
    desk.take_all();
    // Account 1 has co-signed a transaction of account 2 that takes nearly all it has.
    let take = Operation::Transfer {
        from: Some(account(1)),
        to: account(2),
        amount: Amount::new(999_950),
    };
    let dropped = desk.finalize(&[vouched(body(account(2), 0, vec![take])), late.clone()]);
    let reason = SkipReason::CannotPayFee { fee: Amount::new(100), balance: Amount::new(50) };
    assert_eq!(dropped, [Dropped { hash: late.hash, reason: DropReason::Skipped { reason } }]);
    assert!(empty(&desk));
}

#[test]
fn drops_what_can_no_longer_execute() {
    let mut desk = Desk::new(MempoolLimits::default());
    let tx = expiring(1, 0, 11);
    desk.insert(&tx).unwrap();
    let in_flight = expiring(2, 0, 11);
    desk.insert(&in_flight).unwrap();
    desk.take(1);
    let mut dropped: Vec<_> =
        desk.finalize(&[]).into_iter().map(|dropped| (dropped.hash, dropped.reason)).collect();
    dropped.sort_by_key(|(hash, _)| *hash);
    let mut expected = vec![(tx.hash, DropReason::Expired), (in_flight.hash, DropReason::Expired)];
    expected.sort_by_key(|(hash, _)| *hash);
    assert_eq!(dropped, expected);
    assert!(empty(&desk));
}

#[test]
fn an_expiry_that_was_ordered_too_late_is_reported_once() {
    let mut desk = Desk::new(MempoolLimits::default());
    let tx = expiring(1, 0, 11);
    desk.insert(&tx).unwrap();
    desk.take_all();
    desk.height = 11;
    let dropped = desk.finalize(&[tx]);
    assert_eq!(dropped.len(), 1);
    assert!(matches!(
        dropped[0].reason,
        DropReason::Skipped { reason: SkipReason::Expired { .. } }
    ));
}

#[test]
fn what_is_never_taken_goes_after_its_lifetime_and_what_is_in_flight_stays() {
    let mut desk = Desk::new(MempoolLimits { lifetime_blocks: 3, ..MempoolLimits::default() });
    let in_flight = desk.wait(2, 0, 100);
    desk.take_all();
    let stuck = desk.wait(1, 7, 100);
    assert_eq!((desk.finalize(&[]), desk.finalize(&[])), (vec![], vec![]));
    assert_eq!(desk.finalize(&[]), [Dropped { hash: stuck.hash, reason: DropReason::Expired }]);
    assert_eq!(desk.pool.presence(&in_flight.hash), Some(Presence::InFlight));
    assert_eq!(desk.finalize(&[in_flight]), []);
    assert!(empty(&desk));
}

#[test]
fn a_stale_view_at_insertion_heals_with_the_skip() {
    let mut desk = Desk::new(MempoolLimits::default());
    let stale = desk.state.clone();
    desk.finalize(&[paying(1, 0, 100)]);
    let late = paying(1, 0, 200);
    desk.pool.insert(desk.height_now(), late.clone(), &stale).unwrap();
    desk.take_all();
    let dropped = desk.finalize(std::slice::from_ref(&late));
    assert_eq!(dropped, [Dropped { hash: late.hash, reason: DropReason::Superseded }]);
    assert!(empty(&desk));
}

#[test]
fn tells_how_old_an_account_may_be() {
    let mut desk = Desk::new(MempoolLimits::default());
    assert_eq!(desk.pool.height().get(), 0);
    desk.finalize(&[]);
    assert_eq!(desk.pool.height(), desk.height_now());
}

#[test]
fn the_hint_when_to_try_again_follows_the_pace() {
    let limits = MempoolLimits { count: 64, ..MempoolLimits::default() };
    let mut desk = Desk::new(limits.clone());
    let waiting: Vec<_> = (0..64).map(|sender| desk.wait(sender, 0, 100)).collect();
    let slow = desk.pool.retry_after();
    assert_eq!(slow, limits.block_interval * 4);
    desk.take_all();
    desk.finalize(&waiting[..32]);
    (0..32).for_each(|sender| drop(desk.wait(sender, 1, 100)));
    assert_eq!(desk.pool.retry_after(), limits.block_interval);
}

impl Desk {
    fn height_now(&self) -> logothete_primitives::numbers::Height {
        logothete_primitives::numbers::Height::new(self.height)
    }
}
