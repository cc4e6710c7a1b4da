//! Batches: how transactions travel; and the payload: how a block names them.

use std::sync::Arc;

use logothete_primitives::bounded::{BoundedBytes, BoundedVec};
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::domain;
use logothete_primitives::hash::{Digest, hash};
use logothete_primitives::identifiers::{BatchHash, ChainId, PayloadHash, TxHash};
use logothete_primitives::limits::{
    MAX_BATCH_BYTES, MAX_BATCH_TXS, MAX_BATCHES_PER_BLOCK, MAX_EVIDENCE_BYTES,
    MAX_EVIDENCE_PER_BLOCK, MAX_TX_BYTES,
};
use logothete_primitives::merkle;
use logothete_primitives::numbers::ValidatorIndex;
use serde::{Deserialize, Serialize};

use crate::admission::{Admitted, Candidate};
use crate::error::BatchError;
use crate::params::ChainParams;
use crate::transaction::Transaction;

/// Bytes of a batch before its first transaction: author, sequence, count.
pub const BATCH_PREFIX_BYTES: usize = 2 + 8 + 4;

/// Bytes that a batch needs for each transaction beside the transaction itself: its length.
pub const BATCH_ENTRY_BYTES: usize = 4;

/// Transactions that one validator vouches for, in the order in which they are to execute.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Batch {
    /// The validator that sealed it.
    pub author: ValidatorIndex,
    /// The author's count of its batches: two batches of the same transactions differ.
    pub sequence: u64,
    /// Encoded transactions.
    pub transactions: BoundedVec<BoundedBytes<MAX_TX_BYTES>, MAX_BATCH_TXS>,
}

/// What the hash of a batch covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct BatchHeader {
    /// The validator that sealed it.
    pub author: ValidatorIndex,
    /// The author's count of its batches.
    pub sequence: u64,
    /// Number of transactions.
    pub count: u32,
    /// Merkle root over their hashes.
    pub root: Digest,
}

impl BatchHeader {
    /// The hash by which payloads name the batch.
    pub fn hash(&self) -> BatchHash {
        BatchHash::new(hash(domain::BATCH, &codec::encode(self)))
    }
}

/// How a payload names a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct BatchRef {
    /// Its hash.
    pub hash: BatchHash,
    /// The validator that sealed it.
    pub author: ValidatorIndex,
    /// Number of transactions.
    pub count: u32,
    /// Size of the encoded batch.
    pub bytes: u32,
}

/// A batch of our own, ready to send and to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBatch {
    /// How payloads name it.
    pub reference: BatchRef,
    /// The encoded batch.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Encodes admitted transactions as a batch without copying them twice or hashing them again.
    ///
    /// # Panics
    /// When they exceed the limits of a batch: `Mempool::take` is given those limits.
    pub fn seal(
        author: ValidatorIndex,
        sequence: u64,
        transactions: &[Arc<Admitted>],
    ) -> SealedBatch {
        let content: usize = transactions.iter().map(|tx| BATCH_ENTRY_BYTES + tx.bytes.len()).sum();
        let size = BATCH_PREFIX_BYTES + content;
        assert!(
            transactions.len() <= MAX_BATCH_TXS && size <= MAX_BATCH_BYTES,
            "a batch within limits"
        );
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&author.get().to_le_bytes());
        bytes.extend_from_slice(&sequence.to_le_bytes());
        bytes.extend_from_slice(&length(transactions.len()).to_le_bytes());
        for tx in transactions {
            bytes.extend_from_slice(&length(tx.bytes.len()).to_le_bytes());
            bytes.extend_from_slice(&tx.bytes);
        }
        let hashes: Vec<TxHash> = transactions.iter().map(|tx| tx.hash).collect();
        let header = header(author, sequence, &hashes);
        let reference =
            BatchRef { hash: header.hash(), author, count: header.count, bytes: length(size) };
        SealedBatch { reference, bytes }
    }

    /// Decodes a batch; its transactions stay encoded.
    ///
    /// # Errors
    /// When the bytes are too many, not canonical, or hold no transaction.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(BatchError::TooLarge { max: MAX_BATCH_BYTES, got: bytes.len() });
        }
        let batch: Self = codec::decode(bytes)?;
        if batch.transactions.is_empty() {
            return Err(BatchError::Empty);
        }
        Ok(batch)
    }

    /// Size of the encoded batch.
    pub fn size(&self) -> usize {
        let content = self.transactions.iter().map(|tx| BATCH_ENTRY_BYTES + tx.len());
        BATCH_PREFIX_BYTES + content.sum::<usize>()
    }

    /// Decodes and checks its transactions, all but the signatures.
    ///
    /// # Errors
    /// The first transaction that is invalid in itself: an honest author seals none.
    pub fn candidates(
        &self,
        chain: &ChainId,
        params: &ChainParams,
    ) -> Result<Vec<Candidate>, BatchError> {
        let decode = |(position, bytes): (usize, &BoundedBytes<MAX_TX_BYTES>)| {
            Candidate::decode(bytes, chain, params)
                .map_err(|error| BatchError::Transaction { position, error })
        };
        self.transactions.iter().enumerate().map(decode).collect()
    }

    /// The header, given the hashes of its transactions in their order.
    pub fn header(&self, hashes: &[TxHash]) -> BatchHeader {
        header(self.author, self.sequence, hashes)
    }

    /// The header, hashing every transaction.
    pub fn compute_header(&self) -> BatchHeader {
        let hashes: Vec<TxHash> =
            self.transactions.iter().map(|bytes| Transaction::hash_of(bytes)).collect();
        self.header(&hashes)
    }

    /// How a payload names it, given the hashes of its transactions in their order.
    pub fn reference_for(&self, hashes: &[TxHash]) -> BatchRef {
        let header = self.header(hashes);
        BatchRef {
            hash: header.hash(),
            author: self.author,
            count: header.count,
            bytes: length(self.size()),
        }
    }
}

fn header(author: ValidatorIndex, sequence: u64, hashes: &[TxHash]) -> BatchHeader {
    let leaves: Vec<Digest> = hashes.iter().map(|hash| hash.digest()).collect();
    BatchHeader { author, sequence, count: length(hashes.len()), root: merkle::root(&leaves) }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("every length of the protocol is bounded far below 2^32")
}

/// What a block orders: batches, by reference; and what it records. Empty in an empty block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Payload {
    /// The batches in the order in which they are to execute.
    pub batches: BoundedVec<BatchRef, MAX_BATCHES_PER_BLOCK>,
    /// Evidence of equivocation, in the encoding of consensus: opaque here, and without effect on the state.
    pub evidence: BoundedVec<BoundedBytes<MAX_EVIDENCE_BYTES>, MAX_EVIDENCE_PER_BLOCK>,
}

impl Payload {
    /// The bytes that consensus carries.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes the only accepted form of a payload.
    ///
    /// # Errors
    /// When the bytes are not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, codec::CodecError> {
        codec::decode(bytes)
    }

    /// What a block header commits to.
    pub fn hash(&self) -> PayloadHash {
        Self::hash_of(&self.encode())
    }

    /// The hash of an encoded payload.
    pub fn hash_of(bytes: &[u8]) -> PayloadHash {
        PayloadHash::new(hash(domain::PAYLOAD, bytes))
    }
}
