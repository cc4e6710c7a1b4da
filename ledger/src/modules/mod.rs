//! The ledger modules and the one place where their operations are registered.
//!
//! A module owns a [`Namespace`](crate::state::Namespace) and the rules of its operations. A new one adds a variant
//! to [`Operation`], its file here, and one arm to each function below; `docs/extending.md` walks through an example.
//! Consensus, network, mempool and storage do not change: they see keys, values and opaque operations.

pub mod accounts;

use logothete_primitives::address::Address;
use logothete_primitives::numbers::{Height, TimestampMs};

use crate::error::TxError;
use crate::operation::Operation;
use crate::overlay::{Overlay, Slot};
use crate::receipt::Failure;
use crate::state::{StateKey, StateView};
use crate::transaction::Body;

/// Where in the chain a transaction executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The height of the block.
    pub height: Height,
    /// The timestamp of the block.
    pub timestamp: TimestampMs,
}

/// What an operation may know beside the state.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The transaction that it is part of.
    pub body: &'a Body,
    /// When it executes.
    pub moment: Moment,
}

/// Checks an operation without any state.
///
/// # Errors
/// The rule that it breaks.
pub fn check(body: &Body, position: usize, operation: &Operation) -> Result<(), TxError> {
    match operation {
        Operation::Transfer { from, amount, .. } => {
            accounts::check_transfer(body, position, from.as_ref(), *amount)
        }
    }
}

/// The account, other than the sender, whose consent an operation needs.
pub fn payer(operation: &Operation) -> Option<Address> {
    match operation {
        Operation::Transfer { from, .. } => *from,
    }
}

/// Adds the accounts whose history shows the operation.
pub fn accounts_of(operation: &Operation, accounts: &mut Vec<Address>) {
    match operation {
        Operation::Transfer { from, to, .. } => accounts.extend(from.iter().chain([to])),
    }
}

/// Adds the keys that the operation may read and write, always the same number for one kind of operation.
/// `sender` is the key of the sender's account, so that it is hashed once.
pub fn keys(operation: &Operation, sender: StateKey, keys: &mut Vec<StateKey>) {
    match operation {
        Operation::Transfer { from, to, .. } => {
            accounts::transfer_keys(from.as_ref(), to, sender, keys);
        }
    }
}

/// Executes an operation on the slots of exactly those keys that it declared, in their order.
///
/// # Errors
/// Why it fails; the caller undoes what it wrote.
pub fn apply<V: StateView>(
    call: &Call<'_>,
    operation: &Operation,
    slots: &[Slot],
    state: &mut Overlay<'_, V>,
) -> Result<(), Failure> {
    match operation {
        Operation::Transfer { from, to, amount } => {
            let payer = from.as_ref().unwrap_or(&call.body.sender);
            accounts::apply_transfer(
                &accounts::Transfer { payer, to, amount: *amount },
                slots,
                state,
            )
        }
    }
}

/// What an operation takes from the sender's own balance: an early check of the mempool, not a rule.
pub fn spends(operation: &Operation) -> u64 {
    match operation {
        Operation::Transfer { from: None, amount, .. } => amount.units(),
        Operation::Transfer { from: Some(_), .. } => 0,
    }
}
