//! What nobody said: certificates with one bad or repeated signature, votes of others, spoiled batches, false evidence.

use bytes::Bytes;
use logothete_consensus::{Certificate, Equivocation, Message, PrepareVote, QuorumCert};
use logothete_p2p::Lane;
use logothete_primitives::{
    BlockHash, Digest, Epoch, Height, Signature, ValidatorIndex, View, codec,
};
use rand::RngExt;

use super::{Liar, Lie};
use crate::dissemination::BatchMessage;

/// Sends a forgery beside some of the true frames.
pub(super) struct Forger;

impl Lie for Forger {
    fn send(&mut self, liar: &mut Liar, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        let mut frames = vec![(lane, frame.clone())];
        if liar.random.random_bool(0.2)
            && let Some(forgery) = forge(liar, lane, &frame)
        {
            liar.lied();
            frames.insert(liar.random.random_range(0..2), (lane, forgery));
        }
        frames
    }
}

fn forge(liar: &mut Liar, lane: Lane, frame: &Bytes) -> Option<Bytes> {
    match lane {
        Lane::Batches if liar.random.random_bool(0.5) => Some(spoil(liar, frame)),
        Lane::Batches => {
            let vote = |block: u8| foreign_vote(liar.own, block);
            let evidence = Equivocation::PrepareVote { first: vote(1), second: vote(2) };
            Some(BatchMessage::Evidence(codec::encode(&evidence).into()).to_frame())
        }
        Lane::Consensus => {
            let message = match codec::decode::<Message>(frame).ok()? {
                Message::CommitVote { qc, .. } => certificate(liar, qc),
                Message::PrepareVote(vote) => {
                    let signer = another(liar.own);
                    Message::PrepareVote(PrepareVote { signer, ..vote })
                }
                _ => return liar.random.random_bool(0.3).then(|| spoil(liar, frame)),
            };
            Some(codec::encode(&message).into())
        }
        Lane::Sync => None,
    }
}

/// Somebody else, in a set of more than one.
fn another(own: ValidatorIndex) -> ValidatorIndex {
    ValidatorIndex::new(if own.get() == 0 { 1 } else { own.get() - 1 })
}

fn foreign_vote(own: ValidatorIndex, block: u8) -> PrepareVote {
    PrepareVote {
        epoch: Epoch::ZERO,
        view: View::new(1),
        block: BlockHash::new(Digest::new([block; 32])),
        height: Height::new(1),
        parent_view: View::ZERO,
        signer: another(own),
        signature: Signature::from_bytes([9; 64]),
    }
}

/// A certificate for another block, with a bad signature, or with one signer's signature in the place of another's.
fn certificate(liar: &mut Liar, mut qc: QuorumCert) -> Message {
    let mut signatures = qc.signatures.to_vec();
    match (liar.random.random_range(0..3), signatures.len()) {
        (0, 1..) => signatures[0] = Signature::from_bytes([3; 64]),
        (1, 2..) => signatures[1] = signatures[0],
        _ => qc.block = BlockHash::new(Digest::new([4; 32])),
    }
    qc.signatures = signatures.try_into().expect("as many as before");
    Message::Certificate(Box::new(Certificate::Quorum(qc)))
}

/// One byte changed.
fn spoil(liar: &mut Liar, frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if !bytes.is_empty() {
        let place = liar.random.random_range(0..bytes.len());
        bytes[place] ^= 1 << liar.random.random_range(0..8);
    }
    bytes.into()
}
