//! Finding blocks and transactions in the store, no further than the head that reads are answered at.

use std::sync::Arc;

use logothete_client::rpc::types::{Anchor, HexBytes, WhichBlock};
use logothete_client::rpc::{ErrorCode, RpcError};
use logothete_consensus::{BlockHeader, CommitCert};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::receipt::Receipt;
use logothete_ledger::store::{StoreError, TxLocation};
use logothete_ledger::transaction::Transaction;
use logothete_primitives::codec;
use logothete_primitives::{BatchHash, BlockHash, Height, ReceiptsRoot, TxHash};

use super::views;
use crate::chain::{Chain, ChainError};
use crate::head::Head;

/// Most headers that lead from a block to the certificate that makes it final.
const HEADERS_MAX: u64 = 4_096;

/// The chain as a reader sees it: everything up to one head.
pub(super) struct Lookup {
    chain: Chain,
    head: Head,
}

/// A final block.
pub(super) struct Found {
    pub(super) hash: BlockHash,
    pub(super) header: BlockHeader,
    pub(super) payload: Payload,
}

/// A transaction of a final block.
pub(super) struct FoundTx {
    pub(super) receipt: Receipt,
    pub(super) bytes: Vec<u8>,
    pub(super) tx: Transaction,
}

/// A header that attests results.
pub(super) struct Attestation {
    /// The height of the header.
    pub(super) header: Height,
    /// The height whose results it attests.
    pub(super) attested: Height,
}

/// What makes a block final: the headers up to the block that the certificate names.
pub(super) struct Finality {
    pub(super) headers: Vec<BlockHeader>,
    pub(super) certificate: CommitCert,
}

impl Finality {
    /// The encoded headers.
    pub(super) fn header_bytes(&self) -> Vec<HexBytes> {
        self.headers.iter().map(views::hex).collect()
    }
}

/// Reading failed: the operator learns why, the client only that it did.
pub(super) fn failed(error: &ChainError) -> RpcError {
    tracing::error!(event = "rpc.read.failed", %error);
    RpcError::internal()
}

/// The same for the store alone.
pub(super) fn store_failed(error: StoreError) -> RpcError {
    failed(&ChainError::Store(error))
}

impl Lookup {
    pub(super) fn new(chain: Chain, head: Head) -> Self {
        Self { chain, head }
    }

    /// The head at which everything is answered.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The head, as answers name it.
    pub(super) fn anchor(&self) -> Anchor {
        Anchor { height: self.head.height, hash: self.head.hash }
    }

    /// The block that is meant.
    pub(super) fn block(&self, which: WhichBlock) -> Result<Found, RpcError> {
        match which {
            WhichBlock::Latest => self.block_at(self.head.height),
            WhichBlock::Height(height) => self.block_at(height),
            WhichBlock::Hash(hash) => self.block_named(&hash),
        }
    }

    /// The block of a height.
    pub(super) fn block_at(&self, height: Height) -> Result<Found, RpcError> {
        if height > self.head.height {
            return Err(self.above_head(height));
        }
        if height == Height::ZERO {
            let genesis = self.chain.genesis();
            let (hash, header) = (genesis.hash, genesis.header.clone());
            return Ok(Found { hash, header, payload: Payload::default() });
        }
        let stored = self.chain.expect_block(height).map_err(|error| failed(&error))?;
        let payload = Payload::decode(&stored.block.payload)
            .map_err(|fault| failed(&ChainError::Damaged { what: "payload", height, fault }))?;
        Ok(Found { hash: stored.hash, header: stored.block.header, payload })
    }

    fn block_named(&self, hash: &BlockHash) -> Result<Found, RpcError> {
        if *hash == self.chain.genesis().hash {
            return self.block_at(Height::ZERO);
        }
        let stored = self.chain.block_by_hash(hash).map_err(|error| failed(&error))?;
        let unknown = || RpcError::not_found(format_args!("block {hash}"));
        let height = stored.ok_or_else(unknown)?.block.header.height;
        if height > self.head.height {
            return Err(unknown());
        }
        // A block that lost against another at its height is no part of the chain.
        let found = self.block_at(height)?;
        if found.hash == *hash { Ok(found) } else { Err(unknown()) }
    }

