//! The model's members on a stage of production replicas: three honest of power 3 and a liar with
//! three keys of power 1, so that two of the honest and the liar are a quorum of 9 in 12. The schedule
//! gives views 3, 4 and 5 to the liar's keys; they are the model's views 1, 2 and 3.

use std::collections::BTreeMap;

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, timeout_message,
};
use logothete_consensus::vote_collector::{commit_cert, quorum_cert};
use logothete_consensus::{
    Block, BlockHeader, CommitCert, CommitVote, Context, PrepareVote, Proposal, QuorumCert,
    Timeout, TimeoutCert, TimeoutEntry, payload_hash,
};
use logothete_primitives::{Height, Signature, Signer, TimestampMs, ValidatorIndex, View as Real};

use super::condition::Justification;
use super::scope::{self, View};
use super::support::keyed_hash::KeyedHash;
use super::support::stage::{self, EPOCH_MS};

pub(crate) const POWERS: [u64; 6] = [1, 1, 1, 3, 3, 3];
const LIARS: u16 = 3;

/// The model's view in the production's numbers; the genesis block has view 0 in both.
pub(crate) fn real(view: View) -> Real {
    Real::new(if view == 0 { 0 } else { u64::from(view) + 2 })
}

/// The place of an honest member of the model.
pub(crate) fn honest(member: usize) -> ValidatorIndex {
    ValidatorIndex::new(LIARS + u16::try_from(member).unwrap())
}

/// The blocks of a scope as real ones, and everything that was signed for them.
pub(crate) struct Cast {
    pub(crate) ctx: Context,
    pub(crate) blocks: Vec<Block>,
    plan: Vec<scope::Block>,
    pub(crate) prepared: BTreeMap<usize, Vec<PrepareVote>>,
    pub(crate) committed: BTreeMap<usize, Vec<CommitVote>>,
    pub(crate) timeouts: BTreeMap<View, Vec<Timeout>>,
}

impl Cast {
    pub(crate) fn new(plan: &[scope::Block]) -> Self {
        let ctx = stage::context(&POWERS);
        let mut blocks: Vec<Block> = Vec::new();
        for (place, block) in plan.iter().enumerate() {
            let parent = block.parent.map_or_else(stage::genesis, |p| blocks[p].header.clone());
            let payload = vec![u8::try_from(place).unwrap()];
            let header = BlockHeader {
                epoch: ctx.epoch(),
                view: real(block.view),
                height: parent.height.next(),
                parent: parent.hash(),
                parent_view: parent.view,
                timestamp: TimestampMs::new(EPOCH_MS + u64::from(block.view)),
                proposer: ValidatorIndex::new(u16::from(block.view) - 1),
                payload: payload_hash(&payload),
                executed: stage::executed(Height::ZERO),
                next_set: None,
            };
            blocks.push(Block { header, payload: payload.try_into().unwrap() });
        }
        Self {
            ctx,
            blocks,
            plan: plan.to_vec(),
            prepared: BTreeMap::new(),
            committed: BTreeMap::new(),
            timeouts: BTreeMap::new(),
        }
    }

    pub(crate) fn place(&self, block: &logothete_primitives::BlockHash) -> usize {
        self.blocks.iter().position(|b| b.hash() == *block).expect("a block of the scope")
    }

    /// A certificate of the block of a view; the liar adds what is missing.
    pub(crate) fn qc(&self, place: Option<usize>) -> QuorumCert {
        let Some(place) = place else { return self.ctx.genesis_qc() };
        let mut votes: Vec<PrepareVote> = first_two(&self.prepared[&place]);
        for liar in 0..LIARS {
            let first = &votes[0];
            let body = PrepareBody::from(first);
            let signature = sign(liar, &body.message(&self.ctx.chain));
            votes.push(PrepareVote { signer: ValidatorIndex::new(liar), signature, ..*first });
        }
        votes.sort_by_key(|vote| vote.signer);
        quorum_cert(&votes.iter().collect::<Vec<_>>(), POWERS.len())
    }

    pub(crate) fn cc(&self, place: usize) -> CommitCert {
        let mut votes: Vec<CommitVote> = first_two(&self.committed[&place]);
        for liar in 0..LIARS {
            let first = &votes[0];
            let bytes = commit_message(&self.ctx.chain, first.epoch, first.view, &first.block);
            let signature = sign(liar, &bytes);
            votes.push(CommitVote { signer: ValidatorIndex::new(liar), signature, ..*first });
        }
        votes.sort_by_key(|vote| vote.signer);
        commit_cert(&votes.iter().collect::<Vec<_>>(), POWERS.len())
    }

    /// The TC of a view with this maximum: of two honest, and of a liar who claims to know nothing.
    pub(crate) fn tc(&self, view: View, maximum: View) -> TimeoutCert {
        let mut all: Vec<&Timeout> = self.timeouts[&view].iter().collect();
        all.sort_by_key(|timeout| timeout.high_qc.view);
        let last = all.iter().rposition(|t| t.high_qc.view == real(maximum)).unwrap();
        // With one alone it is no certificate, as the verifier will say.
        let pair = [all[last.saturating_sub(1)], all[last]];
        self.tc_of(real(view), &pair.map(|t| (t.signer, t.high_qc.clone(), t.signature)))
    }

    /// The TC that opens the first view: all of them gave view 2 up.
    pub(crate) fn opening(&self) -> TimeoutCert {
        let (view, genesis) = (Real::new(2), self.ctx.genesis_qc());
        let bytes = timeout_message(&self.ctx.chain, self.ctx.epoch(), view, Real::ZERO);
        let pair = [0, 1].map(|member| {
            let signer = honest(member);
            (signer, genesis.clone(), sign(signer.get(), &bytes))
        });
        self.tc_of(view, &pair)
    }

    fn tc_of(
        &self,
        view: Real,
        pair: &[(ValidatorIndex, QuorumCert, Signature); 2],
    ) -> TimeoutCert {
        let (chain, epoch) = (&self.ctx.chain, self.ctx.epoch());
        let mut entries: Vec<TimeoutEntry> = (0..LIARS)
            .map(|liar| TimeoutEntry {
                signer: ValidatorIndex::new(liar),
                qc_view: Real::ZERO,
                signature: sign(liar, &timeout_message(chain, epoch, view, Real::ZERO)),
            })
            .collect();
        for (signer, qc, signature) in pair {
            entries.push(TimeoutEntry { signer: *signer, qc_view: qc.view, signature: *signature });
        }
        entries.sort_by_key(|entry| entry.signer);
        let high_qc = pair.iter().map(|(_, qc, _)| qc).max_by_key(|qc| qc.view).unwrap();
        let timeouts = entries.try_into().unwrap();
        TimeoutCert { epoch, view, timeouts, high_qc: high_qc.clone() }
    }

    pub(crate) fn proposal(&self, place: usize, on: Justification) -> Proposal {
        let block = self.blocks[place].clone();
        let header = &block.header;
        let bytes = proposal_message(&self.ctx.chain, header.epoch, header.view, &header.hash());
        let signature = sign(header.proposer.get(), &bytes);
        let opening = self.plan[place].view == 1;
        let tc = match on.tc {
            None => opening.then(|| self.opening()),
            Some((view, maximum)) => Some(self.tc(view, maximum)),
        };
        Proposal { qc: self.qc(self.plan[place].parent), block, tc, signature }
    }
}

fn first_two<T: Clone>(votes: &[T]) -> Vec<T> {
    votes.iter().take(2).cloned().collect()
}

fn sign(signer: u16, bytes: &[u8]) -> Signature {
    KeyedHash::new(signer).sign(bytes)
}
