//! The store with the types of consensus: the one place where opaque records become blocks again.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{
    Block, BlockHeader, CommitCert, Executed, Offence, QuorumCert, SafetyState,
};
use logothete_ledger::batch::Payload;
use logothete_ledger::error::BatchError;
use logothete_ledger::store::{
    BlockRecord, CommittedBlock, EvidenceEntry, ExecutedRoots, Store, StoreError,
};
use logothete_primitives::ValidatorSet;
use logothete_primitives::codec::{self, CodecError, Decode};
use logothete_primitives::{BatchHash, BlockHash, ChainId, Height};
use thiserror::Error;

use crate::dissemination::{BatchRules, HeldBatch, offences_in};

/// Why a stored record could not be used.
#[derive(Debug, Error)]
pub enum ChainError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored record does not decode.
    #[error("stored {what} at height {height} is damaged: {fault}")]
    Damaged {
        /// Kind of record.
        what: &'static str,
        /// Height of its block, or zero where there is none.
        height: Height,
        /// What the decoder says.
        fault: CodecError,
    },
    /// A stored batch is damaged.
    #[error("stored batch {hash} is damaged: {fault}")]
    DamagedBatch {
        /// The batch.
        hash: BatchHash,
        /// What is wrong with it.
        fault: BatchError,
    },
    /// A record that must be there is not.
    #[error("the store lacks the {what} of height {height}")]
    Missing {
        /// Kind of record.
        what: &'static str,
        /// Height of its block.
        height: Height,
    },
}

/// A block with the certificate for its parent.
#[derive(Clone, Debug)]
pub struct StoredBlock {
    /// The block.
    pub block: Block,
    /// The certificate that it was proposed on.
    pub qc: QuorumCert,
    /// Its hash.
    pub hash: BlockHash,
}

/// Typed access to the chain in the store. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    store: Arc<dyn Store>,
    genesis: Arc<Genesis>,
}

/// Where the chain proves an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Height of the block.
    pub height: Height,
    /// Position of the evidence in its payload.
    pub index: u32,
    /// What it proves.
    pub offence: Offence,
}

/// What the chain starts from; every node computes it from the genesis file.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Identity of the chain.
    pub chain: ChainId,
    /// The block of height zero.
    pub header: BlockHeader,
    /// Its hash.
    pub hash: BlockHash,
    /// Who validates in the first epoch.
    pub validators: Arc<ValidatorSet>,
    /// What transactions and batches are checked against.
    pub rules: BatchRules,
}

fn decode<T: Decode<()>>(
    what: &'static str,
    height: Height,
    bytes: &[u8],
) -> Result<T, ChainError> {
    codec::decode(bytes).map_err(|fault| ChainError::Damaged { what, height, fault })
}

impl Chain {
    /// The chain kept in `store`.
    pub fn new(store: Arc<dyn Store>, genesis: Arc<Genesis>) -> Self {
        Self { store, genesis }
    }

    /// The untyped store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The start of the chain.
    pub fn genesis(&self) -> &Arc<Genesis> {
        &self.genesis
    }

    fn typed(record: &BlockRecord) -> Result<StoredBlock, ChainError> {
        Ok(StoredBlock {
            block: decode("block", record.height, &record.block)?,
            qc: decode("quorum certificate", record.height, &record.justify)?,
            hash: record.hash,
        })
    }

    /// The final block of a height; `None` for genesis and above the final height.
    pub fn block(&self, height: Height) -> Result<Option<StoredBlock>, ChainError> {
        self.store.block_by_height(height)?.as_ref().map(Self::typed).transpose()
    }

    /// The final block of a height that must be there.
    pub fn expect_block(&self, height: Height) -> Result<StoredBlock, ChainError> {
        self.block(height)?.ok_or(ChainError::Missing { what: "block", height })
    }

    /// A block by its hash, final or not.
    pub fn block_by_hash(&self, hash: &BlockHash) -> Result<Option<StoredBlock>, ChainError> {
        self.store.block_by_hash(hash)?.as_ref().map(Self::typed).transpose()
    }

    /// The header of a final height, genesis included.
    pub fn header(&self, height: Height) -> Result<Option<BlockHeader>, ChainError> {
        if height == Height::ZERO {
            return Ok(Some(self.genesis.header.clone()));
        }
        Ok(self.block(height)?.map(|stored| stored.block.header))
    }