    fn above_head(&self, height: Height) -> RpcError {
        let message = format!("block {height} is not final yet");
        let hint = format!("the latest block here is {}", self.head.height);
        RpcError::new(ErrorCode::NotFound, message, hint)
    }

    /// The header of a height that is there.
    pub(super) fn header(&self, height: Height) -> Result<BlockHeader, RpcError> {
        let header = self.chain.header(height).map_err(|error| failed(&error))?;
        header.ok_or_else(|| failed(&ChainError::Missing { what: "header", height }))
    }

    /// What makes the block of a height final.
    pub(super) fn finality(&self, height: Height) -> Result<Finality, RpcError> {
        let found = self.chain.commit_certificate(height).map_err(|error| failed(&error))?;
        let missing = ChainError::Missing { what: "commit certificate", height };
        let (last, certificate) = found.ok_or_else(|| failed(&missing))?;
        if last.since(height) >= HEADERS_MAX {
            return Err(RpcError::too_large("the path to the certificate", HEADERS_MAX));
        }
        let mut headers = Vec::new();
        let mut next = height;
        while next <= last {
            headers.push(self.header(next)?);
            next = next.next();
        }
        Ok(Finality { headers, certificate })
    }

    /// The first header that attests the results of exactly `height`, if a final one does.
    pub(super) fn attestation(&self, height: Height) -> Result<Option<Height>, RpcError> {
        let exact = |by: &Attestation| by.attested == height;
        Ok(self.attestation_reaching(height)?.filter(exact).map(|by| by.header))
    }

    /// The first header that attests the results of `height` or of a height above it, if a final one does.
    pub(super) fn attestation_reaching(
        &self,
        height: Height,
    ) -> Result<Option<Attestation>, RpcError> {
        if self.head.attested.height < height {
            return Ok(None);
        }
        // What headers attest never falls, so the first that reaches the height can be searched for.
        let (mut low, mut high) = (height.next(), self.head.height);
        while low < high {
            let middle = low.plus(high.since(low) / 2);
            if self.header(middle)?.executed.height < height {
                low = middle.next();
            } else {
                high = middle;
            }
        }
        let attested = self.header(low)?.executed.height;
        Ok((attested >= height).then_some(Attestation { header: low, attested }))
    }

    /// Where a transaction was executed, if that is visible at the head.
    pub(super) fn place(&self, hash: &TxHash) -> Result<Option<TxLocation>, RpcError> {
        let place = self.chain.store().tx_location(hash).map_err(store_failed)?;
        Ok(place.filter(|place| place.height <= self.head.height))
    }

    /// The receipt at a place that is there.
    pub(super) fn receipt(&self, place: TxLocation) -> Result<Receipt, RpcError> {
        let height = place.height;
        let bytes = self.chain.store().receipt(place).map_err(store_failed)?;
        let missing = ChainError::Missing { what: "receipt", height };
        let bytes = bytes.ok_or_else(|| failed(&missing))?;
        codec::decode(&bytes)
            .map_err(|fault| failed(&ChainError::Damaged { what: "receipt", height, fault }))
    }

    /// What stands for the receipts of all heights up to this one.
    pub(super) fn receipts_root(&self, height: Height) -> Result<ReceiptsRoot, RpcError> {
        if height == Height::ZERO {
            return Ok(self.chain.genesis().header.executed.receipts_root);
        }
        let executed = self.chain.executed(height).map_err(|error| failed(&error))?;
        let missing = ChainError::Missing { what: "results", height };
        Ok(executed.ok_or_else(|| failed(&missing))?.receipts_root)
    }

