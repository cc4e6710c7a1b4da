//! Execution against a naive model of the ledger, on random blocks; and the laws that hold for any block.

use std::collections::BTreeMap;
use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::numbers::{Height, Nonce};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::{account, apply, body, params, run, state, supply, vouched};
use crate::account::Account;
use crate::admission::Admitted;
use crate::operation::Operation;
use crate::receipt::{Outcome, Status};
use crate::state::StateKey;
use crate::transaction::Body;

const PEOPLE: u8 = 6;

/// The ledger in the fewest words: a copy of everything before each attempt.
#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    accounts: BTreeMap<Address, (u64, u64)>,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Success,
    Failed,
    Skipped,
}

impl Model {
    fn block(&mut self, height: u64, bodies: &[Body]) -> Vec<Verdict> {
        let mut fees = 0;
        let verdicts =
            bodies.iter().map(|body| self.transaction(height, body, &mut fees)).collect();
        if fees > 0 {
            self.accounts.entry(params().fee_account).or_default().0 += fees;
        }
        verdicts
    }

    fn transaction(&mut self, height: u64, body: &Body, fees: &mut u64) -> Verdict {
        let (balance, nonce) = self.accounts.get(&body.sender).copied().unwrap_or_default();
        let fee = body.fee.units();
        if body.nonce.get() != nonce || height > body.expiry.get() || balance < fee {
            return Verdict::Skipped;
        }
        self.accounts.insert(body.sender, (balance - fee, nonce + 1));
        *fees += fee;
        let before = self.clone();
        for operation in body.operations.iter() {
            let Operation::Transfer { from, to, amount } = operation;
            let payer = from.unwrap_or(body.sender);
            let (balance, nonce) = self.accounts.get(&payer).copied().unwrap_or_default();
            let Some(rest) = balance.checked_sub(amount.units()) else {
                *self = before;
                return Verdict::Failed;
            };
            self.accounts.insert(payer, (rest, nonce));
            self.accounts.entry(*to).or_default().0 += amount.units();
        }
        Verdict::Success
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let from = prop_oneof![3 => Just(None), 1 => (0..PEOPLE).prop_map(Some)];
    (from, 0..PEOPLE, 1..2_000u64).prop_map(|(from, to, units)| Operation::Transfer {
        from: from.map(account),
        to: account(to),
        amount: Amount::new(units),
    })
}

/// Bodies whose nonces are often right, sometimes not.
fn bodies() -> impl Strategy<Value = Vec<(u8, i8, u64, u64, Vec<Operation>)>> {
    let jitter = prop_oneof![12 => Just(0i8), 1 => Just(1i8), 1 => Just(-1i8)];
    let one = (0..PEOPLE, jitter, 0..300u64, 1..4u64, vec(operation(), 1..4));
    vec(one, 0..40)
}

fn build(specs: &[(u8, i8, u64, u64, Vec<Operation>)]) -> Vec<Body> {
    let mut next: BTreeMap<u8, u64> = BTreeMap::new();
    let mut built = Vec::new();
    for (sender, jitter, tip, expiry, operations) in specs {
        let nonce = next.entry(*sender).or_default();
        let mut body = body(
            account(*sender),
            nonce.saturating_add_signed(i64::from(*jitter)),
            operations.clone(),
        );
        body.fee = body.fee.checked_add(Amount::new(*tip)).unwrap();
        body.expiry = Height::new(*expiry);
        *nonce += u64::from(*jitter == 0);
        built.push(body);
    }
    built
}

fn admitted(bodies: &[Body]) -> Vec<Arc<Admitted>> {
    bodies.iter().cloned().map(vouched).collect()
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome.receipt().map(|receipt| &receipt.status) {
        Some(Status::Success) => Verdict::Success,
        Some(Status::Failed { .. }) => Verdict::Failed,
        None => Verdict::Skipped,
    }
}

proptest! {
    #[test]
    fn execution_agrees_with_the_model(
        balances in vec(0..20_000u64, usize::from(PEOPLE)),
        blocks in vec(bodies(), 1..3),
    ) {
        let balances: Vec<(Address, u64)> = (0..PEOPLE).map(account).zip(balances).collect();
        let mut state = state(&balances);
        let mut model = Model::default();
        model.accounts.extend(balances.iter().map(|(address, units)| (*address, (*units, 0))));
        for (height, specs) in (1..).zip(&blocks) {
            let bodies = build(specs);
            let before = supply(&state);
            let output = run(&state, height, &admitted(&bodies));
            let verdicts: Vec<Verdict> = output.outcomes.iter().map(verdict).collect();
            prop_assert_eq!(verdicts, model.block(height, &bodies));
            apply(&mut state, &output);
            prop_assert_eq!(supply(&state), before, "the supply is conserved");
            for (address, (balance, nonce)) in &model.accounts {
                let expected = Account { balance: Amount::new(*balance), nonce: Nonce::new(*nonce) };
                let got = state.get(&StateKey::account(address)).map(|value| Account::from_value(value).unwrap());
                prop_assert_eq!(got.unwrap_or_default(), expected);
            }
            let known = model.accounts.len();
            prop_assert!(state.len() <= known, "no account from nowhere");
            for (address, nonce) in &output.nonces {
                prop_assert_eq!(nonce.get(), model.accounts[address].1);
            }
        }
    }

    #[test]
    fn the_same_block_gives_the_same_output(specs in bodies(), seed in any::<u64>()) {
        let balances: Vec<(Address, u64)> =
            (0..PEOPLE).map(|person| (account(person), seed % 50_000)).collect();
        let state = state(&balances);
        let txs = admitted(&build(&specs));
        // Each run has maps with other secrets, so another internal order.
        let first = run(&state, 1, &txs);
        let second = run(&state, 1, &txs);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn a_split_block_ends_in_the_same_state(specs in bodies(), cut in any::<proptest::sample::Index>()) {
        let balances: Vec<(Address, u64)> =
            (0..PEOPLE).map(|person| (account(person), 9_000)).collect();
        let txs = admitted(&build(&specs));
        let (left, right) = txs.split_at(cut.index(txs.len() + 1));
        let execute = |parts: &[&[Arc<Admitted>]]| {
            let mut state = state(&balances);
            for part in parts {
                let output = run(&state, 1, part);
                apply(&mut state, &output);
            }
            state
        };
        // Fees become spendable between the halves, but the fee account sends nothing here.
        prop_assert_eq!(execute(&[&txs]), execute(&[left, right]));
    }
}
