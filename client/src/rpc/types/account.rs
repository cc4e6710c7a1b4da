//! Accounts.

use logothete_primitives::{Address, Amount, Height, Nonce, TimestampMs, TxHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Anchor, HexBytes};

/// An account to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountGet {
    /// Whose account.
    pub address: Address,
    /// Read as of this height; the latest when absent. Only recent heights are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Height>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
    /// Whether to prove the answer.
    #[serde(default)]
    pub prove: bool,
}

/// An account. One that never received anything has balance 0 and nonce 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// Whose account.
    pub address: Address,
    /// Its coins.
    pub balance: Amount,
    /// The nonce of its next transaction, as of `at`.
    pub nonce: Nonce,
    /// The nonce to sign with next, counting what waits in this node's mempool.
    pub next_nonce: Nonce,
    /// Whether the account is in the state at all.
    pub exists: bool,
    /// The block whose state was read.
    pub at: Anchor,
    /// The proof, when it was asked for and the state is attested already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<AccountProof>,
}

/// Everything needed to check an account against a validator set one knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountProof {
    /// Encoded path from the account, or from its absence, to the state root.
    pub path: HexBytes,
    /// Encoded headers, from the one that attests the state root to the certified block.
    pub headers: Vec<HexBytes>,
    /// Encoded commit certificate of the last of the headers.
    pub certificate: HexBytes,
}

/// An account's history to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountHistory {
    /// Whose history.
    pub address: Address,
    /// From the last page; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries a page, at most 100; 20 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// A transaction that touched an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressActivity {
    /// The transaction.
    pub hash: TxHash,
    /// Height of its block.
    pub height: Height,
    /// Its position among all transactions of the block.
    pub index: u32,
    /// Time of its block.
    pub timestamp: TimestampMs,
    /// Who sent it.
    pub sender: Address,
    /// False when its operations failed.
    pub success: bool,
    /// What the account received.
    pub received: Amount,
    /// What the account gave, without the fee.
    pub sent: Amount,
    /// The fee the account paid; zero for transactions of others.
    pub fee: Amount,
}

/// An address that wants coins on a development chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaucetDrip {
    /// Who receives them.
    pub address: Address,
    /// How many; the faucet's usual portion when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}
