//! The `accounts` module: balances, nonces, fees and transfers.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::numbers::Height;

use crate::account::Account;
use crate::error::TxError;
use crate::overlay::{Overlay, Slot};
use crate::receipt::{Failure, SkipReason};
use crate::state::{StateKey, StateView};
use crate::transaction::Body;

/// A transfer whose payer is known.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// Who pays.
    pub payer: &'a Address,
    /// Who receives.
    pub to: &'a Address,
    /// How much.
    pub amount: Amount,
}

/// The rules of a transfer that need no state.
///
/// # Errors
/// When the amount is zero, or the payer does not sign or is named needlessly.
pub fn check_transfer(
    body: &Body,
    operation: usize,
    from: Option<&Address>,
    amount: Amount,
) -> Result<(), TxError> {
    if amount.units() == 0 {
        return Err(TxError::ZeroAmount { operation });
    }
    match from {
        None => Ok(()),
        Some(account) if *account == body.sender => Err(TxError::RedundantPayer { operation }),
        Some(account) if body.cosigners.binary_search(account).is_err() => {
            Err(TxError::PayerNotSigner { operation, account: *account })
        }
        Some(_) => Ok(()),
    }
}

/// The keys of a transfer: payer, then receiver.
pub fn transfer_keys(
    from: Option<&Address>,
    to: &Address,
    sender: StateKey,
    keys: &mut Vec<StateKey>,
) {
    keys.push(from.map_or(sender, StateKey::account));
    keys.push(StateKey::account(to));
}

/// Moves the amount. A transfer to oneself needs the balance and changes nothing.
///
/// # Errors
/// When the payer has too little or the receiver cannot hold it.
pub fn apply_transfer<V: StateView>(
    transfer: &Transfer<'_>,
    slots: &[Slot],
    state: &mut Overlay<'_, V>,
) -> Result<(), Failure> {
    let &[payer_slot, to_slot] = slots else {
        unreachable!("a transfer declares two keys");
    };
    let mut payer = read(state, payer_slot);
    payer.balance =
        payer.balance.checked_sub(transfer.amount).map_err(|_| Failure::InsufficientBalance {
            account: *transfer.payer,
            needed: transfer.amount,
            available: payer.balance,
        })?;
    if payer_slot == to_slot {
        return Ok(());
    }
    let mut receiver = read(state, to_slot);
    receiver.balance = receiver
        .balance
        .checked_add(transfer.amount)
        .map_err(|_| Failure::BalanceOverflow { account: *transfer.to })?;
    write(state, payer_slot, payer);
    write(state, to_slot, receiver);
    Ok(())
}

/// Lets a transaction in: uses the nonce and takes the fee, or says why the transaction is skipped.
///
/// # Errors
/// The reason; the account is then unchanged.
pub fn take_fee(sender: &mut Account, body: &Body, height: Height) -> Result<(), SkipReason> {
    let (expected, got) = (sender.nonce, body.nonce);
    if got < expected {
        return Err(SkipReason::NonceUsed { expected, got });
    }
    if height > body.expiry {
        return Err(SkipReason::Expired { expiry: body.expiry, height });
    }
    if got > expected {
        return Err(SkipReason::NonceGap { expected, got });
    }
    sender.balance = sender
        .balance
        .checked_sub(body.fee)
        .map_err(|_| SkipReason::CannotPayFee { fee: body.fee, balance: sender.balance })?;
    sender.nonce = got.next();
    Ok(())
}

/// The account in a slot; one that does not exist yet is empty.
pub fn read<V: StateView>(state: &Overlay<'_, V>, slot: Slot) -> Account {
    state.read(slot).map_or_else(Account::default, |value| decode(value))
}

/// An account from the state.
///
/// # Panics
/// When the bytes are something else: what is read was verified against a root.
pub fn decode(value: &[u8]) -> Account {
    Account::from_value(value).expect("the accounts namespace holds encoded accounts")
}

/// Puts an account. It is never removed, since its nonce protects against replay.
pub fn write<V: StateView>(state: &mut Overlay<'_, V>, slot: Slot, account: Account) {
    state.write(slot, Some(account.to_value()));
}
