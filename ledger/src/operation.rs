//! What a transaction can do. The rules of each operation live in its module, see [`crate::modules`].

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// One step of a transaction. The order of the variants is part of the wire format.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Moves an amount from one account to another (module `accounts`).
    Transfer {
        /// Who pays: the sender when absent, otherwise a co-signer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Address>,
        /// Who receives. An account that did not exist comes into being.
        to: Address,
        /// How much, at least one unit.
        amount: Amount,
    },
}

impl Operation {
    /// A transfer from the sender.
    pub const fn transfer(to: Address, amount: Amount) -> Self {
        Self::Transfer { from: None, to, amount }
    }
}
