#![allow(clippy::unwrap_used)]

use alloc::vec::Vec;

use logothete_primitives::{BlockHash, Digest, Epoch, Signature, ValidatorIndex, View};

use super::{Inserted, VoteCollector, commit_cert};
use crate::message::CommitVote;
use crate::validators::validators;

fn vote(signer: u16, view: u64, block: u8) -> CommitVote {
    CommitVote {
        epoch: Epoch::ZERO,
        view: View::new(view),
        block: BlockHash::new(Digest::new([block; 32])),
        signer: ValidatorIndex::new(signer),
        signature: Signature::from_bytes([u8::try_from(signer).unwrap(); 64]),
    }
}

fn collected(votes: &[CommitVote]) -> VoteCollector<CommitVote> {
    let mut collector = VoteCollector::new();
    for vote in votes {
        assert_eq!(collector.insert(vote.clone()), Inserted::New);
    }
    collector
}

/// R4: votes count by power, for one block, above a view; of several views the highest. Of the power
/// 10 the quorum is 7.
#[test]
fn a_quorum_by_power_is_for_one_block() {
    let validators = validators(&[3, 4, 2, 1]);
    let signers = |votes: &[CommitVote], above: u64| {
        let collector = collected(votes);
        let quorum = collector.quorum(View::new(above), &validators);
        quorum.map(|votes| votes.iter().map(|vote| vote.signer.get()).collect::<Vec<_>>())
    };
    let seven = [vote(0, 5, 1), vote(1, 5, 1)];
    assert_eq!(signers(&seven, 4), Some(vec![0, 1]));
    assert_eq!(signers(&seven, 5), None, "not above");
    assert_eq!(signers(&[vote(1, 5, 1), vote(2, 5, 1)], 0), None, "six");
    let split = [vote(0, 5, 1), vote(1, 5, 1), vote(2, 5, 2), vote(3, 5, 3)];
    assert_eq!(signers(&split, 0), Some(vec![0, 1]), "those for the block alone");
    let split = [vote(0, 5, 1), vote(1, 5, 2), vote(2, 5, 1), vote(3, 5, 1)];
    assert_eq!(signers(&split, 0), None, "all voted, six for one block");
    let two_views = [vote(0, 5, 1), vote(1, 5, 1), vote(1, 6, 2), vote(2, 6, 2), vote(3, 6, 2)];
    assert_eq!(signers(&two_views, 0), Some(vec![1, 2, 3]));
    let stranger = [vote(1, 5, 1), vote(2, 5, 1), vote(9, 5, 1)];
    assert_eq!(signers(&stranger, 0), None, "a stranger has no power");
}

/// R4: a signature beside each signer, in their order.
#[test]
fn a_certificate_names_its_signers() {
    let (collector, validators) = (collected(&[vote(2, 5, 1), vote(0, 5, 1)]), validators(&[1; 3]));
    assert_eq!(collector.quorum(View::ZERO, &validators), None, "three of three");
    let votes = [&vote(0, 5, 1), &vote(2, 5, 1)];
    let cc = commit_cert(&votes, 3);
    assert_eq!((cc.epoch, cc.view, cc.block), (Epoch::ZERO, View::new(5), votes[0].block));
    assert_eq!(cc.signers, collector.signers(View::new(5), 3));
    assert_eq!(cc.signatures.as_slice(), [votes[0].signature, votes[1].signature]);
}

/// R8: one slot per author and view, and only so many views.
#[test]
fn slots_are_bounded() {
    let mut collector = collected(&[vote(0, 5, 1), vote(0, 6, 1), vote(1, 6, 1), vote(0, 8, 1)]);
    assert_eq!(collector.insert(vote(0, 6, 1)), Inserted::Known);
    assert_eq!(collector.insert(vote(0, 6, 2)), Inserted::Conflict(vote(0, 6, 1)));
    assert_eq!(collector.views(), 3);
    collector.keep_highest(3);
    assert_eq!(collector.views(), 3);
    collector.keep_highest(2);
    let kept = |collector: &VoteCollector<CommitVote>| -> Vec<usize> {
        (5..9).map(|view| collector.signers(View::new(view), 4).count()).collect()
    };
    assert_eq!((kept(&collector), collector.views()), (vec![0, 2, 0, 1], 2));
    collector.prune_below(View::new(6));
    assert_eq!(kept(&collector), [0, 2, 0, 1]);
    collector.prune_below(View::new(7));
    assert_eq!((kept(&collector), collector.views()), (vec![0, 0, 0, 1], 1));
}
