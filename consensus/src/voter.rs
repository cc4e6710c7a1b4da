//! R2, R3: which proposals are accepted, and what is voted for.

use alloc::sync::Arc;

use logothete_primitives::BlockHash;

use crate::action::Action;
use crate::block_tree::{Link, PayloadCheck};
use crate::message::{Message, Proposal};
use crate::outbox::Outbox;
use crate::proposer::check_on_parent;
use crate::rejection::{PayloadFault, Rejection};
use crate::replica::{PassOn, Replica};
use crate::vote_collector::quorum_cert;

impl Replica {
    /// Takes the proposals whose chain is at hand, and has their payloads checked.
    pub(crate) fn try_accept_proposals(&mut self, out: &mut Outbox) -> bool {
        let tree = &self.tree;
        let ready =
            self.proposals.take_held(|held| !matches!(tree.link(&held.qc), Link::Missing(_)));
        let any = !ready.is_empty();
        for proposal in ready {
            let proposer = proposal.block.header.proposer;
            if let Err(rejection) = self.accept(proposal, out) {
                out.reject(Some(proposer), rejection);
            }
        }
        any
    }

    /// R1, R2: the right leader on this chain, and a header that follows its parent's.
    fn accept(&mut self, proposal: Proposal, out: &mut Outbox) -> Result<(), Rejection> {
        let header = &proposal.block.header;
        let (view, proposer, hash) = (header.view, header.proposer, header.hash());
        let conflicting = Rejection::Conflicting { committed: self.tree.root().height };
        let leader = self.leader_on(view, &proposal.qc).ok_or(conflicting.clone())?;
        if leader != proposer {
            return Err(Rejection::NotLeader { view, proposer, leader });
        }
        let parent = self.tree.header(&header.parent).ok_or(conflicting)?;
        check_on_parent(header, parent)?;
        self.tree.insert(Arc::new(proposal.block), proposal.qc, PayloadCheck::Unasked);
        self.proposals.accept(hash, proposal.tc);
        self.ask_check(&hash, out);
        Ok(())
    }

    /// Asks the application about a payload, once. A follower does not need to know.
    fn ask_check(&mut self, block: &BlockHash, out: &mut Outbox) {
        if self.safety.is_none() {
            return;
        }
        let Some(mut chain) = self.tree.chain(block) else {
            return;
        };
        let Some(node) = self.tree.get_mut(block) else {
            return;
        };
        if node.check != PayloadCheck::Unasked {
            return;
        }
        node.check = PayloadCheck::Asked;
        chain.pop();
        let (block, proposer) = (Arc::clone(&node.block), node.block.header.proposer);
        out.push(Action::CheckPayload { block, ancestors: chain, proposer });
    }

    /// R3: a block that was certified without this replica is checked when it has come, so that it
    /// can be commit-voted.
    pub(crate) fn ask_check_of_certified(&mut self, out: &mut Outbox) {
        let block = self.known.high_qc().block;
        self.ask_check(&block, out);
    }

    /// The application has answered.
    pub(crate) fn on_payload_checked(
        &mut self,
        block: &BlockHash,
        verdict: Result<(), PayloadFault>,
        out: &mut Outbox,
    ) {
        let Some(node) = self.tree.get_mut(block) else {
            return;
        };
        if node.check != PayloadCheck::Asked {
            return;
        }
        let proposer = node.block.header.proposer;
        match verdict {
            Ok(()) => {
                node.check = PayloadCheck::Good;
                self.store_block(block, out);
            }
            Err(fault) => {
                node.check = PayloadCheck::Bad(fault);
                out.reject(Some(proposer), fault.into());
            }
        }
    }

    fn is_good(&self, block: &BlockHash) -> bool {
        self.tree.get(block).is_some_and(|node| node.check == PayloadCheck::Good && node.stored)
    }

    /// R2: prepare-votes an accepted proposal whose payload is good and stored.
    pub(crate) fn try_prepare_vote(&mut self, out: &mut Outbox) -> bool {
        let Some(safety) = self.safety.as_ref() else {
            return false;
        };
        let good = self.proposals.accepted().iter().find(|accepted| {
            self.is_good(&accepted.block)
                && self.tree.get(&accepted.block).is_some_and(|node| {
                    let header = &node.block.header;
                    safety.safe_to_prepare(header, accepted.tc.as_ref(), self.known.view()).is_ok()
                })
        });
        let Some((block, tc)) = good.map(|good| (good.block, good.tc.clone())) else {
            return false;
        };
        let node = self.tree.get(&block).expect("just found");
        let safety = self.safety.as_mut().expect("just found");
        let vote = safety.sign_prepare(&node.block.header, tc.as_ref(), &self.known);
        let vote = vote.expect("just permitted");
        self.prepare_votes.insert(vote.clone());
        out.broadcast(Message::PrepareVote(vote));
        true
    }

    /// A quorum of prepare votes makes a QC.
    pub(crate) fn try_quorum_cert(&mut self) -> bool {
        let (validators, above) = (&self.ctx.validators, self.known.high_qc().view);
        let Some(votes) = self.prepare_votes.quorum(above, validators) else {
            return false;
        };
        let qc = quorum_cert(&votes, validators.len());
        self.known.raise_qc(&qc)
    }

    /// R3: commit-votes the block of the highest QC once it is durable with its batches, in time or
    /// late; the vote passes the QC on.
    pub(crate) fn try_commit_vote(&mut self, out: &mut Outbox) -> bool {
        let qc = self.known.high_qc();
        let permitted = self.safety.as_ref().is_some_and(|s| s.safe_to_commit(qc).is_ok());
        if !permitted || !self.is_good(&qc.block) {
            return false;
        }
        let qc = qc.clone();
        let safety = self.safety.as_mut().expect("just asked");
        let vote = safety.sign_commit(&qc, &self.known).expect("just permitted");
        self.commit_votes.insert(vote.clone());
        self.pass_on = PassOn::Nothing;
        out.broadcast(Message::CommitVote { vote, qc });
        true
    }
}
