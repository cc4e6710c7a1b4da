#![allow(clippy::unwrap_used)]

use logothete_consensus::signing::PrepareBody;
use logothete_consensus::{Kind, PrepareVote};
use logothete_primitives::{
    BlockHash, ChainId, Digest, Ed25519Verifier, Height, SecretKey, Signature, Validator,
    ValidatorIndex, ValidatorSet, View,
};

use super::*;

const LIAR: ValidatorIndex = ValidatorIndex::new(1);

fn chain() -> ChainId {
    ChainId::new(Digest::new([9; 32]))
}

fn secret(index: u8) -> SecretKey {
    SecretKey::from_seed([index + 1; 32])
}

fn context() -> Context {
    let member = |index: u8| Validator {
        key: secret(index).public(),
        power: 1,
        name: format!("v{index}").try_into().unwrap(),
    };
    let set = ValidatorSet::new(Epoch::ZERO, (0..4).map(member).collect()).unwrap();
    Context { chain: chain(), validators: Arc::new(set), genesis: BlockHash::ZERO }
}

/// A pool of a chain that records nothing yet.
pub(in crate::dissemination) fn pool() -> EvidencePool {
    let context = context();
    let verifier = Arc::new(Ed25519Verifier::for_set(&context.validators));
    EvidencePool::new(context, verifier, BTreeSet::new())
}

fn vote(view: u64, block: u8, signer: ValidatorIndex) -> PrepareVote {
    let mut vote = PrepareVote {
        epoch: context().epoch(),
        view: View::new(view),
        block: BlockHash::new(Digest::new([block; 32])),
        height: Height::new(view),
        parent_view: View::ZERO,
        signer,
        signature: Signature::from_bytes([0; 64]),
    };
    let index = u8::try_from(signer.get()).unwrap();
    vote.signature = secret(index).sign(&PrepareBody::from(&vote).message(&chain()));
    vote
}

/// Two prepare votes of the liar in one view.
pub(in crate::dissemination) fn two_votes(view: u64) -> Equivocation {
    Equivocation::PrepareVote { first: vote(view, 1, LIAR), second: vote(view, 2, LIAR) }
}

/// Evidence whose second signature is another's.
pub(in crate::dissemination) fn forged() -> Equivocation {
    let second =
        PrepareVote { signature: vote(3, 2, ValidatorIndex::new(0)).signature, ..vote(3, 2, LIAR) };
    Equivocation::PrepareVote { first: vote(3, 1, LIAR), second }
}

fn pieces(evidence: &[Equivocation]) -> Pieces {
    let bytes = evidence.iter().map(|e| BoundedBytes::try_from(codec::encode(e)).unwrap());
    bytes.collect::<Vec<_>>().try_into().unwrap()
}

fn block(evidence: &[Equivocation]) -> Arc<Block> {
    let payload = Payload { evidence: pieces(evidence), ..Payload::default() }.encode();
    let executed = logothete_consensus::Executed {
        height: Height::ZERO,
        state_root: logothete_primitives::StateRoot::ZERO,
        receipts_root: logothete_primitives::ReceiptsRoot::ZERO,
    };
    let time = logothete_primitives::TimestampMs::new(1);
    let header = logothete_consensus::BlockHeader::genesis(chain(), time, executed);
    Arc::new(Block { header, payload: payload.try_into().unwrap() })
}

fn offence() -> Offence {
    Offence { epoch: context().epoch(), signer: LIAR, kind: Kind::PrepareVote }
}

#[test]
fn an_offence_is_offered_until_a_block_records_it_and_then_never_again() {
    let mut pool = pool();
    pool.receive(&codec::encode(&two_votes(3))).unwrap();
    assert_eq!(pool.offer(&[]), pieces(&[two_votes(3)]));
    let recording = block(&[two_votes(3)]);
    assert!(pool.offer(std::slice::from_ref(&recording)).is_empty(), "an ancestor records it");
    assert!(!pool.is_empty(), "but it is not final");
    let payload = Payload::decode(&recording.payload).unwrap();
    assert_eq!(pool.on_commit(&payload), [offence()]);
    assert!(pool.is_empty());
    assert!(!pool.insert(two_votes(5)), "the same offence in a later view is no news");
    assert!(pool.offer(&[]).is_empty());
}

#[test]
fn what_proves_nothing_is_refused_wherever_it_comes_from() {
    let mut pool = pool();
    let refusal = pool.receive(&codec::encode(&forged())).unwrap_err();
    assert_eq!(refusal, EvidenceRule::False(Rejection::BadSignature));
    assert_eq!(pool.check(&pieces(&[forged()]), &[]).unwrap_err(), refusal);
    assert!(matches!(pool.receive(&[7; 40]), Err(EvidenceRule::Malformed(_))));
    let garbage = Pieces::try_from(vec![BoundedBytes::try_from(vec![7; 40]).unwrap()]).unwrap();
    assert!(matches!(pool.check(&garbage, &[]), Err(EvidenceRule::Malformed(_))));
    assert!(pool.is_empty());
    // Knowing a true proof of the offence does not make a forged one good.
    assert!(pool.insert(two_votes(3)));
    assert_eq!(pool.check(&pieces(&[forged()]), &[]).unwrap_err(), refusal);
}

#[test]
fn a_payload_may_record_an_offence_once() {
    let mut pool = pool();
    let (one, other) = (pieces(&[two_votes(3)]), two_votes(4));
    pool.check(&one, &[]).unwrap();
    let repeated = EvidenceRule::Repeated(offence());
    assert_eq!(pool.check(&pieces(&[two_votes(3), other.clone()]), &[]).unwrap_err(), repeated);
    assert_eq!(pool.check(&one, &[block(&[other])]).unwrap_err(), repeated);
    let payload = Payload { evidence: one.clone(), ..Payload::default() };
    pool.on_commit(&payload);
    assert_eq!(pool.check(&one, &[]).unwrap_err(), repeated);
}

#[test]
fn the_largest_evidence_fits_its_limit() {
    let header = block(&[]).header.clone();
    let signed = logothete_consensus::SignedHeader {
        header: logothete_consensus::BlockHeader { next_set: Some(Digest::new([1; 32])), ..header },
        signature: Signature::from_bytes([1; 64]),
    };
    let evidence = Equivocation::Proposal { first: signed.clone(), second: signed };
    assert!(codec::encode(&evidence).len() <= MAX_EVIDENCE_BYTES);
}