    /// The certificate that makes a height final, and the height of the block it names.
    pub fn commit_certificate(
        &self,
        height: Height,
    ) -> Result<Option<(Height, CommitCert)>, ChainError> {
        let Some(record) = self.store.commit_certificate(height)? else { return Ok(None) };
        Ok(Some((record.height, decode("commit certificate", record.height, &record.certificate)?)))
    }

    /// Stored blocks above the final height, lowest first.
    pub fn uncommitted(&self) -> Result<Vec<StoredBlock>, ChainError> {
        self.store.uncommitted_blocks()?.iter().map(Self::typed).collect()
    }

    /// The durable safety state.
    pub fn safety(&self) -> Result<Option<SafetyState>, ChainError> {
        let Some(bytes) = self.store.safety()? else { return Ok(None) };
        decode("safety state", Height::ZERO, &bytes).map(Some)
    }

    /// Writes a block; durable with the next safety state.
    pub fn put_block(&self, block: &Block, qc: &QuorumCert) -> Result<(), ChainError> {
        Ok(self.store.put_block(&BlockRecord {
            height: block.header.height,
            hash: block.hash(),
            view: block.header.view,
            block: codec::encode(block),
            justify: codec::encode(qc),
        })?)
    }

    /// Makes blocks final, oldest first.
    pub fn commit(&self, blocks: &[Arc<Block>], cc: &CommitCert) -> Result<(), ChainError> {
        let epoch = self.genesis.validators.epoch();
        let contents = blocks.iter().map(|block| {
            let payload = payload_of(block);
            let about = offences_in(&payload, epoch).iter().map(codec::encode).collect();
            (names_in(&payload), about)
        });
        let contents: Vec<(Vec<BatchHash>, Vec<Vec<u8>>)> = contents.collect();
        let committed: Vec<_> = blocks
            .iter()
            .zip(&contents)
            .map(|(block, (batches, evidence))| CommittedBlock {
                height: block.header.height,
                hash: block.hash(),
                batches,
                evidence,
            })
            .collect();
        Ok(self.store.commit(&committed, &codec::encode(cc))?)
    }

    /// A stored batch; `None` when it is not there.
    pub fn batch(&self, hash: &BatchHash) -> Result<Option<HeldBatch>, ChainError> {
        let Some(bytes) = self.store.batch(hash)? else { return Ok(None) };
        HeldBatch::certified(&self.genesis.rules, Bytes::from(bytes))
            .map(Some)
            .map_err(|fault| ChainError::DamagedBatch { hash: *hash, fault })
    }

    /// Every offence of which the final chain records a proof, with the place of the proof, newest first.
    pub fn evidence(&self) -> Result<Vec<Recorded>, ChainError> {
        let entries = self.store.evidence()?.into_iter();
        let recorded = entries.map(|EvidenceEntry { height, index, about }| {
            Ok(Recorded { height, index, offence: decode("offence", height, &about)? })
        });
        recorded.collect()
    }

    /// The result of an executed height.
    pub fn executed(&self, height: Height) -> Result<Option<Executed>, ChainError> {
        Ok(self.store.executed(height)?.map(executed_from))
    }
}

/// The attested form of stored roots.
pub fn executed_from(roots: ExecutedRoots) -> Executed {
    Executed {
        height: roots.height,
        state_root: roots.state_root,
        receipts_root: roots.receipts_root,
    }
}

/// The stored form of an attestation.
pub fn roots_of(executed: &Executed) -> ExecutedRoots {
    ExecutedRoots {
        height: executed.height,
        state_root: executed.state_root,
        receipts_root: executed.receipts_root,
    }
}

/// The batches that a block orders.
pub fn batch_hashes(block: &Block) -> Vec<BatchHash> {
    names_in(&payload_of(block))
}

/// A final block's payload was checked by a quorum, so it decodes.
fn payload_of(block: &Block) -> Payload {
    Payload::decode(&block.payload).unwrap_or_default()
}

fn names_in(payload: &Payload) -> Vec<BatchHash> {
    payload.batches.iter().map(|reference| reference.hash).collect()
}
