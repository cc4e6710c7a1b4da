//! What execution does, case by case.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::identifiers::ReceiptsRoot;
use logothete_primitives::merkle;
use logothete_primitives::numbers::{Height, Nonce, TimestampMs};

use super::{account, apply, body, params, run, run_with, state, supply, transfer, vouched};
use crate::account::Account;
use crate::modules::Moment;
use crate::operation::Operation;
use crate::params::ChainParams;
use crate::receipt::{Failure, Outcome, SkipReason, Status, receipts_root};
use crate::simulate::simulate;
use crate::state::{StateKey, StateView};

const ALICE: u8 = 1;
const BOB: u8 = 2;
const CAROL: u8 = 3;

fn next_block() -> Moment {
    Moment { height: Height::new(1), timestamp: TimestampMs::new(1) }
}

fn amount(units: u64) -> Amount {
    Amount::new(units)
}

fn alice() -> Address {
    account(ALICE)
}

fn bob() -> Address {
    account(BOB)
}

#[test]
fn moves_the_amount_and_collects_the_fee() {
    let mut state = state(&[(alice(), 1_000)]);
    let output = run(&state, 1, &[vouched(transfer(alice(), 0, bob(), 300))]);
    apply(&mut state, &output);
    let of = |address| state.account(&address).unwrap();
    assert_eq!(of(alice()), Account { balance: amount(600), nonce: Nonce::new(1) });
    assert_eq!(of(bob()), Account::with_balance(amount(300)));
    assert_eq!(of(params().fee_account), Account::with_balance(amount(100)));
    assert_eq!(output.nonces, vec![(alice(), Nonce::new(1))]);
    let receipt = output.receipts().next().unwrap();
    assert_eq!((receipt.index, &receipt.status, receipt.fee), (0, &Status::Success, amount(100)));
    assert_eq!(output.receipts_root, receipts_root(output.receipts()));
}

/// Views are handed on by reference, and read many at once.
#[test]
fn a_view_reads_alike_however_it_is_asked() {
    fn assert_reads(view: impl StateView) {
        let (held, absent) = (Account::with_balance(amount(70)), account(99));
        let addresses = [alice(), absent, alice()];
        assert_eq!(view.account(&alice()), Some(held));
        assert_eq!(view.account(&absent), None);
        assert_eq!(view.accounts(&addresses), [Some(held), None, Some(held)]);
        let keys = addresses.map(|address| StateKey::account(&address));
        assert_eq!(view.read(&keys[0]), Some(held.to_value()));
        assert_eq!(view.read_many(&keys), [Some(held.to_value()), None, Some(held.to_value())]);
    }
    let state = state(&[(alice(), 70)]);
    assert_reads(&state);
    assert_reads(state);
}

#[test]
fn an_empty_block_changes_nothing() {
    let output = run(&state(&[(alice(), 1)]), 1, &[]);
    assert_eq!((output.changes.len(), output.nonces.len()), (0, 0));
    assert_eq!(output.receipts_root, ReceiptsRoot::new(merkle::root(&[])));
}

#[test]
fn a_failed_operation_undoes_all_of_them_but_not_fee_and_nonce() {
    let mut state = state(&[(alice(), 1_000)]);
    let operations = vec![
        Operation::transfer(bob(), amount(500)),
        Operation::transfer(account(CAROL), amount(301)),
        Operation::transfer(bob(), amount(1)),
    ];
    let output = run(&state, 1, &[vouched(body(alice(), 0, operations))]);
    let failure = Failure::InsufficientBalance {
        account: alice(),
        needed: amount(301),
        available: amount(200),
    };
    assert_eq!(failure.code(), "INSUFFICIENT_BALANCE");
    assert_eq!((failure.expected().unwrap(), failure.got().unwrap()), ("301".into(), "200".into()));
    let receipt = output.receipts().next().unwrap();
    assert_eq!(receipt.status, Status::Failed { operation: 1, failure });
    apply(&mut state, &output);
    let expected = Account { balance: amount(700), nonce: Nonce::new(1) };
    assert_eq!(state.account(&alice()), Some(expected));
    assert_eq!(state.account(&bob()), None);
    assert_eq!(state.account(&params().fee_account), Some(Account::with_balance(amount(300))));
}

#[test]
fn a_balance_that_would_overflow_fails_the_operation() {
    let state = state(&[(alice(), 200), (bob(), u64::MAX)]);
    let output = run(&state, 1, &[vouched(transfer(alice(), 0, bob(), 100))]);
    let failure = Failure::BalanceOverflow { account: bob() };
    assert_eq!(
        (failure.code(), failure.expected(), failure.got()),
        ("BALANCE_OVERFLOW", None, None)
    );
    let receipt = output.receipts().next().unwrap();
    assert_eq!(receipt.status, Status::Failed { operation: 0, failure });
}

#[test]
fn a_cosigner_can_pay() {
    let mut state = state(&[(alice(), 1_000), (bob(), 10)]);
    let pay = Operation::Transfer { from: Some(bob()), to: account(CAROL), amount: amount(10) };
    let output = run(&state, 1, &[vouched(body(alice(), 0, vec![pay]))]);
    apply(&mut state, &output);
    assert_eq!(state.account(&bob()), Some(Account::default()));
    assert_eq!(state.account(&account(CAROL)), Some(Account::with_balance(amount(10))));
}

