//! A fetched block.

use alloc::sync::Arc;

use crate::block::Block;
use crate::block_tree::PayloadCheck;
use crate::certificate::QuorumCert;
use crate::outbox::Outbox;
use crate::rejection::Rejection;
use crate::replica::Replica;

impl Replica {
    /// Takes a block that was asked for. A bad body is refused and the block stays wanted: it speaks
    /// neither for nor against the header.
    pub(crate) fn on_block(&mut self, block: Block, qc: QuorumCert, out: &mut Outbox) {
        match self.check_fetched(&block, &qc) {
            Ok(()) => {
                self.learn_quorum(&qc);
                self.tree.insert(Arc::new(block), qc, PayloadCheck::Unasked);
            }
            // Who answered is known to the driver; the proposer is not to blame.
            Err(rejection) => out.reject(None, rejection),
        }
    }

    fn check_fetched(&self, block: &Block, qc: &QuorumCert) -> Result<(), Rejection> {
        let hash = block.hash();
        if !self.fetches.is_wanted(&hash) {
            return Err(Rejection::NotRequested { block: hash });
        }
        if !block.body_matches() {
            return Err(Rejection::BodyMismatch);
        }
        let header = &block.header;
        if (header.parent, header.parent_view) != (qc.block, qc.view) {
            return Err(Rejection::ParentMismatch);
        }
        let expected = qc.height.next();
        if header.height != expected {
            return Err(Rejection::WrongHeight { got: header.height, expected });
        }
        Ok(())
    }
}
