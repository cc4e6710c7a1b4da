//! The uncommitted blocks at hand, above the last final one.
//!
//! Invariants: every block here has a view and a height above the root's; every block is kept with
//! the QC of its parent; a block is stored before it is final.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use logothete_primitives::{BlockHash, Height, SignerSet, View};

use crate::block::{Block, BlockHeader};
use crate::certificate::QuorumCert;
use crate::rejection::PayloadFault;

/// Above this many blocks those beside the chain of the highest QC are dropped.
pub(crate) const BLOCKS_MAX: usize = 512;

/// A tree of blocks with the last final block as its root.
#[derive(Clone, Debug)]
pub struct BlockTree {
    root: BlockHeader,
    root_hash: BlockHash,
    nodes: BTreeMap<BlockHash, Node>,
}

/// A block at hand.
#[derive(Clone, Debug)]
pub struct Node {
    /// The block.
    pub block: Arc<Block>,
    /// The QC of its parent.
    pub qc: QuorumCert,
    /// What the application says of its payload.
    pub check: PayloadCheck,
    /// Whether `StoreBlock` was emitted.
    pub stored: bool,
}

/// How far the application is with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadCheck {
    /// Not asked.
    Unasked,
    /// Asked, no answer yet.
    Asked,
    /// Valid, and its batches are stored.
    Good,
    /// Refused.
    Bad(PayloadFault),
}

/// A block that a certificate names and that is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The block.
    pub block: BlockHash,
    /// Its height.
    pub height: Height,
    /// Its view.
    pub view: View,
    /// Who voted for it.
    pub holders: SignerSet,
}

impl From<&QuorumCert> for Missing {
    fn from(qc: &QuorumCert) -> Self {
        Self { block: qc.block, height: qc.height, view: qc.view, holders: qc.signers }
    }
}

/// How a block stands to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// All blocks between are at hand.
    Connected,
    /// The first one from above that is not.
    Missing(Missing),
    /// It does not descend from the root.
    Conflicting,
}

impl BlockTree {
    /// A tree of the root alone.
    #[must_use]
    pub fn new(root: BlockHeader) -> Self {
        let root_hash = root.hash();
        Self { root, root_hash, nodes: BTreeMap::new() }
    }

    /// The last final block.
    #[must_use]
    pub const fn root(&self) -> &BlockHeader {
        &self.root
    }

    /// Its hash.
    #[must_use]
    pub const fn root_hash(&self) -> BlockHash {
        self.root_hash
    }

    /// Adds a block that is not here yet, unless it is not above the root.
    pub fn insert(&mut self, block: Arc<Block>, qc: QuorumCert, check: PayloadCheck) {
        if block.header.view <= self.root.view || block.header.height <= self.root.height {
            return;
        }
        let node = Node { block, qc, check, stored: false };
        self.nodes.entry(node.block.hash()).or_insert(node);
    }

    /// A block above the root.
    #[must_use]
    pub fn get(&self, hash: &BlockHash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    /// The same, to change its marks.
    pub fn get_mut(&mut self, hash: &BlockHash) -> Option<&mut Node> {
        self.nodes.get_mut(hash)
    }

    /// The header of a block above the root, or of the root.
    #[must_use]
    pub fn header(&self, hash: &BlockHash) -> Option<&BlockHeader> {
        if *hash == self.root_hash {
            return Some(&self.root);
        }
        self.nodes.get(hash).map(|node| &node.block.header)
    }

    /// How many blocks are above the root.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the root is all there is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All blocks above the root.
    pub fn iter(&self) -> impl Iterator<Item = (&BlockHash, &Node)> {
        self.nodes.iter()
    }

    /// Goes down from a certified block to the root.
    #[must_use]
    pub fn link(&self, from: &QuorumCert) -> Link {
        let mut at = Missing::from(from);
        loop {
            if at.block == self.root_hash {
                return Link::Connected;
            }
            if at.view <= self.root.view || at.height <= self.root.height {
                return Link::Conflicting;
            }
            match self.nodes.get(&at.block) {
                Some(node) => at = Missing::from(&node.qc),
                None => return Link::Missing(at),
            }
        }
    }

    /// The chain from the root (exclusive) up to and with a block, oldest first; `None` if a block
    /// between is missing.
    #[must_use]
    pub fn chain(&self, to: &BlockHash) -> Option<Vec<Arc<Block>>> {
        let mut blocks = Vec::new();
        let mut at = *to;
        while at != self.root_hash {
            let node = self.nodes.get(&at)?;
            blocks.push(Arc::clone(&node.block));
            at = node.block.header.parent;
        }
        blocks.reverse();
        Some(blocks)
    }

    /// Makes a header the root and drops whatever can no longer follow it.
    pub fn advance(&mut self, root: BlockHeader) {
        self.root_hash = root.hash();
        self.root = root;
        // A block at or below the root stands on one that conflicts, and so does all that follows it.
        let dead: Vec<BlockHash> = self
            .nodes
            .iter()
            .filter(|(_, node)| self.link(&node.qc) == Link::Conflicting)
            .map(|(hash, _)| *hash)
            .collect();
        for hash in dead {
            self.nodes.remove(&hash);
        }
    }

    /// When there are too many blocks, keeps the chain of `tip` and what is newer than it: the others
    /// were given up.
    pub fn trim(&mut self, tip: &QuorumCert) {
        if self.nodes.len() <= BLOCKS_MAX {
            return;
        }
        let mut keep = BTreeSet::new();
        let mut at = tip.block;
        while let Some(node) = self.nodes.get(&at) {
            keep.insert(at);
            at = node.block.header.parent;
        }
        self.nodes.retain(|hash, node| keep.contains(hash) || node.block.header.view > tip.view);
    }
}

#[cfg(test)]
mod tests;
