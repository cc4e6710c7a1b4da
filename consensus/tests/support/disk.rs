//! What a simulated process keeps, with the difference between written and synced.

use std::collections::BTreeMap;

use logothete_consensus::{
    Block, BlockHeader, CommitCert, CommittedRoot, QuorumCert, Recovered, SafetyState,
};
use logothete_primitives::{BlockHash, Height};

use super::random::Random;
use super::stage;

/// What a running process reads, and how to take back what was written and not synced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    safety: Option<SafetyState>,
    blocks: BTreeMap<BlockHash, (Block, QuorumCert)>,
    /// Final blocks by height; only the last of each commit has its certificate.
    chain: BTreeMap<Height, (Block, Option<CommitCert>)>,
    unsynced: Vec<Write>,
}

#[derive(Clone, Debug)]
enum Write {
    Block(BlockHash),
    Chain(Height),
}

impl Disk {
    /// A new directory made together with a new key.
    pub(crate) fn fresh() -> Self {
        let safety = Some(SafetyState::fresh(logothete_primitives::Epoch::ZERO));
        Self { safety, ..Self::default() }
    }

    pub(crate) fn store_block(&mut self, block: &Block, qc: &QuorumCert) {
        let hash = block.hash();
        if self.blocks.insert(hash, (block.clone(), qc.clone())).is_none() {
            self.unsynced.push(Write::Block(hash));
        }
    }

    /// Like an fsync of the log: everything written before is durable too.
    pub(crate) fn persist(&mut self, safety: &SafetyState) {
        self.safety = Some(safety.clone());
        self.unsynced.clear();
    }

    pub(crate) fn commit(&mut self, blocks: &[Block], cc: &CommitCert) {
        for block in blocks {
            let certificate = (block.hash() == cc.block).then(|| cc.clone());
            self.chain.insert(block.header.height, (block.clone(), certificate));
            self.unsynced.push(Write::Chain(block.header.height));
        }
    }

    /// The process dies: what was written and not synced may be there in part.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let count = self.unsynced.len() as u64;
        let keep = usize::try_from(random.below(count + 1)).unwrap();
        for write in self.unsynced.drain(..).skip(keep) {
            match write {
                Write::Block(hash) => _ = self.blocks.remove(&hash),
                Write::Chain(height) => _ = self.chain.remove(&height),
            }
        }
    }

    pub(crate) fn safety(&self) -> Option<&SafetyState> {
        self.safety.as_ref()
    }

    /// A disk that does not keep what it promised.
    pub(crate) fn falsify(&mut self, change: impl FnOnce(&mut SafetyState)) {
        if let Some(state) = self.safety.as_mut() {
            change(state);
        }
    }

    pub(crate) fn block(&self, hash: &BlockHash) -> Option<(Block, QuorumCert)> {
        self.blocks.get(hash).cloned()
    }

    pub(crate) fn is_synced(&self, hash: &BlockHash) -> bool {
        self.blocks.contains_key(hash)
            && !self.unsynced.iter().any(|write| matches!(write, Write::Block(b) if b == hash))
    }

    /// Final blocks above a height up to the last one with a certificate.
    pub(crate) fn final_above(&self, height: Height) -> Option<(Vec<Block>, CommitCert)> {
        let (last, cc) = self.last_certified()?;
        let range = height.next()..=last;
        if range.is_empty() {
            return None;
        }
        Some((self.chain.range(range).map(|(_, (b, _))| b.clone()).collect(), cc))
    }

    fn last_certified(&self) -> Option<(Height, CommitCert)> {
        let mut certified = self.chain.iter().rev();
        certified.find_map(|(height, (_, cc))| Some((*height, cc.clone()?)))
    }

    pub(crate) fn header_at(&self, height: Height) -> BlockHeader {
        match self.chain.get(&height) {
            Some((block, _)) => block.header.clone(),
            None => stage::genesis(),
        }
    }

    pub(crate) fn recovered(&self, nonce: [u8; 32]) -> Recovered {
        let (height, cc) = match self.last_certified() {
            Some((height, cc)) => (height, Some(cc)),
            None => (Height::ZERO, None),
        };
        let header = self.header_at(height);
        let hash = header.hash();
        let above = self.blocks.values().filter(|(b, _)| b.header.height > height);
        let qc = self.blocks.values().map(|(_, qc)| qc).find(|qc| qc.block == hash).cloned();
        Recovered {
            safety: self.safety.clone(),
            committed: CommittedRoot { header, qc, cc },
            recent: self.chain.range(..=height).map(|(_, (b, _))| b.header.clone()).collect(),
            blocks: above.cloned().collect(),
            nonce,
        }
    }
}
