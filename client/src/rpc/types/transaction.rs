//! Transactions: handing in, following, reading, proving.

use logothete_ledger::operation::Operation;
use logothete_ledger::transaction::ChainTag;
use logothete_primitives::{
    Address, Amount, BlockHash, Height, Nonce, Signature, TimestampMs, TxHash,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::HexBytes;
use crate::rpc::error::RpcError;

/// The bytes of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxBytes {
    /// Canonical encoding of the signed transaction.
    pub tx: HexBytes,
}

/// The bytes of many transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxSubmitBatch {
    /// Canonical encodings of signed transactions.
    pub txs: Vec<HexBytes>,
}

/// A transaction whose state is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxStatusGet {
    /// Hash of the whole transaction.
    pub hash: TxHash,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// A transaction to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxWait {
    /// Hash of the whole transaction.
    pub hash: TxHash,
    /// How long to wait at most; the node may answer earlier that it is still pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
}

/// A transaction to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxGet {
    /// Hash of the whole transaction.
    pub hash: TxHash,
    /// Whether to prove inclusion and receipt.
    #[serde(default)]
    pub prove: bool,
    /// Answer only from this height on: read your own writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<Height>,
}

/// The answer to a transaction that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submitted {
    /// Hash of the transaction; keep it.
    pub hash: TxHash,
    /// Where it stands now.
    pub status: TxStatus,
    /// True when the node knew it before this call.
    #[serde(default)]
    pub known: bool,
}

/// The answers to many transactions, in the order they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubmittedEach {
    /// One per transaction.
    pub items: Vec<SubmitOutcome>,
}

/// One transaction of a batch: taken, or refused for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubmitOutcome {
    /// It was taken.
    Ok(Submitted),
    /// It was not, with the error `tx_submit` would have given.
    Error(RpcError),
}

/// A transaction and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxState {
    /// Hash of the transaction.
    pub hash: TxHash,
    /// Where it stands.
    pub status: TxStatus,
}

/// Where a transaction stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TxStatus {
    /// This node has not heard of it, or has forgotten it.
    Unknown,
    /// It waits in the mempool.
    Pending,
    /// It is in a batch or a block that is not final yet.
    InFlight,
    /// It is in the chain for good.
    Final(TxPlace),
    /// It will not execute as it is, and left the mempool.
    Dropped {
        /// Symbolic reason, for example `EXPIRED`.
        reason: String,
    },
}

impl TxStatus {
    /// True when nothing more will happen to the transaction on this node.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Final(_) | Self::Dropped { .. })
    }
}

/// Where in the chain a transaction is, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxPlace {
    /// Height of its block.
    pub height: Height,
    /// Hash of its block.
    pub block: BlockHash,
    /// Its position among all transactions of the block, skipped ones included.
    pub index: u32,
    /// False when its operations failed: fee and nonce were taken, nothing else changed.
    pub success: bool,
    /// Why they failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
}

/// Why the operations of a transaction failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureView {
    /// Symbolic reason, for example `INSUFFICIENT_BALANCE`.
    pub code: String,
    /// Position of the operation that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<u32>,
    /// One sentence for people.
    pub message: String,
    /// What would have been accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
}

/// What the signers of a transaction sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyView {
    /// First bytes of the chain id; may be left out when a body is given to a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainTag>,
    /// Who sends it, pays the fee and spends a nonce.
    pub sender: Address,
    /// The sender's next nonce.
    pub nonce: Nonce,
    /// Paid to the fee account whether the operations succeed or not.
    pub fee: Amount,
    /// The last height at which it may execute.
    pub expiry: Height,
    /// Executed in order, all or none.
    pub operations: Vec<Operation>,
    /// Anything, for the sender's own use.
    #[serde(default)]
    pub memo: HexBytes,
    /// Others who must sign: sorted, distinct, without the sender.
    #[serde(default)]
    pub cosigners: Vec<Address>,
}

/// A transaction body to encode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxEncode {
    /// The body.
    pub body: BodyView,
    /// The sender's signature, when there is one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// The co-signers' signatures, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosignatures: Vec<Signature>,
}

/// A transaction body in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxEncoded {
    /// Canonical encoding of the body.
    pub body: HexBytes,
    /// What every signer signs: domain tag, chain id, body.
    pub signing_message: HexBytes,
    /// Canonical encoding of the whole transaction, when signatures were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx: Option<HexBytes>,
    /// Hash of the whole transaction, when signatures were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<TxHash>,
}

/// The content of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxView {
    /// Hash of the whole transaction.
    pub hash: TxHash,
    /// What was signed.
    pub body: BodyView,
    /// The sender's signature.
    pub signature: Signature,
    /// The co-signers' signatures, in their order.
    #[serde(default)]
    pub cosignatures: Vec<Signature>,
    /// Bytes of its encoding.
    pub size: u32,
}

/// A final transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxDetails {
    /// Its content.
    pub tx: TxView,
    /// Its canonical encoding.
    pub bytes: HexBytes,
    /// Time of its block.
    pub timestamp: TimestampMs,
    /// How it ended, and where.
    pub receipt: ReceiptView,
    /// The proofs, when they were asked for and the results are attested already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<TxProof>,
}

/// What executing a transaction gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptView {
    /// The transaction.
    pub tx: TxHash,
    /// Where it is in the chain, and how it ended.
    #[serde(flatten)]
    pub place: TxPlace,
    /// The fee it paid.
    pub fee: Amount,
}

/// What a transaction would do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxSimulated {
    /// Hash of the transaction.
    pub hash: TxHash,
    /// The state it was tried on.
    pub at: super::common::Anchor,
    /// True when all its operations would succeed.
    pub success: bool,
    /// The fee it would pay.
    pub fee: Amount,
    /// Why its operations would fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// Why it would not be executed at all: `NONCE_USED`, `EXPIRED`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<FailureView>,
}

/// Everything needed to check, against a validator set one knows, that a transaction is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxProof {
    /// Encoded path from the transaction to its batch and on to the payload of its block.
    pub inclusion: HexBytes,
    /// Encoded headers, from the block of the transaction to the certified block.
    pub headers: Vec<HexBytes>,
    /// Encoded commit certificate of the last of the headers.
    pub certificate: HexBytes,
    /// The proof of the receipt, once its height is attested by a final header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptProof>,
}

/// Everything needed to check how a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptProof {
    /// Encoded receipt.
    pub receipt: HexBytes,
    /// Encoded Merkle path from the receipt to the receipts root of its height.
    pub path: HexBytes,
    /// Encoded headers, from the one that attests the receipts root to the certified block.
    pub headers: Vec<HexBytes>,
    /// Encoded commit certificate of the last of the headers.
    pub certificate: HexBytes,
}
