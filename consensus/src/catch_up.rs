//! Which blocks are missing, which of them are asked for, and when sync has to take over.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, Height, SignerSet};

use crate::action::Action;
use crate::block_tree::{BLOCKS_MAX, Link, Missing};
use crate::certificate::{CommitCert, QuorumCert};
use crate::event::Now;
use crate::outbox::Outbox;
use crate::replica::Replica;

/// A final block is fetched with its ancestors if the lowest missing one is at most this far above
/// the committed height; otherwise sync takes over.
pub(crate) const FETCH_HEIGHTS_MAX: u64 = 8;

/// Blocks asked for, each with the time to ask again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fetches {
    wanted: BTreeMap<BlockHash, (Missing, Duration)>,
}

impl Fetches {
    pub(crate) fn is_wanted(&self, block: &BlockHash) -> bool {
        self.wanted.contains_key(block)
    }

    pub(crate) fn len(&self) -> usize {
        self.wanted.len()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.wanted.values().map(|(_, again)| *again).min()
    }

    /// Forgets what is not needed any more; returns what is to be asked for now.
    fn update(&mut self, needed: &[Missing], now: Duration, every: Duration) -> Vec<Missing> {
        self.wanted.retain(|block, _| needed.iter().any(|missing| missing.block == *block));
        let mut ask = Vec::new();
        for missing in needed {
            let again = self.wanted.get(&missing.block).map(|(_, again)| *again);
            if again.is_none_or(|again| now >= again) {
                self.wanted.insert(missing.block, (*missing, now.saturating_add(every)));
                ask.push(*missing);
            }
        }
        ask
    }
}

impl Replica {
    /// Asks for the blocks that certificates name and that are not at hand, or reports to be behind.
    pub(crate) fn update_fetches(&mut self, now: Now, out: &mut Outbox) {
        let needed = match self.far_behind() {
            Some((cc, height_hint)) => {
                if self.behind != Some(cc.view) {
                    self.behind = Some(cc.view);
                    out.push(Action::Behind { height_hint, cc });
                }
                Vec::new()
            }
            None => self.needed_blocks(),
        };
        for missing in self.fetches.update(&needed, now.mono, self.config.resend_interval) {
            let Missing { block, height, view, .. } = missing;
            let holders = self.others(&missing.holders);
            out.push(Action::FetchBlock { block, height, view, holders });
        }
    }

    /// The same without this replica, which may have voted for what it has lost since.
    fn others(&self, all: &SignerSet) -> SignerSet {
        let mut others = SignerSet::new(all.size());
        for index in all.iter().filter(|index| Some(*index) != self.index()) {
            others.insert(index);
        }
        others
    }

    /// The lowest missing block under the highest QC, the highest CC and each proposal held.
    fn needed_blocks(&self) -> Vec<Missing> {
        let ceiling = self.tree.root().height.plus(BLOCKS_MAX as u64);
        let mut needed: Vec<Missing> = Vec::new();
        let known = self.commit_tip().into_iter().chain([self.known.high_qc()]);
        for tip in known.chain(self.proposals.held().map(|proposal| &proposal.qc)) {
            if let Link::Missing(missing) = self.tree.link(tip)
                && missing.height <= ceiling
                && needed.iter().all(|other| other.block != missing.block)
            {
                needed.push(missing);
            }
        }
        needed
    }

    /// The highest CC with the height of its block, if that cannot be reached block by block.
    fn far_behind(&self) -> Option<(CommitCert, Option<Height>)> {
        let cc = self.known.high_cc().filter(|cc| cc.view > self.tree.root().view)?;
        let high_qc = self.known.high_qc();
        let far = match self.commit_tip().map(|tip| self.tree.link(tip)) {
            None => true,
            Some(Link::Missing(missing)) => {
                missing.height.since(self.tree.root().height) > FETCH_HEIGHTS_MAX
            }
            Some(Link::Connected | Link::Conflicting) => false,
        };
        let height = self.tree.header(&cc.block).map(|header| header.height);
        let height = height.or((high_qc.block == cc.block).then_some(high_qc.height));
        far.then(|| (cc.clone(), height))
    }

    /// A QC from which the block of the highest CC is reached: by safety every QC not below it is.
    fn commit_tip(&self) -> Option<&QuorumCert> {
        let cc = self.known.high_cc()?;
        let high_qc = self.known.high_qc();
        match self.tree.get(&cc.block) {
            Some(node) => Some(&node.qc),
            None => (high_qc.view >= cc.view).then_some(high_qc),
        }
    }
}
