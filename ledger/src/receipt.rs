//! What became of an ordered transaction: a receipt, or the reason why it was skipped.
//!
//! *Failed* means that it counted: fee and nonce are taken, its operations undone, the receipt says why.
//! *Skipped* means that it never happened: no fee, no nonce, no receipt.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::domain;
use logothete_primitives::hash::{Digest, Hasher, hash};
use logothete_primitives::identifiers::{ReceiptsRoot, TxHash};
use logothete_primitives::merkle;
use logothete_primitives::numbers::{Height, Nonce};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The attested result of one executed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Receipt {
    /// The transaction.
    pub tx: TxHash,
    /// Its position among all transactions of the block, skipped ones included.
    pub index: u32,
    /// Whether its operations took effect.
    pub status: Status,
    /// What its sender paid.
    pub fee: Amount,
}

impl Receipt {
    /// The leaf of this receipt under the receipts root.
    pub fn leaf(&self) -> Digest {
        hash(domain::RECEIPT, &codec::encode(self))
    }
}

/// What a header attests of a height: its receipts and, through `before`, those of all heights below. So the
/// attestation of a later height proves the receipts of an earlier one that no header attests by itself.
pub fn accumulate(before: &ReceiptsRoot, block: &ReceiptsRoot) -> ReceiptsRoot {
    let hasher = Hasher::new(domain::RECEIPTS).update(before.as_bytes()).update(block.as_bytes());
    ReceiptsRoot::new(hasher.finish())
}

/// Merkle root over the receipts of one block. That over none is what height 0 attests.
pub fn receipts_root<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> ReceiptsRoot {
    let leaves: Vec<Digest> = receipts.into_iter().map(Receipt::leaf).collect();
    ReceiptsRoot::new(merkle::root(&leaves))
}

/// Whether the operations took effect, all of them or none.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// All operations took effect.
    Success,
    /// None took effect; the fee was paid.
    Failed {
        /// Which operation stopped it, from zero.
        operation: u16,
        /// Why.
        failure: Failure,
    },
}

impl Status {
    /// Whether all operations took effect.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }
}

/// Why an operation failed. The order of the variants is part of the wire format.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, Error)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Failure {
    /// The paying account holds too little.
    #[error("{account} has {available}, needs {needed}")]
    InsufficientBalance {
        /// Who pays.
        account: Address,
        /// How much the operation moves.
        needed: Amount,
        /// How much there is.
        available: Amount,
    },
    /// The receiving account cannot hold that much.
    #[error("the balance of {account} would overflow")]
    BalanceOverflow {
        /// Who receives.
        account: Address,
    },
}

impl Failure {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InsufficientBalance { .. } => "INSUFFICIENT_BALANCE",
            Self::BalanceOverflow { .. } => "BALANCE_OVERFLOW",
        }
    }

    /// What would have been accepted.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::InsufficientBalance { needed, .. } => Some(needed.units().to_string()),
            Self::BalanceOverflow { .. } => None,
        }
    }

    /// What was found.
    pub fn got(&self) -> Option<String> {
        match self {
            Self::InsufficientBalance { available, .. } => Some(available.units().to_string()),
            Self::BalanceOverflow { .. } => None,
        }
    }
}

/// Why an ordered transaction had no effect at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SkipReason {
    /// The nonce was used before, by this transaction or by another one.
    #[error("nonce {got} was used before, the next one is {expected}")]
    NonceUsed {
        /// The next nonce of the sender.
        expected: Nonce,
        /// The nonce of the transaction.
        got: Nonce,
    },
    /// An earlier nonce is missing.
    #[error("nonce {got} is ahead, the next one is {expected}")]
    NonceGap {
        /// The next nonce of the sender.
        expected: Nonce,
        /// The nonce of the transaction.
        got: Nonce,
    },
    /// The block is above the transaction's last height.
    #[error("expired at height {expiry}, the block has {height}")]
    Expired {
        /// The last height at which it could execute.
        expiry: Height,
        /// The height of the block.
        height: Height,
    },
    /// The sender cannot pay the fee.
    #[error("the fee is {fee}, the sender has {balance}")]
    CannotPayFee {
        /// The fee of the transaction.
        fee: Amount,
        /// The sender's balance.
        balance: Amount,
    },
}

impl SkipReason {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NonceUsed { .. } => "NONCE_USED",
            Self::NonceGap { .. } => "NONCE_GAP",
            Self::Expired { .. } => "EXPIRED",
            Self::CannotPayFee { .. } => "CANNOT_PAY_FEE",
        }
    }

    /// What would have been accepted.
    pub fn expected(&self) -> Option<String> {
        Some(match self {
            Self::NonceUsed { expected, .. } | Self::NonceGap { expected, .. } => {
                expected.to_string()
            }
            Self::Expired { expiry, .. } => expiry.to_string(),
            Self::CannotPayFee { fee, .. } => fee.units().to_string(),
        })
    }

    /// What was found.
    pub fn got(&self) -> Option<String> {
        Some(match self {
            Self::NonceUsed { got, .. } | Self::NonceGap { got, .. } => got.to_string(),
            Self::Expired { height, .. } => height.to_string(),
            Self::CannotPayFee { balance, .. } => balance.units().to_string(),
        })
    }
}

/// What became of one transaction of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It counted, with success or with failure.
    Executed(Receipt),
    /// It never happened.
    Skipped(SkipReason),
}

impl Outcome {
    /// The receipt, unless it was skipped.
    pub const fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Executed(receipt) => Some(receipt),
            Self::Skipped(_) => None,
        }
    }
}
