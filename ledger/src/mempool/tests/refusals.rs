//! Every reason for which the mempool refuses, and that a refusal changes nothing.

use std::time::Duration;

use logothete_primitives::amount::Amount;
use logothete_primitives::numbers::Height;

use super::{Desk, MempoolError, MempoolLimits, expiring, nonce, paying};
use crate::mempool::NONCE_WINDOW;
use crate::tests::{account, transfer, vouched};

fn refusal(desk: &mut Desk, tx: &std::sync::Arc<crate::admission::Admitted>) -> MempoolError {
    let before = desk.pool.stats();
    let error = desk.insert(tx).unwrap_err();
    assert_eq!(desk.pool.stats(), before);
    error
}

#[test]
fn refuses_what_it_knows() {
    let mut desk = Desk::new(MempoolLimits::default());
    let tx = desk.wait(1, 0, 100);
    assert_eq!(refusal(&mut desk, &tx), MempoolError::AlreadyKnown);
    desk.take_all();
    assert_eq!(refusal(&mut desk, &tx).code(), "ALREADY_KNOWN");
}

#[test]
fn refuses_nonces_outside_the_window() {
    let mut desk = Desk::new(MempoolLimits::default());
    let first = desk.wait(1, 0, 100);
    desk.finalize(&[first]);
    let low = MempoolError::NonceTooLow { expected: nonce(1), got: nonce(0) };
    assert_eq!(refusal(&mut desk, &paying(1, 0, 500)), low);
    let got = nonce(1 + NONCE_WINDOW);
    let high = MempoolError::NonceTooHigh { expected: nonce(1), got, window: NONCE_WINDOW };
    assert_eq!(refusal(&mut desk, &paying(1, got.get(), 500)), high);
    assert_eq!(
        (high.code(), high.expected(), high.got()),
        ("NONCE_TOO_HIGH", Some("1".into()), Some("65".into()))
    );
    assert_eq!(
        (low.code(), low.expected(), low.got()),
        ("NONCE_TOO_LOW", Some("1".into()), Some("0".into()))
    );
}

#[test]
fn refuses_the_expired() {
    let mut desk = Desk::new(MempoolLimits::default());
    let error = refusal(&mut desk, &expiring(1, 0, 10));
    assert_eq!(error, MempoolError::Expired { expiry: Height::new(10), now: Height::new(10) });
    assert_eq!(
        (error.code(), error.expected(), error.got()),
        ("EXPIRED", Some("11".into()), Some("10".into()))
    );
    desk.insert(&expiring(1, 0, 11)).unwrap();
}

#[test]
fn refuses_who_cannot_pay_for_all_that_waits() {
    let mut desk = Desk::new(MempoolLimits::default());
    let error = refusal(&mut desk, &paying(150, 0, 100));
    let needed = Amount::new(101);
    assert_eq!(error, MempoolError::InsufficientBalance { needed, available: Amount::ZERO });
    desk.wait(1, 0, 600_000);
    let error = refusal(&mut desk, &paying(1, 1, 399_999));
    let (needed, available) = (Amount::new(1_000_001), Amount::new(1_000_000));
    assert_eq!(error, MempoolError::InsufficientBalance { needed, available });
    desk.wait(1, 1, 399_998);
    // Replacing frees the money of the replaced one.
    desk.wait(2, 0, 500_000);
    desk.wait(2, 0, 900_000);
}

#[test]
fn refuses_less_than_this_node_asks_for() {
    let limits = MempoolLimits { min_price: Amount::new(150), ..MempoolLimits::default() };
    let mut desk = Desk::new(limits);
    let error = refusal(&mut desk, &paying(1, 0, 149));
    assert_eq!(
        error,
        MempoolError::FeeTooLow { expected: Amount::new(150), got: Amount::new(149) }
    );
    assert_eq!(error.code(), "FEE_TOO_LOW");
    desk.wait(1, 0, 150);
}

#[test]
fn replaces_only_for_a_tenth_more() {
    let mut desk = Desk::new(MempoolLimits::default());
    let old = desk.wait(1, 0, 101);
    let error = refusal(&mut desk, &paying(1, 0, 111));
    assert_eq!(error, MempoolError::Underpriced { min: Amount::new(112), got: Amount::new(111) });
    assert_eq!((error.code(), error.expected().as_deref()), ("UNDERPRICED", Some("112")));
    let new = paying(1, 0, 112);
    assert_eq!(desk.insert(&new).unwrap().replaced, Some(old.hash));
    assert_eq!(desk.take_all(), [new.hash]);
}

#[test]
fn does_not_replace_what_is_being_ordered() {
    let mut desk = Desk::new(MempoolLimits::default());
    desk.wait(1, 0, 100);
    desk.take_all();
    let error = refusal(&mut desk, &paying(1, 0, 1_000));
    assert_eq!(error, MempoolError::NonceInFlight { nonce: nonce(0) });
    assert_eq!((error.code(), error.got().as_deref()), ("NONCE_IN_FLIGHT", Some("0")));
}

