//! What the ledger keeps for one address.

use logothete_primitives::amount::Amount;
use logothete_primitives::codec::{self, CodecError, Decode, Encode};
use logothete_primitives::numbers::Nonce;
use serde::{Deserialize, Serialize};

use crate::state::StateValue;

/// Balance and nonce of an address. An address that was never touched has none of it, not a zero record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Account {
    /// What the account can spend.
    pub balance: Amount,
    /// The nonce its next transaction must carry.
    pub nonce: Nonce,
}

impl Account {
    /// An account that received `balance` and never sent anything.
    pub const fn with_balance(balance: Amount) -> Self {
        Self { balance, nonce: Nonce::ZERO }
    }

    /// The bytes kept in the state.
    pub fn to_value(self) -> StateValue {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.balance.units().to_le_bytes());
        bytes[8..].copy_from_slice(&self.nonce.get().to_le_bytes());
        StateValue::new(&bytes)
    }

    /// Reads the bytes kept in the state.
    ///
    /// # Errors
    /// When the bytes are not an account.
    pub fn from_value(value: &[u8]) -> Result<Self, CodecError> {
        codec::decode(value)
    }
}
