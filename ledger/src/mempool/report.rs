//! What the mempool is told and what it tells.

use std::sync::Arc;

use logothete_primitives::address::Address;
use logothete_primitives::identifiers::TxHash;
use logothete_primitives::numbers::{Height, Nonce};
use serde::{Deserialize, Serialize};

use crate::admission::Admitted;
use crate::receipt::{Outcome, SkipReason};

/// What an insertion did beside adding the transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// The transaction of the same nonce that it replaces.
    pub replaced: Option<TxHash>,
    /// Transactions of other senders that gave way, being the cheapest.
    pub evicted: Vec<TxHash>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It waits to be taken.
    Waiting,
    /// It is in a batch that is not final.
    InFlight,
}

/// A final block, as the mempool sees it.
#[derive(Clone, Copy, Debug)]
pub struct FinalBlock<'a> {
    /// Its height.
    pub height: Height,
    /// Its transactions.
    pub transactions: &'a [Arc<Admitted>],
    /// What became of them, one each.
    pub outcomes: &'a [Outcome],
    /// The next nonces of the accounts that sent something.
    pub nonces: &'a [(Address, Nonce)],
}

/// A transaction that left without having been executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The transaction.
    pub hash: TxHash,
    /// Why it left.
    pub reason: DropReason,
}

/// Why a transaction left without having been executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DropReason {
    /// Another transaction with its nonce was executed.
    Superseded,
    /// It waited for as long as it may.
    Expired,
    /// It was ordered and skipped, and cannot become valid by waiting.
    Skipped {
        /// The reason of execution.
        reason: SkipReason,
    },
}

/// Figures about the mempool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MempoolStats {
    /// Transactions, in flight ones included.
    pub count: usize,
    /// Bytes of their encoding.
    pub bytes: usize,
    /// Senders.
    pub accounts: usize,
    /// Senders whose next transaction could be taken now.
    pub ready_accounts: usize,
    /// Transactions in batches that are not final.
    pub in_flight: usize,
    /// The bound of `count`.
    pub count_max: usize,
    /// The bound of `bytes`.
    pub bytes_max: usize,
}
