//! R4: q commit votes make a CC; a CC makes its block and the ancestors final.

use alloc::sync::Arc;
use alloc::vec::Vec;

use logothete_primitives::View;

use crate::action::Action;
use crate::block::{Block, BlockHeader};
use crate::block_tree::Link;
use crate::certificate::CommitCert;
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;
use crate::vote_collector::commit_cert;

impl Replica {
    /// A quorum of commit votes makes a CC.
    pub(crate) fn try_commit_cert(&mut self) -> bool {
        let above = self.known.high_cc().map_or(View::ZERO, |cc| cc.view);
        let validators = &self.ctx.validators;
        let Some(votes) = self.commit_votes.quorum(above, validators) else { return false };
        let cc = commit_cert(&votes, validators.len());
        self.learn_commit(&cc)
    }

    /// Makes the block of the highest CC final, once all blocks down to the last final one are here.
    pub(crate) fn try_commit(&mut self, out: &mut Outbox) -> bool {
        let root_view = self.tree.root().view;
        let Some(cc) = self.known.high_cc().filter(|cc| cc.view > root_view).cloned() else {
            return false;
        };
        let Some(blocks) = self.tree.chain(&cc.block) else {
            return false;
        };
        let Some(last) = blocks.last() else {
            return false;
        };
        let root = last.header.clone();
        for block in &blocks {
            self.store_block(&block.hash(), out);
            self.election.extend(&mut self.reputation, &block.header);
        }
        self.advance_root(root);
        out.push(Action::Commit { blocks, cc });
        true
    }

    /// Final blocks from sync.
    pub(crate) fn on_committed(&mut self, blocks: Vec<Block>, cc: CommitCert, out: &mut Outbox) {
        self.learn_commit(&cc);
        let root_height = self.tree.root().height;
        let new: Vec<Arc<Block>> = blocks
            .into_iter()
            .filter(|block| block.header.height > root_height)
            .map(Arc::new)
            .collect();
        let Some(last) = new.last() else { return };
        if !self.joins(&new) || last.hash() != cc.block || last.header.view != cc.view {
            out.reject(None, Rejection::NotConnected { committed: root_height });
            return;
        }
        let root = last.header.clone();
        for block in &new {
            self.election.extend(&mut self.reputation, &block.header);
        }
        self.advance_root(root);
        out.push(Action::Commit { blocks: new, cc });
    }

    /// Whether the blocks are a chain on the last final one, each with its own body.
    fn joins(&self, blocks: &[Arc<Block>]) -> bool {
        let (mut parent, mut parent_hash) = (self.tree.root(), self.tree.root_hash());
        for block in blocks {
            let header = &block.header;
            let follows = header.parent == parent_hash
                && header.height == parent.height.next()
                && header.parent_view == parent.view
                && header.view > parent.view
                && header.epoch == self.ctx.epoch();
            if !follows || !block.body_matches() {
                return false;
            }
            (parent, parent_hash) = (header, block.hash());
        }
        true
    }

    /// Whatever was elected or begun on a chain that is cut off now is given up with it.
    fn advance_root(&mut self, root: BlockHeader) {
        self.tree.advance(root);
        self.leader_cache = None;
        let tree = &self.tree;
        self.building.take_if(|building| tree.link(&building.qc) != Link::Connected);
        if let Some(high) = self.known.high_cc() {
            self.commit_votes.prune_below(high.view);
        }
    }
}
