//! Values of the state, with their proof.

use logothete_primitives::{Address, Digest, Height, StateRoot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::AccountProof;
use super::common::{Anchor, HexBytes};
use crate::rpc::error::RpcError;

/// A value to prove: `account` or `key`, one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateProofGet {
    /// The key of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Address>,
    /// A key of the state, as docs/wire-state.md derives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Digest>,
    /// Prove as of this height; the newest that a final block attests when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Height>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// Which value is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichState {
    /// That of an account.
    Account(Address),
    /// That of a key.
    Key(Digest),
}

impl StateProofGet {
    /// Which value is meant.
    ///
    /// # Errors
    /// `INVALID_PARAMS` when it is not named, or twice.
    pub fn which(self) -> Result<WhichState, RpcError> {
        match (self.account, self.key) {
            (Some(address), None) => Ok(WhichState::Account(address)),
            (None, Some(key)) => Ok(WhichState::Key(key)),
            _ => {
                let why = "one of account and key must be given";
                Err(RpcError::invalid_params(why, "name the value by one of them"))
            }
        }
    }
}

/// A value of the state, or its absence, proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateProofView {
    /// The key of the state.
    pub key: Digest,
    /// Its encoded value; absent when the state has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<HexBytes>,
    /// The block whose state was read.
    pub at: Anchor,
    /// The root of that state, as this node computed it.
    pub state_root: StateRoot,
    /// The proof; absent as long as no final block attests that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<AccountProof>,
}
