//! Blocks of transactions, through their bytes, against the ledger in the fewest words: two numbers
//! for each person, and a copy of everything before each attempt.

#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::chain;
use logothete_ledger::account::Account;
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::execute::{BlockInput, BlockOutput, execute};
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::receipt::{Failure, Outcome, SkipReason, Status, receipts_root};
use logothete_ledger::state::{StateKey, StateValue};
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::{Address, Amount, Height, Nonce, Signature, TimestampMs};

const PEOPLE: u8 = 5;
const FIRST_HEIGHT: u64 = 10;

type State = BTreeMap<StateKey, StateValue>;

#[derive(Arbitrary, Debug)]
struct Case {
    /// What everybody has at first, as far as the supply is not exceeded.
    balances: [u64; PEOPLE as usize],
    /// Who is paid the fees: one of them, or a stranger.
    fees_to: u8,
    blocks: Vec<Vec<Attempt>>,
}

#[derive(Arbitrary, Debug)]
struct Attempt {
    sender: u8,
    /// Added to the right nonce; mostly 0.
    nonce_off: i8,
    tip: u8,
    /// Below 8: the blocks until it expires.
    expiry: u8,
    moves: Vec<Move>,
}

#[derive(Arbitrary, Debug)]
struct Move {
    from: u8,
    to: u8,
    amount: Units,
}

/// Amounts of all sizes, zero and nearly everything among them.
#[derive(Arbitrary, Debug)]
enum Units {
    Few(u8),
    Some(u32),
    Any(u64),
}

fuzz_target!(|bytes: &[u8]| {
    let case: arbitrary::Result<Case> = Arbitrary::arbitrary_take_rest(Unstructured::new(bytes));
    if let Ok(case) = case {
        play(&case);
    }
});

fn person(number: u8) -> Address {
    Address::from_bytes([number % PEOPLE + 1; 32])
}

fn play(case: &Case) {
    let fee_account = if case.fees_to % 2 == 0 {
        person(case.fees_to / 2)
    } else {
        Address::from_bytes([200; 32])
    };
    let params = ChainParams { fee_account, ..ChainParams::default() };
    let mut model = Model::new(&case.balances);
    let mut state = State::new();
    for (address, (balance, _)) in &model.people {
        let account = Account::with_balance(Amount::new(*balance));
        state.insert(StateKey::account(address), account.to_value());
    }
    let mut tree = tree_of(&state);
    for (height, attempts) in (FIRST_HEIGHT..).zip(case.blocks.iter().take(4)) {
        let bodies = model.bodies(height, attempts, &params);
        let block: Vec<Arc<Admitted>> =
            bodies.iter().filter_map(|body| through_bytes(body, &params)).collect();
        let at = Height::new(height);
        let timestamp = TimestampMs::new(height);
        let input = BlockInput { height: at, timestamp, transactions: &block, params: &params };
        let output = execute(&state, &input);
        assert_eq!(output, execute(&state, &input), "the same block, another result");
        let expected = model.block(height, &block, &fee_account);
        assert_eq!(verdicts(&output), expected);
        assert_eq!(output.receipts_root, receipts_root(output.receipts()));
        apply(&mut state, &output);
        let root = tree.apply(Height::new(height), &output.changes);
        assert_eq!(root, tree_of(&state).root(), "the tree differs from the state");
        model.assert_equals(&state, &output);
    }
}

fn tree_of(state: &State) -> StateTree {
    let entries = state.iter().map(|(key, value)| (*key, value.as_bytes().to_vec()));
    let from = Height::new(FIRST_HEIGHT - 1);
    StateTree::from_sorted(from, entries, HistoryLimits::default()).expect("a map is sorted")
}

fn apply(state: &mut State, output: &BlockOutput) {
    assert!(output.changes.is_sorted_by(|(a, _), (b, _)| a < b));
    for (key, value) in &output.changes {
        match value {
            Some(value) => state.insert(*key, value.clone()),
            None => state.remove(key),
        };
    }
}

/// A transaction as it arrives in a batch; `None` when its form is refused before it could be there.
fn through_bytes(body: &Body, params: &ChainParams) -> Option<Arc<Admitted>> {
    let signature = Signature::from_bytes([1; 64]);
    let cosignatures = vec![signature; body.cosigners.len()].try_into().ok()?;
    let bytes = Transaction { body: body.clone(), signature, cosignatures }.encode();
    let candidate = Candidate::decode(&bytes, &chain(), params);
    let zero = |operation: &Operation| {
        let Operation::Transfer { amount, .. } = operation;
        amount.units() == 0
    };
    let malformed = body.operations.iter().any(zero) || body.nonce.get() == u64::MAX;
    assert_eq!(candidate.is_err(), malformed, "{candidate:?}");
    candidate.ok().map(|candidate| Arc::new(Admitted::vouched(candidate)))
}

