//! Blocks and certificates.

use logothete_primitives::{
    BatchHash, BlockHash, Epoch, Height, PayloadHash, ReceiptsRoot, StateRoot, TimestampMs, TxHash,
    View,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{HexBytes, ValidatorRef};
use crate::rpc::error::RpcError;

/// A block, by height or by hash; the latest when neither is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockSelector {
    /// Its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Height>,
    /// Its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<BlockHash>,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// A block to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockGet {
    /// Its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Height>,
    /// Its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<BlockHash>,
    /// Whether to list the hashes of its transactions.
    #[serde(default)]
    pub transactions: bool,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// Which block is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichBlock {
    /// The latest.
    Latest,
    /// The one at a height.
    Height(Height),
    /// The one with a hash.
    Hash(BlockHash),
}

impl BlockSelector {
    /// Which block is meant.
    ///
    /// # Errors
    ///
    /// `INVALID_PARAMS` when both a height and a hash are given.
    pub fn which(self) -> Result<WhichBlock, RpcError> {
        match (self.height, self.hash) {
            (None, None) => Ok(WhichBlock::Latest),
            (Some(height), None) => Ok(WhichBlock::Height(height)),
            (None, Some(hash)) => Ok(WhichBlock::Hash(hash)),
            (Some(_), Some(_)) => {
                let why = "both height and hash are given";
                Err(RpcError::invalid_params(why, "name the block by one of them"))
            }
        }
    }
}

impl BlockGet {
    /// The block it names.
    #[must_use]
    pub fn selector(self) -> BlockSelector {
        BlockSelector { height: self.height, hash: self.hash, min_height: self.min_height }
    }
}

/// A block in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockSummary {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// The view it was proposed in.
    pub view: View,
    /// Its time.
    pub timestamp: TimestampMs,
    /// Who proposed it.
    pub proposer: ValidatorRef,
    /// Transactions it orders.
    pub transactions: u32,
}

/// The content of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderView {
    /// Validator-set period.
    pub epoch: Epoch,
    /// The view it was proposed in.
    pub view: View,
    /// Its height.
    pub height: Height,
    /// Hash of the block before it.
    pub parent: BlockHash,
    /// View of the block before it.
    pub parent_view: View,
    /// When the proposer made it.
    pub timestamp: TimestampMs,
    /// Who proposed it.
    pub proposer: ValidatorRef,
    /// Hash of its payload.
    pub payload: PayloadHash,
    /// Results of an earlier height that this header attests.
    pub executed: ExecutedView,
}

/// Results of a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutedView {
    /// The height.
    pub height: Height,
    /// Root of the state after it.
    pub state_root: StateRoot,
    /// Root of its receipts.
    pub receipts_root: ReceiptsRoot,
}

/// A batch a block refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchView {
    /// Its hash.
    pub hash: BatchHash,
    /// Who sealed it.
    pub author: ValidatorRef,
    /// Transactions in it.
    pub count: u32,
    /// Bytes of it.
    pub bytes: u32,
}

/// A final block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockView {
    /// Its hash.
    pub hash: BlockHash,
    /// Its header.
    pub header: HeaderView,
    /// Its encoded payload, which hashes to `header.payload`: by it the batches and both counts are proven.
    /// That of genesis is the chain id.
    #[serde(default)]
    pub payload: HexBytes,
    /// The batches it orders.
    pub batches: Vec<BatchView>,
    /// Transactions it orders.
    pub transaction_count: u32,
    /// Proofs of equivocation it records; `evidence_list` has them.
    #[serde(default)]
    pub evidence_count: u32,
    /// Hashes of those that were executed, in that order, when they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Vec<TxHash>>,
    /// Results of this height, as this node computed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<ExecutedView>,
    /// Who signed the commit certificate that covers it, and who did not.
    pub signers: Vec<SignerView>,
}

/// A validator's place in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignerView {
    /// The validator.
    pub validator: ValidatorRef,
    /// Its voting power.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// Whether its signature is in the certificate.
    pub signed: bool,
    /// Why it is not, where the node that answers knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
}

/// Why a signature is not in a certificate, as one node saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missed {
    /// In short.
    pub why: MissedWhy,
    /// After how many milliseconds in the view its vote, or its timeout, came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u32>,
}

/// Why a signature is not in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissedWhy {
    /// Its vote came; the certificate was made without it, from quicker ones.
    Slower,
    /// It gave the view up instead.
    TimedOut,
    /// It voted to prepare the block, and its commit vote did not come.
    OnlyPrepared,
    /// Nothing of it came in this view.
    NotHeard,
}

/// What makes a block final, in a form that can be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockCertificate {
    /// The block asked for.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// The view of the certificate.
    pub view: View,
    /// Encoded headers, from the block asked for to the certified block.
    pub headers: Vec<HexBytes>,
    /// Encoded commit certificate of the last of the headers.
    pub certificate: HexBytes,
    /// Who signed it, and who did not.
    pub signers: Vec<SignerView>,
    /// Voting power of the signers.
    #[serde(with = "super::common::Decimal")]
    pub power: u64,
    /// Voting power that is needed.
    #[serde(with = "super::common::Decimal")]
    pub quorum: u64,
}
