//! Pieces that the operations of the store are made of.

use std::ops::ControlFlow;

use logothete_primitives::{BatchHash, BlockHash, Height};

use super::ChainStore;
use crate::store::engine::{Direction, Engine, Writer};
use crate::store::schema::{self, BatchRow, Family};
use crate::store::{AppliedTx, BlockRecord, CommittedBlock, Store, StoreError, TxLocation};

/// Sees one record of a scan; an error ends it.
pub(super) type TryVisit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError> + 'a;

impl<E: Engine> ChainStore<E> {
    pub(super) fn next_height(
        what: &'static str,
        expected: Height,
        got: Height,
    ) -> Result<(), StoreError> {
        if expected == got { Ok(()) } else { Err(StoreError::OutOfOrder { what, expected, got }) }
    }

    /// Checks that the blocks continue the chain and are stored; returns their competitors.
    pub(super) fn competitors(
        &self,
        blocks: &[CommittedBlock<'_>],
    ) -> Result<Vec<(Height, BlockHash)>, StoreError> {
        let mut competitors = Vec::new();
        let mut height = self.committed_height();
        for block in blocks {
            height = height.next();
            Self::next_height("commit", height, block.height)?;
            let stored = self.hashes_at(height)?;
            if !stored.contains(&block.hash) {
                let hash = block.hash.to_string();
                return Err(StoreError::UnknownBlock { height, hash });
            }
            let others = stored.into_iter().filter(|hash| *hash != block.hash);
            competitors.extend(others.map(|hash| (height, hash)));
        }
        Ok(competitors)
    }

    pub(super) fn hashes_at(&self, height: Height) -> Result<Vec<BlockHash>, StoreError> {
        let prefix = schema::height_key(height);
        let mut hashes = Vec::new();
        self.scan_prefix(Family::Blocks, &prefix, &mut |key, _| {
            hashes.push(BlockHash::new(schema::digest_of(Family::Blocks, key, &key[8..])?));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(hashes)
    }

    /// Visits the records whose key starts with `prefix`.
    pub(super) fn scan_prefix(
        &self,
        family: Family,
        prefix: &[u8],
        visit: &mut TryVisit<'_>,
    ) -> Result<(), StoreError> {
        self.scan_from(family, prefix, &mut |key, value| {
            if key.starts_with(prefix) { visit(key, value) } else { Ok(ControlFlow::Break(())) }
        })
    }

    /// Visits records upwards from `start`; an error of `visit` ends the scan.
    pub(super) fn scan_from(
        &self,
        family: Family,
        start: &[u8],
        visit: &mut TryVisit<'_>,
    ) -> Result<(), StoreError> {
        let mut failure = None;
        self.engine.scan(family, start, Direction::Ascending, &mut |key, value| {
            visit(key, value).unwrap_or_else(|error| {
                failure = Some(error);
                ControlFlow::Break(())
            })
        })?;
        failure.map_or(Ok(()), Err)
    }

    pub(super) fn block_at(
        &self,
        height: Height,
        hash: &BlockHash,
    ) -> Result<Option<BlockRecord>, StoreError> {
        let key = schema::block_key(height, hash);
        let value = self.engine.read(Family::Blocks, &key)?;
        value.map(|value| schema::parse_block(&key, &value)).transpose()
    }

    pub(super) fn height_value(
        &self,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Height>, StoreError> {
        let value = self.engine.read(family, key)?;
        value.map(|value| schema::height_of(family, &value)).transpose()
    }

    /// Decides about one batch that was stored long ago.
    pub(super) fn is_garbage(&self, stored: Height, hash: &BatchHash) -> Result<bool, StoreError> {
        let ordered = schema::batch_row_key(BatchRow::Ordered, hash);
        if self.engine.contains(Family::BatchIndex, &ordered)? {
            return Ok(false);
        }
        // Stored again later: a later mark speaks for it.
        let again = schema::batch_row_key(BatchRow::Stored, hash);
        Ok(self.height_value(Family::BatchIndex, &again)? == Some(stored))
    }
}

pub(super) fn put_transactions(
    writer: &mut dyn Writer,
    height: Height,
    transactions: &[AppliedTx<'_>],
) {
    for tx in transactions {
        let location = TxLocation { height, index: tx.index };
        writer.put(Family::TxIndex, tx.hash.as_bytes(), &schema::location_value(location));
        for account in tx.accounts {
            let key = schema::history_key(account, location);
            writer.put(Family::AccountIndex, &key, tx.hash.as_bytes());
        }
    }
}

pub(super) fn put_receipts(
    writer: &mut dyn Writer,
    height: Height,
    transactions: &[AppliedTx<'_>],
) {
    let mut row = Vec::new();
    for group in transactions
        .chunk_by(|a, b| a.index / schema::RECEIPTS_PER_ROW == b.index / schema::RECEIPTS_PER_ROW)
    {
        row.clear();
        for tx in group {
            schema::push_receipt(&mut row, tx.index, tx.receipt);
        }
        writer.put(Family::Receipts, &schema::receipt_row_key(height, group[0].index), &row);
    }
}