#[test]
fn bounds_what_one_account_may_have_waiting() {
    let mut desk = Desk::new(MempoolLimits { per_account: 2, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    desk.wait(1, 5, 100);
    let error = refusal(&mut desk, &paying(1, 1, 100));
    assert_eq!(error, MempoolError::PerAccountFull { limit: 2 });
    assert_eq!((error.code(), error.expected().as_deref()), ("ACCOUNT_FULL", Some("2")));
    // Replacing is still possible, and so are other accounts.
    desk.wait(1, 5, 110);
    desk.wait(2, 0, 100);
}

#[test]
fn bounds_the_count_and_says_when_to_try_again() {
    let mut desk = Desk::new(MempoolLimits { count: 2, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    desk.wait(2, 0, 100);
    let error = refusal(&mut desk, &paying(3, 0, 109));
    assert_eq!(error.code(), "MEMPOOL_FULL");
    assert!(error.retry_after().unwrap() >= Duration::from_millis(50));
    assert_eq!(MempoolError::AlreadyKnown.retry_after(), None);
}

#[test]
fn a_better_fee_evicts_the_cheapest_and_latest() {
    let mut desk = Desk::new(MempoolLimits { count: 3, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    let latest = desk.wait(2, 0, 100);
    desk.wait(3, 0, 500);
    let inserted = desk.insert(&paying(4, 0, 110)).unwrap();
    assert_eq!(inserted.evicted, [latest.hash]);
    assert_eq!(desk.pool.presence(&latest.hash), None);
    assert_eq!(desk.pool.stats().count, 3);
}

#[test]
fn eviction_takes_nothing_that_is_in_flight() {
    let mut desk = Desk::new(MempoolLimits { count: 3, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    desk.wait(1, 1, 100);
    let last = desk.wait(2, 0, 100);
    assert_eq!(desk.take(2).len(), 2);
    let inserted = desk.insert(&paying(3, 0, 200)).unwrap();
    assert_eq!(inserted.evicted, [last.hash]);
    desk.take_all();
    let error = refusal(&mut desk, &paying(4, 0, 5_000));
    assert_eq!(error.code(), "MEMPOOL_FULL");
}

#[test]
fn eviction_leaves_no_gap_in_an_account() {
    let mut desk = Desk::new(MempoolLimits { count: 3, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    desk.wait(1, 1, 100);
    let last = desk.wait(1, 2, 100);
    let inserted = desk.insert(&paying(2, 0, 200)).unwrap();
    assert_eq!(inserted.evicted, [last.hash]);
}

#[test]
fn a_sender_does_not_evict_itself() {
    let mut desk = Desk::new(MempoolLimits { count: 1, ..MempoolLimits::default() });
    desk.wait(1, 0, 100);
    assert_eq!(refusal(&mut desk, &paying(1, 1, 5_000)).code(), "MEMPOOL_FULL");
    // But it can replace while the mempool is full.
    desk.wait(1, 0, 5_000);
}

#[test]
fn bounds_the_bytes() {
    let memo = |sender: u8, fee: u64| {
        let mut body = transfer(account(sender), 0, account(200), 1);
        body.fee = Amount::new(fee);
        body.memo = vec![0; 256].try_into().unwrap();
        vouched(body)
    };
    let size = memo(1, 100).bytes.len();
    let fit = 16 * 1024 / size;
    let mut desk = Desk::new(MempoolLimits { bytes: 16 * 1024, ..MempoolLimits::default() });
    for sender in 0..u8::try_from(fit).unwrap() {
        desk.insert(&memo(sender, 100)).unwrap();
    }
    assert_eq!(refusal(&mut desk, &memo(90, 100)).code(), "MEMPOOL_FULL");
    assert_eq!(desk.insert(&memo(90, 110)).unwrap().evicted.len(), 1);
    assert_eq!(desk.pool.stats().bytes, fit * size);
}

#[test]
fn what_waits_behind_a_gap_gives_way_to_what_can_run_whatever_it_offers() {
    let mut desk = Desk::new(MempoolLimits { count: 2, ..MempoolLimits::default() });
    let unreachable = desk.wait(1, 1, 9_000);
    desk.wait(2, 0, 100);
    // One that cannot run either has no claim, even against a cheaper one that can.
    assert_eq!(refusal(&mut desk, &paying(3, 5, 5_000)).code(), "MEMPOOL_FULL");
    let inserted = desk.insert(&paying(3, 0, 100)).unwrap();
    assert_eq!(inserted.evicted, [unreachable.hash]);
}

#[test]
fn money_spent_by_a_final_block_is_not_counted_twice() {
    let mut desk = Desk::new(MempoolLimits::default());
    let first = vouched(transfer(account(1), 0, account(2), 900_000));
    desk.insert(&first).unwrap();
    // The state shows the block already, the mempool has not heard of it.
    let output = crate::tests::run(&desk.state, 11, std::slice::from_ref(&first));
    crate::tests::apply(&mut desk.state, &output);
    desk.insert(&vouched(transfer(account(1), 1, account(2), 50_000))).unwrap();
}