#[test]
fn a_transfer_to_oneself_creates_nothing_and_needs_the_balance() {
    let mut state = state(&[(alice(), 1_000)]);
    let within = vouched(transfer(alice(), 0, alice(), 900));
    let beyond = vouched(transfer(alice(), 1, alice(), 801));
    let output = run(&state, 1, &[within, beyond]);
    let statuses: Vec<bool> =
        output.receipts().map(|receipt| receipt.status.is_success()).collect();
    assert_eq!(statuses, [true, false]);
    apply(&mut state, &output);
    assert_eq!(state.account(&alice()).unwrap().balance, amount(800));
}

#[test]
fn skips_with_a_typed_reason_and_without_any_effect() {
    let state = state(&[(alice(), 150)]);
    let mut expired = transfer(alice(), 0, bob(), 1);
    expired.expiry = Height::new(4);
    let cases = [
        (transfer(alice(), 1, bob(), 1), "NONCE_GAP", "0", "1"),
        (expired, "EXPIRED", "4", "5"),
        (transfer(bob(), 0, alice(), 1), "CANNOT_PAY_FEE", "100", "0"),
    ];
    for (body, code, expected, got) in cases {
        let output = run(&state, 5, &[vouched(body)]);
        let Outcome::Skipped(reason) = &output.outcomes[0] else { panic!("{code}: executed") };
        assert_eq!(reason.code(), code);
        assert_eq!(reason.expected().as_deref(), Some(expected), "{code}");
        assert_eq!(reason.got().as_deref(), Some(got), "{code}");
        assert_eq!((output.changes.len(), output.nonces.len()), (0, 0), "{code}");
        assert_eq!(output.receipts_root, ReceiptsRoot::new(merkle::root(&[])));
    }
}

#[test]
fn executes_at_its_expiry_height_but_not_after() {
    let state = state(&[(alice(), 1_000)]);
    let mut body = transfer(alice(), 0, bob(), 1);
    body.expiry = Height::new(5);
    let tx = vouched(body);
    let executed = |height| run(&state, height, std::slice::from_ref(&tx)).receipts().count();
    assert_eq!((executed(5), executed(6)), (1, 0));
}

#[test]
fn a_duplicate_is_skipped_and_the_index_counts_it() {
    let state = state(&[(alice(), 1_000)]);
    let first = vouched(transfer(alice(), 0, bob(), 1));
    let second = vouched(transfer(alice(), 1, bob(), 2));
    let output = run(&state, 1, &[first.clone(), first, second.clone()]);
    let used = SkipReason::NonceUsed { expected: Nonce::new(1), got: Nonce::ZERO };
    assert_eq!(used.code(), "NONCE_USED");
    assert_eq!(output.outcomes[1], Outcome::Skipped(used));
    let indices: Vec<u32> = output.receipts().map(|receipt| receipt.index).collect();
    assert_eq!(indices, [0, 2]);
    assert_eq!(output.receipts().last().unwrap().tx, second.hash);
}

#[test]
fn money_received_in_the_block_can_be_spent_in_it_but_its_fees_cannot() {
    let collector = params().fee_account;
    let state = state(&[(alice(), 1_000)]);
    let txs = [
        vouched(transfer(alice(), 0, bob(), 500)),
        vouched(transfer(bob(), 0, alice(), 400)),
        vouched(transfer(collector, 0, alice(), 1)),
    ];
    let output = run(&state, 1, &txs);
    assert!(output.outcomes[1].receipt().unwrap().status.is_success());
    assert!(matches!(output.outcomes[2], Outcome::Skipped(SkipReason::CannotPayFee { .. })));
}

#[test]
fn the_fee_account_may_send_and_the_sender_may_be_the_fee_account() {
    let mut state = state(&[(alice(), 1_000)]);
    let params = ChainParams { fee_account: alice(), ..params() };
    let output = run_with(&state, 1, &[vouched(transfer(alice(), 0, bob(), 100))], &params);
    apply(&mut state, &output);
    assert_eq!(state.account(&alice()).unwrap().balance, amount(900));
    assert_eq!(supply(&state), 1_000);
}

#[test]
fn simulation_shows_the_change_and_leaves_the_state() {
    let state = state(&[(alice(), 1_000)]);
    let before = state.clone();
    let simulation = simulate(&state, next_block(), &transfer(alice(), 0, bob(), 300));
    assert_eq!(simulation.outcome, Ok(Status::Success));
    let changes: Vec<_> = simulation
        .accounts
        .iter()
        .map(|change| (change.address, change.before, change.after))
        .collect();
    let rich = Account::with_balance(amount(1_000));
    let poorer = Account { balance: amount(600), nonce: Nonce::new(1) };
    let received = Account::with_balance(amount(300));
    assert_eq!(changes, [(alice(), Some(rich), Some(poorer)), (bob(), None, Some(received))]);
    assert_eq!(state, before);
    let gap = simulate(&state, next_block(), &transfer(alice(), 3, bob(), 300));
    assert!(matches!(gap.outcome, Err(SkipReason::NonceGap { .. })));
    assert_eq!(gap.accounts[0].before, gap.accounts[0].after);
}
