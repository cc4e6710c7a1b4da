//! What every liar has: one key of its own, and no other.

use logothete_consensus::signing::{PrepareBody, proposal_message, timeout_message};
use logothete_consensus::{
    Block, Certificate, Context, PrepareVote, Proposal, QuorumCert, Timeout, TimeoutCert,
    payload_hash,
};
use logothete_primitives::{BlockHash, Digest, Signature, Signer, ValidatorIndex, View};

use super::super::keyed_hash::KeyedHash;
use super::super::random::Random;

/// A liar at the moment of its misdeed.
pub(crate) struct Liar<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) index: ValidatorIndex,
    pub(crate) random: &'a mut Random,
}

impl Liar<'_> {
    fn sign(&self, bytes: &[u8]) -> Signature {
        KeyedHash::new(self.index.get()).sign(bytes)
    }

    /// Everybody else.
    pub(crate) fn others(&self) -> Vec<ValidatorIndex> {
        let all = self.ctx.validators.iter().map(|(index, _)| index);
        all.filter(|index| *index != self.index).collect()
    }

    /// The hash of no block.
    pub(crate) fn nothing(&mut self) -> BlockHash {
        BlockHash::new(Digest::new(self.random.bytes()))
    }

    pub(crate) fn propose(
        &self,
        block: Block,
        qc: QuorumCert,
        tc: Option<TimeoutCert>,
    ) -> Proposal {
        let header = &block.header;
        let bytes = proposal_message(&self.ctx.chain, header.epoch, header.view, &header.hash());
        let signature = self.sign(&bytes);
        Proposal { block, qc, tc, signature }
    }

    /// The proposal with another body.
    pub(crate) fn other_proposal(&mut self, proposal: &Proposal) -> Proposal {
        let payload = self.random.bytes()[..8].to_vec();
        let mut block = proposal.block.clone();
        block.header.payload = payload_hash(&payload);
        block.payload = payload.try_into().unwrap();
        self.propose(block, proposal.qc.clone(), proposal.tc.clone())
    }

    /// The vote for another block, or of another view.
    pub(crate) fn prepare(&self, like: &PrepareVote, view: View, block: BlockHash) -> PrepareVote {
        let signer = self.index;
        let mut vote = PrepareVote { view, block, signer, ..like.clone() };
        vote.signature = self.sign(&PrepareBody::from(&vote).message(&self.ctx.chain));
        vote
    }

    /// The timeout as of one who knows the genesis block alone.
    pub(crate) fn ignorant_timeout(&self, timeout: &Timeout) -> Timeout {
        let high_qc = self.ctx.genesis_qc();
        let entered = Certificate::Quorum(timeout.high_qc.clone());
        let entry = timeout.entry.clone().or(Some(entered));
        let (epoch, view, signer) = (timeout.epoch, timeout.view, self.index);
        let bytes = timeout_message(&self.ctx.chain, epoch, view, high_qc.view);
        Timeout { epoch, view, high_qc, entry, signer, signature: self.sign(&bytes) }
    }
}