/// What became of a transaction, by the code that people see.
#[derive(Debug, PartialEq)]
enum Verdict {
    Done,
    Failed(u16, &'static str),
    Skipped(&'static str),
}

fn verdicts(output: &BlockOutput) -> Vec<Verdict> {
    let verdict = |outcome: &Outcome| match outcome {
        Outcome::Skipped(reason) => Verdict::Skipped(SkipReason::code(reason)),
        Outcome::Executed(receipt) => match &receipt.status {
            Status::Success => Verdict::Done,
            Status::Failed { operation, failure } => {
                Verdict::Failed(*operation, Failure::code(failure))
            }
        },
    };
    output.outcomes.iter().map(verdict).collect()
}

/// Balance and nonce of everybody.
#[derive(Clone)]
struct Model {
    people: BTreeMap<Address, (u64, u64)>,
    supply: u128,
}

impl Model {
    fn new(balances: &[u64]) -> Self {
        let mut left = u64::MAX;
        let mut people = BTreeMap::new();
        for (number, balance) in (0..PEOPLE).zip(balances) {
            let balance = (*balance).min(left);
            left -= balance;
            people.insert(person(number), (balance, 0));
        }
        Self { people, supply: u128::from(u64::MAX - left) }
    }

    fn bodies(&self, height: u64, attempts: &[Attempt], params: &ChainParams) -> Vec<Body> {
        let mut next: BTreeMap<Address, u64> =
            self.people.iter().map(|(address, (_, nonce))| (*address, *nonce)).collect();
        let mut bodies = Vec::new();
        for attempt in attempts.iter().take(24) {
            let sender = person(attempt.sender);
            let nonce = next.entry(sender).or_default();
            let off = if attempt.nonce_off % 4 == 0 { 0 } else { i64::from(attempt.nonce_off) };
            let named = Nonce::new(nonce.wrapping_add_signed(off));
            *nonce += u64::from(off == 0);
            let mut operations: Vec<Operation> =
                attempt.moves.iter().take(5).map(|one| one.operation(sender)).collect();
            if operations.is_empty() {
                operations.push(Operation::transfer(sender, Amount::new(1)));
            }
            let expiry = Height::new(match attempt.expiry {
                soon @ 0..8 => height - 4 + u64::from(soon),
                _ => u64::MAX,
            });
            let body = Body::new(&chain(), sender, named, Amount::ZERO, expiry, operations);
            let mut body = body.expect("few operations");
            let fee = params.required_fee(&body).units() + u64::from(attempt.tip);
            body.fee = Amount::new(fee);
            bodies.push(body);
        }
        bodies
    }

    fn block(
        &mut self,
        height: u64,
        block: &[Arc<Admitted>],
        fee_account: &Address,
    ) -> Vec<Verdict> {
        let mut fees = 0;
        let verdicts =
            block.iter().map(|tx| self.attempt(height, &tx.tx.body, &mut fees)).collect();
        if fees > 0 {
            self.people.entry(*fee_account).or_default().0 += fees;
        }
        verdicts
    }

    fn attempt(&mut self, height: u64, body: &Body, fees: &mut u64) -> Verdict {
        let (balance, nonce) = self.people.get(&body.sender).copied().unwrap_or_default();
        let (named, fee) = (body.nonce.get(), body.fee.units());
        if named < nonce {
            return Verdict::Skipped("NONCE_USED");
        }
        if height > body.expiry.get() {
            return Verdict::Skipped("EXPIRED");
        }
        if named > nonce {
            return Verdict::Skipped("NONCE_GAP");
        }
        if balance < fee {
            return Verdict::Skipped("CANNOT_PAY_FEE");
        }
        self.people.insert(body.sender, (balance - fee, nonce + 1));
        *fees += fee;
        let before = self.people.clone();
        for (position, operation) in (0..).zip(body.operations.iter()) {
            if let Err(code) = self.transfer(operation, body.sender) {
                self.people = before;
                return Verdict::Failed(position, code);
            }
        }
        Verdict::Done
    }

    fn transfer(&mut self, operation: &Operation, sender: Address) -> Result<(), &'static str> {
        let Operation::Transfer { from, to, amount } = operation;
        let (payer, amount) = (from.unwrap_or(sender), amount.units());
        let (has, _) = self.people.get(&payer).copied().unwrap_or_default();
        if has < amount {
            return Err("INSUFFICIENT_BALANCE");
        }
        self.people.entry(payer).or_default().0 -= amount;
        let receiver = self.people.entry(*to).or_default();
        // The supply is a 64-bit number, so what one person has fits.
        receiver.0 += amount;
        Ok(())
    }

    fn assert_equals(&self, state: &State, output: &BlockOutput) {
        let mut supply = 0;
        for (address, (balance, nonce)) in &self.people {
            let held = state.get(&StateKey::account(address));
            let held = held.map(|value| Account::from_value(value).expect("an account"));
            let held = held.unwrap_or_default();
            assert_eq!((held.balance.units(), held.nonce.get()), (*balance, *nonce), "{address}");
            supply += u128::from(*balance);
        }
        assert_eq!(supply, self.supply, "the supply is conserved");
        assert!(state.len() <= self.people.len(), "an account from nowhere");
        for (address, nonce) in &output.nonces {
            assert_eq!(nonce.get(), self.people[address].1);
        }
    }
}

impl Move {
    fn operation(&self, sender: Address) -> Operation {
        let payer = person(self.from);
        let amount = match self.amount {
            Units::Few(units) => u64::from(units),
            Units::Some(units) => u64::from(units),
            Units::Any(units) => units,
        };
        Operation::Transfer {
            // Who is the sender must not be named as the payer.
            from: (payer != sender).then_some(payer),
            to: person(self.to),
            amount: Amount::new(amount),
        }
    }
}
