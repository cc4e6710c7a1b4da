//! Tests of the ledger as a whole, and what they share.

#![allow(clippy::unwrap_used)]

mod admission;
mod execution;
mod model;
mod proofs;
mod rules;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::hash::Digest;
use logothete_primitives::identifiers::ChainId;
use logothete_primitives::keys::SecretKey;
use logothete_primitives::numbers::{Height, Nonce, TimestampMs};
use logothete_primitives::signature::Signature;

use crate::account::Account;
use crate::admission::{Admitted, Candidate};
use crate::execute::{BlockInput, BlockOutput, execute};
use crate::operation::Operation;
use crate::params::ChainParams;
use crate::state::{StateKey, StateValue};
use crate::transaction::{Body, Transaction};

pub(crate) type MapState = BTreeMap<StateKey, StateValue>;

pub(crate) const FOREVER: Height = Height::new(u64::MAX);
pub(crate) const FEE: Amount = Amount::new(100);

pub(crate) fn chain() -> ChainId {
    ChainId::new(Digest::new([7; 32]))
}

pub(crate) fn params() -> ChainParams {
    ChainParams { fee_account: account(250), ..ChainParams::default() }
}

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

/// The address of [`key`].
pub(crate) fn signer(number: u8) -> Address {
    Address::from(key(number).public())
}

/// An address that needs no key, for tests that do not look at signatures.
pub(crate) fn account(number: u8) -> Address {
    Address::from_bytes([number; 32])
}

pub(crate) fn body(sender: Address, nonce: u64, operations: Vec<Operation>) -> Body {
    let mut body =
        Body::new(&chain(), sender, Nonce::new(nonce), FEE, FOREVER, operations).unwrap();
    body.fee = params().required_fee(&body);
    body
}

pub(crate) fn transfer(sender: Address, nonce: u64, to: Address, units: u64) -> Body {
    body(sender, nonce, vec![Operation::transfer(to, Amount::new(units))])
}

/// A transaction as if its signatures had been checked.
pub(crate) fn vouched(body: Body) -> Arc<Admitted> {
    let signature = Signature::from_bytes([1; 64]);
    let cosignatures = vec![signature; body.cosigners.len()].try_into().unwrap();
    let tx = Transaction { body, signature, cosignatures };
    let bytes = tx.encode();
    let candidate = Candidate { hash: Transaction::hash_of(&bytes), bytes: bytes.into(), tx };
    Arc::new(Admitted::vouched(candidate))
}

pub(crate) fn state(balances: &[(Address, u64)]) -> MapState {
    let entry = |(address, units): &(Address, u64)| {
        let account = Account::with_balance(Amount::new(*units));
        (StateKey::account(address), account.to_value())
    };
    balances.iter().map(entry).collect()
}

pub(crate) fn run(state: &MapState, height: u64, transactions: &[Arc<Admitted>]) -> BlockOutput {
    run_with(state, height, transactions, &params())
}

pub(crate) fn run_with(
    state: &MapState,
    height: u64,
    transactions: &[Arc<Admitted>],
    params: &ChainParams,
) -> BlockOutput {
    let timestamp = TimestampMs::new(1_000 + height);
    let height = Height::new(height);
    execute(state, &BlockInput { height, timestamp, transactions, params })
}

/// Applies changes as a store would, checking that they are sorted and distinct.
pub(crate) fn apply(state: &mut MapState, output: &BlockOutput) {
    assert!(output.changes.is_sorted_by(|(a, _), (b, _)| a < b));
    for (key, value) in &output.changes {
        match value {
            Some(value) => state.insert(*key, value.clone()),
            None => state.remove(key),
        };
    }
}

pub(crate) fn supply(state: &MapState) -> u128 {
    let balance = |value: &StateValue| Account::from_value(value).unwrap().balance.units();
    state.values().map(|value| u128::from(balance(value))).sum()
}
