//! Why a valid transaction is not taken into the mempool, at least not now.

use std::time::Duration;

use logothete_primitives::amount::Amount;
use logothete_primitives::numbers::{Height, Nonce};
use thiserror::Error;

/// A refusal that depends on the state at hand or on what else waits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MempoolError {
    /// The nonce was used by a final transaction.
    #[error("nonce {got} was used before, the next one is {expected}")]
    NonceTooLow {
        /// The next nonce of the sender.
        expected: Nonce,
        /// The nonce of the transaction.
        got: Nonce,
    },
    /// The nonce is further ahead than the mempool keeps.
    #[error("nonce {got} is too far ahead, the next one is {expected} and the window {window}")]
    NonceTooHigh {
        /// The next nonce of the sender.
        expected: Nonce,
        /// The nonce of the transaction.
        got: Nonce,
        /// How many nonces from the next one on are accepted.
        window: u64,
    },
    /// The next block is above its last height.
    #[error("expired: may execute up to height {expiry}, the chain is at {now}")]
    Expired {
        /// The last height at which it may execute.
        expiry: Height,
        /// The height of the chain.
        now: Height,
    },
    /// The sender cannot pay for it, together with the fees of what it has waiting.
    #[error("the sender has {available}, the transaction needs {needed}")]
    InsufficientBalance {
        /// What it needs.
        needed: Amount,
        /// What there is.
        available: Amount,
    },
    /// Below what this node asks for. Other nodes may ask for less.
    #[error("the fee is {got}, this node takes {expected} or more")]
    FeeTooLow {
        /// Least fee of this node for this transaction.
        expected: Amount,
        /// Its fee.
        got: Amount,
    },
    /// Another transaction waits with the same nonce, and the fee is not enough to replace it.
    #[error(
        "another transaction has this nonce; to replace it the fee must be at least {min}, it is {got}"
    )]
    Underpriced {
        /// Least fee that replaces it.
        min: Amount,
        /// The fee of the transaction.
        got: Amount,
    },
    /// Another transaction with the same nonce is being ordered already.
    #[error("another transaction with nonce {nonce} is being ordered and cannot be replaced")]
    NonceInFlight {
        /// The nonce.
        nonce: Nonce,
    },
    /// This very transaction waits already.
    #[error("the transaction is known and waits for a block")]
    AlreadyKnown,
    /// The sender has as many transactions waiting as one account may have.
    #[error("the sender has {limit} transactions waiting, the most for one account")]
    PerAccountFull {
        /// The limit.
        limit: usize,
    },
    /// There is no room, and nothing with a lower fee to give way.
    #[error("the mempool is full; try again in {} ms", retry_after.as_millis())]
    Full {
        /// When trying again makes sense.
        retry_after: Duration,
    },
}

impl MempoolError {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NonceTooLow { .. } => "NONCE_TOO_LOW",
            Self::NonceTooHigh { .. } => "NONCE_TOO_HIGH",
            Self::Expired { .. } => "EXPIRED",
            Self::InsufficientBalance { .. } => "INSUFFICIENT_BALANCE",
            Self::FeeTooLow { .. } => "FEE_TOO_LOW",
            Self::Underpriced { .. } => "UNDERPRICED",
            Self::NonceInFlight { .. } => "NONCE_IN_FLIGHT",
            Self::AlreadyKnown => "ALREADY_KNOWN",
            Self::PerAccountFull { .. } => "ACCOUNT_FULL",
            Self::Full { .. } => "MEMPOOL_FULL",
        }
    }

    /// What would have been accepted.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::NonceTooLow { expected, .. } | Self::NonceTooHigh { expected, .. } => {
                Some(expected.to_string())
            }
            Self::Expired { now, .. } => Some(now.next().to_string()),
            Self::InsufficientBalance { needed, .. } => Some(needed.units().to_string()),
            Self::FeeTooLow { expected: min, .. } | Self::Underpriced { min, .. } => {
                Some(min.units().to_string())
            }
            Self::PerAccountFull { limit } => Some(limit.to_string()),
            Self::NonceInFlight { .. } | Self::AlreadyKnown | Self::Full { .. } => None,
        }
    }

    /// What was given.
    pub fn got(&self) -> Option<String> {
        match self {
            Self::NonceTooLow { got, .. } | Self::NonceTooHigh { got, .. } => Some(got.to_string()),
            Self::Expired { expiry, .. } => Some(expiry.to_string()),
            Self::InsufficientBalance { available, .. } => Some(available.units().to_string()),
            Self::FeeTooLow { got, .. } | Self::Underpriced { got, .. } => {
                Some(got.units().to_string())
            }
            Self::NonceInFlight { nonce } => Some(nonce.to_string()),
            Self::AlreadyKnown | Self::PerAccountFull { .. } | Self::Full { .. } => None,
        }
    }

    /// When trying the same transaction again makes sense.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}
