//! The one implementation of [`Store`], over any engine.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

mod opening;
mod parts;

use logothete_primitives::{
    Address, BatchHash, BlockHash, ChainId, Digest, Height, ReceiptsRoot, StateRoot, TxHash,
};

use super::engine::{Durability, Engine};
use super::schema::{self, BatchRow, Family};
use super::{
    Applied, BlockRecord, CommitRecord, CommittedBlock, EvidenceEntry, ExecutedRoots, FamilyUsage,
    HistoryEntry, HistoryPage, PAGE_MAX, Store, StoreError, TxLocation,
};
use crate::state::{StateKey, StateValue};

/// Records of one chain in the families of an engine.
///
/// Writers of one kind take turns; readers never wait. The two heights are counted in memory and
/// change only after the write that makes them true.
#[derive(Debug)]
pub struct ChainStore<E> {
    engine: E,
    chain: ChainId,
    committed: AtomicU64,
    /// One more than the applied height; zero before genesis.
    applied_count: AtomicU64,
    commits: Mutex<()>,
    applies: Mutex<()>,
    batches: Mutex<()>,
}

/// Waits for the other writers of a kind. A panic of one of them leaves nothing half done, because
/// the engine writes atomically.
fn turn(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl<E: Engine> Store for ChainStore<E> {
    fn chain(&self) -> ChainId {
        self.chain
    }

    fn put_block(&self, block: &BlockRecord) -> Result<(), StoreError> {
        let key = schema::block_key(block.height, &block.hash);
        let value = schema::block_value(block);
        self.engine.write(Durability::Logged, &mut |writer| {
            writer.put(Family::Blocks, &key, &value);
            writer.put(
                Family::BlockIndex,
                block.hash.as_bytes(),
                &schema::height_key(block.height),
            );
        })
    }

    fn put_batch(&self, hash: &BatchHash, bytes: &[u8]) -> Result<(), StoreError> {
        let _turn = turn(&self.batches);
        let known = self.has_batch(hash)?;
        let now = self.committed_height();
        let stored = schema::batch_row_key(BatchRow::Stored, hash);
        self.engine.write(Durability::Logged, &mut |writer| {
            if !known {
                writer.put(Family::Batches, hash.as_bytes(), bytes);
            }
            writer.put(Family::BatchIndex, &stored, &schema::height_key(now));
            writer.put(Family::BatchIndex, &schema::batch_mark_key(now, hash), &[]);
        })
    }

    fn persist(&self, safety: &[u8]) -> Result<(), StoreError> {
        let sealed = schema::seal(Family::Safety, schema::SAFETY_STATE, safety);
        self.engine.write(Durability::Synced, &mut |writer| {
            writer.put(Family::Safety, schema::SAFETY_STATE, &sealed);
        })
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.engine.sync()
    }

    fn commit(&self, blocks: &[CommittedBlock<'_>], certificate: &[u8]) -> Result<(), StoreError> {
        let _turn = turn(&self.commits);
        let competitors = self.competitors(blocks)?;
        let Some((last, earlier)) = blocks.split_last() else {
            return Ok(());
        };
        self.engine.write(Durability::Logged, &mut |writer| {
            let covered = earlier.iter().map(|block| (block, &[][..]));
            for (block, certificate) in covered.chain([(last, certificate)]) {
                let key = schema::height_key(block.height);
                let value = schema::commit_value(&block.hash, certificate);
                writer.put(Family::Certificates, &key, &value);
                for batch in block.batches {
                    let row = schema::batch_row_key(BatchRow::Ordered, batch);
                    writer.put(Family::BatchIndex, &row, &key);
                }
                for (index, about) in (0..).zip(block.evidence) {
                    writer.put(Family::Evidence, &schema::evidence_key(block.height, index), about);
                }
            }
            for (height, hash) in &competitors {
                writer.remove(Family::Blocks, &schema::block_key(*height, hash));
                writer.remove(Family::BlockIndex, hash.as_bytes());
            }
        })?;
        self.committed.store(last.height.get(), Ordering::Release);
        Ok(())
    }

    fn apply(&self, applied: &Applied<'_>) -> Result<(), StoreError> {
        let _turn = turn(&self.applies);
        let executed = &applied.executed;
        let next = self.applied_count.load(Ordering::Acquire);
        Self::next_height("apply", Height::new(next), executed.height)?;
        if executed.height > self.committed_height() {
            let expected = self.committed_height();
            return Err(StoreError::OutOfOrder { what: "apply", expected, got: executed.height });
        }
        let key = schema::height_key(executed.height);
        let roots = [*executed.state_root.as_bytes(), *executed.receipts_root.as_bytes()].concat();
        self.engine.write(Durability::Unlogged, &mut |writer| {
            for (key, value) in applied.changes {
                match value {
                    Some(value) => writer.put(Family::State, key.as_bytes(), value),
                    None => writer.remove(Family::State, key.as_bytes()),
                }
            }
            parts::put_transactions(writer, executed.height, applied.transactions);
            parts::put_receipts(writer, executed.height, applied.transactions);
            writer.put(Family::Executed, &key, &schema::seal(Family::Executed, &key, &roots));
        })?;
        self.applied_count.store(next + 1, Ordering::Release);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.engine.flush()
    }

    fn committed_height(&self) -> Height {
        Height::new(self.committed.load(Ordering::Acquire))
    }

    fn applied_height(&self) -> Option<Height> {
        self.applied_count.load(Ordering::Acquire).checked_sub(1).map(Height::new)
    }

    fn safety(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let sealed = self.engine.read(Family::Safety, schema::SAFETY_STATE)?;
        sealed
            .map(|sealed| {
                schema::unseal(Family::Safety, schema::SAFETY_STATE, &sealed).map(Vec::from)
            })
            .transpose()
    }

    fn uncommitted_blocks(&self) -> Result<Vec<BlockRecord>, StoreError> {
        let mut blocks = Vec::new();
        let start = schema::height_key(self.committed_height().next());
        self.scan_from(Family::Blocks, &start, &mut |key, value| {
            blocks.push(schema::parse_block(key, value)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(blocks)
    }

    fn block_by_height(&self, height: Height) -> Result<Option<BlockRecord>, StoreError> {
        match self.block_hash(height)? {
            Some(hash) => self.block_at(height, &hash),
            None => Ok(None),
        }
    }

    fn block_hash(&self, height: Height) -> Result<Option<BlockHash>, StoreError> {
        let key = schema::height_key(height);
        let value = self.engine.read(Family::Certificates, &key)?;
        value.map(|value| schema::parse_commit(&key, &value).map(|commit| commit.hash)).transpose()
    }

    fn block_by_hash(&self, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        match self.height_value(Family::BlockIndex, hash.as_bytes())? {
            Some(height) => self.block_at(height, hash),
            None => Ok(None),
        }
    }

    fn commit_certificate(&self, height: Height) -> Result<Option<CommitRecord>, StoreError> {
        let mut found = None;
        self.scan_from(Family::Certificates, &schema::height_key(height), &mut |key, value| {
            let commit = schema::parse_commit(key, value)?;
            if commit.certificate.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            found = Some(commit);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    fn batch(&self, hash: &BatchHash) -> Result<Option<Vec<u8>>, StoreError> {
        self.engine.read(Family::Batches, hash.as_bytes())
    }

    fn has_batch(&self, hash: &BatchHash) -> Result<bool, StoreError> {
        let row = schema::batch_row_key(BatchRow::Stored, hash);
        self.engine.contains(Family::BatchIndex, &row)
    }

    fn remove_unordered_batches(
        &self,
        before: Height,
        keep: &BTreeSet<BatchHash>,
    ) -> Result<usize, StoreError> {
        let _turn = turn(&self.batches);
        let mut old = Vec::new();
        self.scan_prefix(Family::BatchIndex, &[schema::BATCH_MARK], &mut |key, _| {
            let (stored, hash) = schema::parse_batch_mark(key)?;
            if stored >= before {
                return Ok(ControlFlow::Break(()));
            }
            if !keep.contains(&hash) {
                old.push((stored, hash));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut garbage = Vec::new();
        for (stored, hash) in &old {
            if self.is_garbage(*stored, hash)? {
                garbage.push(*hash);
            }
        }
        self.engine.write(Durability::Logged, &mut |writer| {
            for (stored, hash) in &old {
                writer.remove(Family::BatchIndex, &schema::batch_mark_key(*stored, hash));
            }
            for hash in &garbage {
                writer.remove(Family::Batches, hash.as_bytes());
                let row = schema::batch_row_key(BatchRow::Stored, hash);
                writer.remove(Family::BatchIndex, &row);
            }
        })?;
        Ok(garbage.len())
    }

    fn evidence(&self) -> Result<Vec<EvidenceEntry>, StoreError> {
        let mut entries = Vec::new();
        self.scan_prefix(Family::Evidence, &[], &mut |key, about| {
            entries.push(schema::parse_evidence(key, about)?);
            Ok(ControlFlow::Continue(()))
        })?;
        entries.reverse();
        Ok(entries)
    }

    fn tx_location(&self, hash: &TxHash) -> Result<Option<TxLocation>, StoreError> {
        let value = self.engine.read(Family::TxIndex, hash.as_bytes())?;
        value.map(|value| schema::parse_location(hash, &value)).transpose()
    }

    fn receipt(&self, location: TxLocation) -> Result<Option<Vec<u8>>, StoreError> {
        let key = schema::receipt_row_key(location.height, location.index);
        let Some(row) = self.engine.read(Family::Receipts, &key)? else {
            return Ok(None);
        };
        let receipts = schema::parse_receipts(&key, &row)?;
        let wanted = receipts.into_iter().find(|(index, _)| *index == location.index);
        Ok(wanted.map(|(_, receipt)| receipt.to_vec()))
    }

    fn receipts(&self, height: Height) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        let mut receipts = Vec::new();
        let prefix = schema::height_key(height);
        self.scan_prefix(Family::Receipts, &prefix, &mut |key, row| {
            let row = schema::parse_receipts(key, row)?;
            receipts.extend(row.into_iter().map(|(index, receipt)| (index, receipt.to_vec())));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(receipts)
    }

    fn account_history(
        &self,
        account: &Address,
        cursor: Option<TxLocation>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let newest = TxLocation { height: Height::new(u64::MAX), index: u32::MAX };
        let start = schema::history_key(account, cursor.unwrap_or(newest));
        let mut page = HistoryPage::default();
        self.scan_from(Family::AccountIndex, &start, &mut |key, value| {
            if !key.starts_with(account.as_bytes()) {
                return Ok(ControlFlow::Break(()));
            }
            let location = schema::history_location(key)?;
            if cursor == Some(location) {
                return Ok(ControlFlow::Continue(()));
            }
            if page.items.len() == limit {
                page.next = page.items.last().map(|last: &HistoryEntry| last.location);
                return Ok(ControlFlow::Break(()));
            }
            let hash = TxHash::new(schema::digest_of(Family::AccountIndex, key, value)?);
            page.items.push(HistoryEntry { location, hash });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(page)
    }

    fn executed(&self, height: Height) -> Result<Option<ExecutedRoots>, StoreError> {
        let family = Family::Executed;
        let key = schema::height_key(height);
        let Some(sealed) = self.engine.read(family, &key)? else {
            return Ok(None);
        };
        let roots = schema::unseal(family, &key, &sealed)?;
        let (state, receipts) = roots.split_at_checked(32).unwrap_or((roots, &[]));
        let digest =
            |bytes: &[u8]| -> Result<Digest, StoreError> { schema::digest_of(family, &key, bytes) };
        Ok(Some(ExecutedRoots {
            height,
            state_root: StateRoot::new(digest(state)?),
            receipts_root: ReceiptsRoot::new(digest(receipts)?),
        }))
    }

    fn state(&self, key: &StateKey) -> Result<Option<StateValue>, StoreError> {
        let value = self.engine.read(Family::State, key.as_bytes())?;
        Ok(value.map(|value| StateValue::new(&value)))
    }

    fn states(&self, keys: &[StateKey]) -> Result<Vec<Option<StateValue>>, StoreError> {
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key.as_bytes()[..]).collect();
        let values = self.engine.read_many(Family::State, &keys)?;
        Ok(values.into_iter().map(|value| value.map(|value| StateValue::new(&value))).collect())
    }

    fn visit_state(
        &self,
        visit: &mut dyn FnMut(StateKey, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.scan_from(Family::State, &[], &mut |key, value| {
            let digest = schema::digest_of(Family::State, key, key)?;
            Ok(visit(StateKey::new(digest), value))
        })
    }

    fn usage(&self) -> Result<Vec<FamilyUsage>, StoreError> {
        self.engine.usage()
    }

    fn is_write_stalled(&self) -> Result<bool, StoreError> {
        self.engine.is_write_stalled()
    }

    fn checkpoint(&self, target: &Path) -> Result<(), StoreError> {
        self.engine.checkpoint(target)
    }
}
