//! The check of fetched blocks: form, hash chain, certificates, batches.
//!
//! A range is trusted only up to a block that a commit certificate names. Its batches need no check of their
//! transactions' signatures then: an honest validator checked them before it voted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{
    Certificate, CommitCert, Context, Rejection, Verified, verify_certificate, verify_commit,
};
use logothete_ledger::error::BatchError;
use logothete_primitives::PublicKey;
use logothete_primitives::Verifier;
use logothete_primitives::codec::CodecError;
use logothete_primitives::{BatchHash, BlockHash, Height};
use thiserror::Error;

use super::message::{Range, Tip};
use crate::chain::{StoredBlock, batch_hashes};
use crate::dissemination::{BatchRules, HeldBatch};

/// Why an answer is refused. Each is a lie of the answering peer.
#[derive(Debug, Error)]
pub enum RangeFault {
    /// The answer does not decode.
    #[error("the answer does not decode: {0}")]
    Codec(#[from] CodecError),
    /// The answer belongs to another request.
    #[error("the answer does not fit the request")]
    WrongAnswer,
    /// A block has another height than asked for.
    #[error("block {position} has height {got}, expected {expected}")]
    Height {
        /// Position in the answer.
        position: usize,
        /// Height asked for.
        expected: Height,
        /// Height found.
        got: Height,
    },
    /// A block does not name its predecessor in the answer.
    #[error("the block of height {0} does not extend the one before it")]
    Broken(Height),
    /// A body does not belong to its header.
    #[error("the body of height {0} does not match its header")]
    Body(Height),
    /// A certificate is invalid.
    #[error("a certificate at height {height} is invalid: {rejection}")]
    Certificate {
        /// Height of the block it came with.
        height: Height,
        /// The broken rule.
        rejection: Rejection,
    },
    /// A certificate names another block.
    #[error("a certificate at height {0} names another block")]
    Misplaced(Height),
    /// A batch does not decode, or no block of the answer names it.
    #[error("batch: {0}")]
    Batch(#[from] BatchError),
    /// A batch that no block of the answer names.
    #[error("batch {0} was not asked for")]
    Unasked(BatchHash),
    /// The range contradicts certified blocks.
    #[error("the range from height {0} contradicts a certified block")]
    Contradicted(Height),
}

/// What answers are checked against.
#[derive(Clone)]
pub struct Checks {
    /// For certificates.
    pub context: Context,
    /// For signatures.
    pub verifier: Arc<dyn Verifier>,
    /// For batches.
    pub rules: BatchRules,
}

/// A checked range.
#[derive(Debug)]
pub struct VerifiedRange {
    /// Who served it.
    pub peer: PublicKey,
    /// The blocks, by ascending height; never empty.
    pub blocks: Vec<StoredBlock>,
    /// Makes the last block final.
    pub cc: Option<Verified<CommitCert>>,
    /// The batches that came along.
    pub batches: BTreeMap<BatchHash, Arc<HeldBatch>>,
    /// The batches that did not.
    pub missing: BTreeSet<BatchHash>,
}

impl VerifiedRange {
    /// First height.
    pub fn first(&self) -> Height {
        self.blocks.first().map_or(Height::ZERO, |stored| stored.block.header.height)
    }

    /// Last height.
    pub fn last(&self) -> Height {
        self.blocks.last().map_or(Height::ZERO, |stored| stored.block.header.height)
    }

    /// The block that the range continues.
    pub fn parent(&self) -> BlockHash {
        self.blocks.first().map_or(BlockHash::ZERO, |stored| stored.block.header.parent)
    }

    /// Hash of the last block.
    pub fn last_hash(&self) -> BlockHash {
        self.blocks.last().map_or(BlockHash::ZERO, |stored| stored.hash)
    }

    /// Adds batches that were fetched apart.
    ///
    /// # Errors
    /// [`RangeFault`] for a batch that does not decode or was not asked for.
    pub fn add_batches<'a>(
        &mut self,
        rules: &BatchRules,
        batches: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), RangeFault> {
        for bytes in batches {
            let held = HeldBatch::certified(rules, Bytes::copy_from_slice(bytes))?;
            let hash = held.hash();
            if !self.missing.remove(&hash) && !self.batches.contains_key(&hash) {
                return Err(RangeFault::Unasked(hash));
            }
            self.batches.insert(hash, Arc::new(held));
        }
        Ok(())
    }
}

/// Checks an answer to a request for blocks from `from` on.
///
/// # Errors
/// The first [`RangeFault`] found.
pub fn verify_range(
    checks: &Checks,
    request: (PublicKey, Height),
    range: Range,
) -> Result<VerifiedRange, RangeFault> {
    let (peer, from) = request;
    let (ctx, verifier) = (&checks.context, &*checks.verifier);
    let mut blocks: Vec<StoredBlock> = Vec::with_capacity(range.blocks.len());
    let mut missing = BTreeSet::new();
    let mut expected = from;
    for (position, entry) in range.blocks.into_inner().into_iter().enumerate() {
        let header = &entry.block.header;
        let height = header.height;
        if height != expected {
            return Err(RangeFault::Height { position, expected, got: height });
        }
        if blocks.last().is_some_and(|previous| previous.hash != header.parent) {
            return Err(RangeFault::Broken(height));
        }
        if !entry.block.body_matches() {
            return Err(RangeFault::Body(height));
        }
        if entry.qc.block != header.parent {
            return Err(RangeFault::Misplaced(height));
        }
        let qc = Certificate::Quorum(entry.qc);
        verify_certificate(ctx, verifier, &qc)
            .map_err(|rejection| RangeFault::Certificate { height, rejection })?;
        let Certificate::Quorum(qc) = qc else { return Err(RangeFault::WrongAnswer) };
        missing.extend(batch_hashes(&entry.block));
        blocks.push(StoredBlock { hash: entry.block.hash(), block: entry.block, qc });
        expected = expected.next();
    }
    let cc = match (range.cc, blocks.last()) {
        (_, None) => return Err(RangeFault::WrongAnswer),
        (None, _) => None,
        (Some(cc), Some(last)) => Some(verified_commit(ctx, verifier, cc, last)?),
    };
    let mut verified = VerifiedRange { peer, blocks, cc, batches: BTreeMap::new(), missing };
    verified.add_batches(&checks.rules, range.batches.iter().map(|bytes| &bytes[..]))?;
    Ok(verified)
}

fn verified_commit(
    ctx: &Context,
    verifier: &dyn Verifier,
    cc: CommitCert,
    last: &StoredBlock,
) -> Result<Verified<CommitCert>, RangeFault> {
    let height = last.block.header.height;
    if cc.block != last.hash {
        return Err(RangeFault::Misplaced(height));
    }
    verify_commit(ctx, verifier, cc)
        .map_err(|rejection| RangeFault::Certificate { height, rejection })
}

/// Checks a claimed tip: the certificate proves the header, the header the height.
///
/// # Errors
/// [`RangeFault`] when the tip is not proven.
pub fn verify_tip(checks: &Checks, tip: Tip) -> Result<Height, RangeFault> {
    let (ctx, verifier) = (&checks.context, &*checks.verifier);
    let height = tip.header.height;
    match tip.cc {
        None if tip.header.hash() == ctx.genesis => Ok(height),
        None => Err(RangeFault::Misplaced(height)),
        Some(cc) if cc.block != tip.header.hash() => Err(RangeFault::Misplaced(height)),
        Some(cc) => verify_commit(ctx, verifier, cc)
            .map(|_| height)
            .map_err(|rejection| RangeFault::Certificate { height, rejection }),
    }
}
