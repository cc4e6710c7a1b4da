//! Two proposals and two prepare votes in one view: some hear the one, some the other, some both.

use bytes::Bytes;
use logothete_consensus::signing::{PrepareBody, proposal_message};
use logothete_consensus::{Message, PrepareVote, Proposal, payload_hash};
use logothete_ledger::batch::Payload;
use logothete_p2p::Lane;
use logothete_primitives::{BlockHash, Digest, StateRoot, View, codec};
use rand::RngExt;

use super::{Liar, Lie};

/// Remembers what it made up in its last view, to tell everybody the same.
#[derive(Default)]
pub(super) struct Equivocator {
    proposal: Option<(View, Bytes)>,
    vote: Option<(View, Bytes)>,
}

impl Lie for Equivocator {
    fn send(&mut self, liar: &mut Liar, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        let Some(other) = self.other(liar, lane, &frame) else { return vec![(lane, frame)] };
        liar.lied();
        let frames = match liar.random.random_range(0..4) {
            0 => vec![frame],
            1 => vec![other],
            2 => vec![frame, other],
            _ => vec![other, frame],
        };
        frames.into_iter().map(|frame| (lane, frame)).collect()
    }
}

impl Equivocator {
    fn other(&mut self, liar: &mut Liar, lane: Lane, frame: &Bytes) -> Option<Bytes> {
        if lane != Lane::Consensus {
            return None;
        }
        match codec::decode::<Message>(frame).ok()? {
            Message::Proposal(first) if first.block.header.proposer == liar.own => {
                let view = first.block.header.view;
                Some(remember(&mut self.proposal, view, || {
                    Message::Proposal(Box::new(second_proposal(liar, *first)))
                }))
            }
            Message::PrepareVote(first) if first.signer == liar.own => {
                let view = first.view;
                Some(remember(&mut self.vote, view, || {
                    Message::PrepareVote(second_vote(liar, first))
                }))
            }
            _ => None,
        }
    }
}

fn remember(last: &mut Option<(View, Bytes)>, view: View, make: impl FnOnce() -> Message) -> Bytes {
    if let Some((of, frame)) = last
        && *of == view
    {
        return frame.clone();
    }
    let frame = Bytes::from(codec::encode(&make()));
    *last = Some((view, frame.clone()));
    frame
}

/// Another block on the same parent: valid, or with one thing wrong in it.
fn second_proposal(liar: &mut Liar, mut proposal: Proposal) -> Proposal {
    let header = &mut proposal.block.header;
    header.timestamp = header.timestamp.next();
    match liar.random.random_range(0..4) {
        0 => header.executed.state_root = StateRoot::new(Digest::new([7; 32])),
        1 => {
            let mut payload = Payload::decode(&proposal.block.payload).unwrap_or_default();
            let piece = vec![0; 80].try_into().expect("shorter than evidence may be");
            payload.evidence = vec![piece].try_into().expect("one piece");
            let bytes = payload.encode();
            header.payload = payload_hash(&bytes);
            proposal.block.payload = bytes.try_into().expect("within the limits of a payload");
        }
        _ => {}
    }
    let (epoch, view, hash) = (header.epoch, header.view, header.hash());
    proposal.signature = liar.signer.sign(&proposal_message(&liar.chain, epoch, view, &hash));
    proposal
}

fn second_vote(liar: &mut Liar, mut vote: PrepareVote) -> PrepareVote {
    vote.block = BlockHash::new(Digest::new(liar.random.random()));
    vote.signature = liar.signer.sign(&PrepareBody::from(&vote).message(&liar.chain));
    vote
}
