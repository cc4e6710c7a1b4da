//! In which order transactions are handed out.

use logothete_primitives::amount::Amount;

use super::{Desk, MempoolLimits, hashes, paying};
use crate::account::Account;
use crate::batch::{BATCH_ENTRY_BYTES, BATCH_PREFIX_BYTES, Batch};
use crate::mempool::Presence;
use crate::operation::Operation;
use crate::tests::{account, body, vouched};

#[test]
fn higher_fee_first_then_earlier_arrival() {
    let mut desk = Desk::new(MempoolLimits::default());
    let a = desk.wait(1, 0, 100);
    let b = desk.wait(2, 0, 300);
    let c = desk.wait(3, 0, 100);
    let d = desk.wait(4, 0, 300);
    assert_eq!(desk.take_all(), hashes(&[&b, &d, &a, &c]));
}

#[test]
fn nonces_of_an_account_stay_in_sequence_whatever_their_fees() {
    let mut desk = Desk::new(MempoolLimits::default());
    let second = desk.wait(1, 1, 900);
    let first = desk.wait(1, 0, 100);
    let other = desk.wait(2, 0, 500);
    assert_eq!(desk.take_all(), hashes(&[&other, &first, &second]));
}

#[test]
fn what_waits_behind_a_gap_is_not_handed_out_until_it_is_filled() {
    let mut desk = Desk::new(MempoolLimits::default());
    let later = desk.wait(1, 2, 100);
    let first = desk.wait(1, 0, 100);
    assert_eq!(desk.take_all(), hashes(&[&first]));
    assert!(!desk.pool.has_ready());
    assert!(desk.pool.is_reachable(&first.hash), "being ordered, it still waits");
    assert!(!desk.pool.is_reachable(&later.hash));
    let between = desk.wait(1, 1, 100);
    assert!(desk.pool.has_ready());
    assert!(desk.pool.is_reachable(&later.hash));
    assert_eq!(desk.take_all(), hashes(&[&between, &later]));
}

#[test]
fn the_fee_counts_for_the_work() {
    let mut desk = Desk::new(MempoolLimits::default());
    let operations = vec![Operation::transfer(account(200), Amount::new(1)); 4];
    let mut long = body(account(1), 0, operations);
    long.fee = Amount::new(600);
    let long = vouched(long);
    desk.insert(&long).unwrap();
    let short = desk.wait(2, 0, 151);
    assert_eq!(desk.take_all(), hashes(&[&short, &long]));
}

#[test]
fn a_batch_of_what_was_taken_fits_its_bound_exactly() {
    let mut desk = Desk::new(MempoolLimits::default());
    let sizes: Vec<usize> =
        (1..=5).map(|sender| desk.wait(sender, 0, 100).bytes.len() + BATCH_ENTRY_BYTES).collect();
    let bound = BATCH_PREFIX_BYTES + sizes[..3].iter().sum::<usize>();
    assert_eq!(desk.pool.take(bound - 1, 10).len(), 2);
    let mut desk = Desk::new(MempoolLimits::default());
    (1..=5).for_each(|sender| drop(desk.wait(sender, 0, 100)));
    let taken = desk.pool.take(bound, 10);
    let sealed = Batch::seal(logothete_primitives::numbers::ValidatorIndex::new(0), 0, &taken);
    assert_eq!((taken.len(), sealed.bytes.len()), (3, bound));
    assert_eq!(desk.pool.take(0, 10).len(), 0);
    assert_eq!(desk.pool.take(usize::MAX, 1).len(), 1);
}

#[test]
fn requeued_transactions_come_again_before_their_successors() {
    let mut desk = Desk::new(MempoolLimits::default());
    let first = desk.wait(1, 0, 100);
    let second = desk.wait(1, 1, 100);
    assert_eq!(desk.take_all().len(), 2);
    let third = desk.wait(1, 2, 100);
    desk.pool.requeue([&first.hash, &third.hash]);
    desk.pool.assert_invariants();
    assert_eq!(desk.pool.presence(&first.hash), Some(Presence::Waiting));
    assert_eq!(desk.pool.presence(&second.hash), Some(Presence::InFlight));
    // The second is still in flight, so the third follows the first directly.
    assert_eq!(desk.take_all(), hashes(&[&first, &third]));
}

#[test]
fn tells_which_nonce_comes_next() {
    let mut desk = Desk::new(MempoolLimits::default());
    let account_of_one = Account::with_balance(Amount::new(1_000_000));
    assert_eq!(desk.pool.next_nonce(&account(1), &account_of_one).get(), 0);
    desk.wait(1, 0, 100);
    desk.wait(1, 1, 100);
    desk.wait(1, 3, 100);
    desk.take(1);
    assert_eq!(desk.pool.next_nonce(&account(1), &account_of_one).get(), 2);
}

#[test]
fn a_cheaper_replacement_of_a_taken_place_does_not_disturb_the_order() {
    let mut desk = Desk::new(MempoolLimits::default());
    desk.wait(1, 0, 100);
    let other = desk.wait(2, 0, 105);
    let better = paying(1, 0, 110);
    desk.insert(&better).unwrap();
    assert_eq!(desk.take_all(), hashes(&[&better, &other]));
}
