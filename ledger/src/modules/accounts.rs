//! The `accounts` module: balances, nonces, fees and transfers.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::numbers::Height;

use crate::account::Account;
use crate::error::TxError;
use crate::overlay::Overlay;
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
            Err(TxError::PayerNotSigner {
                operation,
                account: *account,
            })
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
    keys: &[StateKey],
    state: &mut Overlay<'_, V>,
) -> Result<(), Failure> {
    let &[payer_key, to_key] = keys else {
        unreachable!("a transfer declares two keys");
    };
    let mut payer = read(state, &payer_key);
    payer.balance =
        payer
            .balance
            .checked_sub(transfer.amount)
            .map_err(|_| Failure::InsufficientBalance {
                account: *transfer.payer,
                needed: transfer.amount,
                available: payer.balance,
            })?;
    if payer_key == to_key {
        return Ok(());
    }
    let mut receiver = read(state, &to_key);
    receiver.balance =
        receiver
            .balance
            .checked_add(transfer.amount)
            .map_err(|_| Failure::BalanceOverflow {
                account: *transfer.to,
            })?;
    write(state, &payer_key, payer);
    write(state, &to_key, receiver);
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
        return Err(SkipReason::Expired {
            expiry: body.expiry,
            height,
        });
    }
    if got > expected {
        return Err(SkipReason::NonceGap { expected, got });
    }
    sender.balance =
        sender
            .balance
            .checked_sub(body.fee)
            .map_err(|_| SkipReason::CannotPayFee {
                fee: body.fee,
                balance: sender.balance,
            })?;
    sender.nonce = got.next();
    Ok(())
}

/// The account at a key; one that does not exist yet is empty.
pub fn read<V: StateView>(state: &mut Overlay<'_, V>, key: &StateKey) -> Account {
    state
        .read(key)
        .map_or_else(Account::default, |value| decode(value))
}

/// An account from the state.
///
/// # Panics
/// When the bytes are something else: what is read was verified against a root.
pub fn decode(value: &[u8]) -> Account {
    Account::from_value(value).expect("the accounts namespace holds encoded accounts")
}

/// Puts an account. It is never removed, since its nonce protects against replay.
pub fn write<V: StateView>(state: &mut Overlay<'_, V>, key: &StateKey, account: Account) {
    state.write(key, Some(account.to_value()));
}