    /// All receipts of a height, by their index.
    pub(super) fn receipts(&self, height: Height) -> Result<Vec<Receipt>, RpcError> {
        let stored = self.chain.store().receipts(height).map_err(store_failed)?;
        let decode = |(_, bytes): (u32, Vec<u8>)| {
            codec::decode(&bytes)
                .map_err(|fault| failed(&ChainError::Damaged { what: "receipt", height, fault }))
        };
        stored.into_iter().map(decode).collect()
    }

    /// A stored batch that a final block names.
    pub(super) fn batch(&self, hash: &BatchHash, height: Height) -> Result<Arc<Batch>, RpcError> {
        let bytes = self.chain.store().batch(hash).map_err(store_failed)?;
        let missing = ChainError::Missing { what: "batch", height };
        let bytes = bytes.ok_or_else(|| failed(&missing))?;
        Batch::decode(&bytes).map(Arc::new).map_err(|error| {
            tracing::error!(event = "rpc.batch.damaged", %error, batch = %hash);
            RpcError::internal()
        })
    }

    /// The chain itself, for what has no head of its own.
    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// Reads transactions by their place; remembers the last block and batch, because neighbours in a
/// list often share them.
pub(super) struct TxReader<'a> {
    lookup: &'a Lookup,
    block: Option<(Height, Found)>,
    batch: Option<(BatchHash, Arc<Batch>)>,
}

/// Where in the payload of its block a transaction is.
pub(super) struct InBatch {
    /// Which batch of the payload.
    pub(super) batch: BatchHash,
    /// Which transaction of the batch.
    pub(super) position: usize,
}

impl<'a> TxReader<'a> {
    pub(super) fn new(lookup: &'a Lookup) -> Self {
        Self { lookup, block: None, batch: None }
    }

    /// The block of a height.
    pub(super) fn block(&mut self, height: Height) -> Result<&Found, RpcError> {
        if self.block.as_ref().is_none_or(|(cached, _)| *cached != height) {
            self.block = Some((height, self.lookup.block_at(height)?));
        }
        let block = self.block.as_ref().expect("it was filled above");
        Ok(&block.1)
    }

    /// A batch of the block of a height.
    pub(super) fn batch(
        &mut self,
        hash: BatchHash,
        height: Height,
    ) -> Result<Arc<Batch>, RpcError> {
        if let Some((cached, batch)) = &self.batch
            && *cached == hash
        {
            return Ok(Arc::clone(batch));
        }
        let batch = self.lookup.batch(&hash, height)?;
        self.batch = Some((hash, Arc::clone(&batch)));
        Ok(batch)
    }

    /// Which batch holds the transaction at a place: a block executes its batches in their order.
    pub(super) fn locate(&mut self, place: TxLocation) -> Result<InBatch, RpcError> {
        let mut before = 0_u32;
        for reference in self.block(place.height)?.payload.batches.iter() {
            let after = before.saturating_add(reference.count);
            if place.index < after {
                let position = usize::try_from(place.index - before).unwrap_or(usize::MAX);
                return Ok(InBatch { batch: reference.hash, position });
            }
            before = after;
        }
        Err(failed(&ChainError::Missing { what: "transaction", height: place.height }))
    }

    /// The transaction at a place.
    pub(super) fn read(&mut self, place: TxLocation) -> Result<FoundTx, RpcError> {
        let receipt = self.lookup.receipt(place)?;
        let found = self.locate(place)?;
        let batch = self.batch(found.batch, place.height)?;
        let missing = ChainError::Missing { what: "transaction", height: place.height };
        let bytes = batch.transactions.get(found.position).ok_or_else(|| failed(&missing))?;
        let bytes = bytes.as_slice().to_vec();
        let tx = Transaction::decode(&bytes).map_err(|error| {
            tracing::error!(event = "rpc.transaction.damaged", %error, tx = %receipt.tx);
            RpcError::internal()
        })?;
        Ok(FoundTx { receipt, bytes, tx })
    }
}
