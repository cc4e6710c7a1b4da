//! Proofs with any one bit changed: nothing but the honest proof holds.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::proof::{InclusionProof, ReceiptProof};
use logothete_ledger::receipt::{Receipt, Status, accumulate, receipts_root};
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::codec::{Decode, Encode, decode, encode};
use logothete_primitives::{
    Address, Amount, ChainId, Digest, Height, MerkleProof, Nonce, SecretKey, TxHash,
    ValidatorIndex, merkle,
};

/// Changes every bit of the honest proof, one at a time; what still decodes must not hold.
fn assert_none_holds<T: Encode + Decode<()>>(honest: &T, holds: impl Fn(&T) -> bool) {
    assert!(holds(honest), "the honest proof holds");
    let bytes = encode(honest);
    let mut decoded = 0;
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(claim) = decode::<T>(&changed) {
            assert!(!holds(&claim), "bit {bit} of {}", bytes.len() * 8);
            decoded += 1;
        }
    }
    assert!(decoded > bytes.len(), "most changes are still proofs by form: {decoded}");
}

fn admitted(count: u64) -> Vec<Arc<Admitted>> {
    let (chain, key) = (ChainId::new(Digest::new([7; 32])), SecretKey::from_seed([1; 32]));
    let (sender, params) = (Address::from(key.public()), ChainParams::default());
    let transfer = |nonce| {
        let operations = vec![Operation::transfer(sender, Amount::COIN)];
        let (nonce, fee, expiry) = (Nonce::new(nonce), Amount::new(100), Height::new(9));
        let body = Body::new(&chain, sender, nonce, fee, expiry, operations).unwrap();
        let bytes = Transaction::sign(&chain, body, &[&key]).unwrap().encode();
        Arc::new(Admitted::vouched(Candidate::decode(&bytes, &chain, &params).unwrap()))
    };
    (0..count).map(transfer).collect()
}

#[test]
fn no_changed_merkle_proof_holds() {
    let leaves: Vec<Digest> = (0..13).map(|number| Digest::new([number; 32])).collect();
    let root = merkle::root(&leaves);
    for (index, leaf) in leaves.iter().enumerate() {
        let proof = merkle::prove(&leaves, index).unwrap();
        assert_none_holds(&proof, |claim: &MerkleProof| claim.verify(leaf, &root));
    }
}

#[test]
fn no_changed_inclusion_proof_holds() {
    let transactions = admitted(5);
    let hashes: Vec<TxHash> = transactions.iter().map(|tx| tx.hash).collect();
    let sealed = [3, 2].map(|count| Batch::seal(ValidatorIndex::new(1), 7, &transactions[..count]));
    let batches = sealed.iter().map(|sealed| sealed.reference).collect::<Vec<_>>();
    let payload = Payload { batches: batches.try_into().unwrap(), ..Payload::default() };
    let header = Batch::decode(&sealed[0].bytes).unwrap().compute_header();
    let proof = InclusionProof::build(&header, &hashes[..3], 2, &payload).unwrap();
    let root = payload.hash();
    assert_none_holds(&proof, |claim| claim.verify(&hashes[2], &root).is_ok());
}

#[test]
fn no_changed_receipt_or_receipt_proof_holds() {
    let receipt = |(index, tx): (u32, &Arc<Admitted>)| {
        let (tx, status, fee) = (tx.hash, Status::Success, Amount::new(100));
        Receipt { tx, index, status, fee }
    };
    let receipts: Vec<Receipt> = (0..).zip(&admitted(5)).map(receipt).collect();
    let (before, later) = (receipts_root([]), receipts_root(&receipts[..2]));
    let proof = ReceiptProof::build(&receipts, 3, before, vec![later]).unwrap();
    let attested = accumulate(&accumulate(&before, &receipts_root(&receipts)), &later);
    assert_none_holds(&proof, |claim| claim.verify(&receipts[3], &attested).is_ok());
    assert_none_holds(&receipts[3], |claim| proof.verify(claim, &attested).is_ok());
}
