//! Inclusion and receipt proofs, and what a liar can change in them.

use std::sync::Arc;

use logothete_primitives::bounded::BoundedVec;
use logothete_primitives::hash::Digest;
use logothete_primitives::identifiers::{PayloadHash, ReceiptsRoot, TxHash};
use logothete_primitives::limits::{MAX_BATCH_BYTES, MAX_TX_BYTES};
use logothete_primitives::numbers::ValidatorIndex;

use super::{account, chain, params, run, state, transfer, vouched};
use crate::admission::Admitted;
use crate::batch::{BATCH_ENTRY_BYTES, Batch, Payload, SealedBatch};
use crate::error::BatchError;
use crate::proof::{InclusionProof, MAX_LATER_ROOTS, ProofError, ReceiptProof};
use crate::receipt::{Receipt, accumulate, receipts_root};

fn transactions(first_nonce: u64, count: u64) -> Vec<Arc<Admitted>> {
    (first_nonce..first_nonce + count)
        .map(|nonce| vouched(transfer(account(1), nonce, account(2), 1)))
        .collect()
}

fn hashes(transactions: &[Arc<Admitted>]) -> Vec<TxHash> {
    transactions.iter().map(|tx| tx.hash).collect()
}

fn payload(batches: &[&SealedBatch]) -> Payload {
    let references: Vec<_> = batches.iter().map(|batch| batch.reference).collect();
    Payload { batches: references.try_into().unwrap(), ..Payload::default() }
}

#[test]
fn every_transaction_of_every_batch_proves_its_inclusion() {
    let author = ValidatorIndex::new(3);
    let parts = [transactions(0, 1), transactions(1, 2), transactions(3, 7)];
    let sealed: Vec<SealedBatch> =
        (0..).zip(&parts).map(|(sequence, part)| Batch::seal(author, sequence, part)).collect();
    let payload = payload(&sealed.iter().collect::<Vec<_>>());
    for (part, sealed) in parts.iter().zip(&sealed) {
        let hashes = hashes(part);
        let header = Batch::decode(&sealed.bytes).unwrap().header(&hashes);
        for (index, hash) in hashes.iter().enumerate() {
            let proof = InclusionProof::build(&header, &hashes, index, &payload).unwrap();
            assert_eq!(proof.verify(hash, &payload.hash()), Ok(()));
        }
        assert_eq!(InclusionProof::build(&header, &hashes, hashes.len(), &payload), None);
    }
}

#[test]
fn an_altered_inclusion_proof_does_not_hold() {
    let part = transactions(0, 5);
    let hashes = hashes(&part);
    let sealed = Batch::seal(ValidatorIndex::new(0), 9, &part);
    let payload = payload(&[&sealed]);
    let root = payload.hash();
    let header = Batch::decode(&sealed.bytes).unwrap().compute_header();
    let proof = InclusionProof::build(&header, &hashes, 2, &payload).unwrap();
    let altered = |change: &dyn Fn(&mut InclusionProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        proof.verify(&hashes[2], &root)
    };
    assert_eq!(altered(&|_| ()), Ok(()));
    assert_eq!(proof.verify(&hashes[1], &root), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.path.index = 1), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.path.count = 6), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.header.sequence = 8), Err(ProofError::Batch { batch: 0 }));
    assert_eq!(altered(&|proof| proof.batch = 1), Err(ProofError::Batch { batch: 1 }));
    assert_eq!(
        altered(&|proof| proof.batch = u32::MAX),
        Err(ProofError::Batch { batch: u32::MAX })
    );
    let empty = Payload::default().encode();
    assert_eq!(
        altered(&|proof| proof.payload = empty.clone().try_into().unwrap()),
        Err(ProofError::Payload)
    );
    let garbage = [1, 2, 3];
    let mut malformed = proof.clone();
    malformed.payload = garbage.to_vec().try_into().unwrap();
    let garbage_hash = Payload::hash_of(&garbage);
    assert_eq!(malformed.verify(&hashes[2], &garbage_hash), Err(ProofError::MalformedPayload));
    let other = PayloadHash::new(Digest::new([9; 32]));
    assert_eq!(proof.verify(&hashes[2], &other), Err(ProofError::Payload));
}

#[test]
fn receipts_prove_their_place_under_the_attested_root() {
    let mut txs = transactions(0, 5);
    txs.insert(2, Arc::clone(&txs[0]));
    let output = run(&state(&[(account(1), 10_000)]), 1, &txs);
    let receipts: Vec<Receipt> = output.receipts().cloned().collect();
    assert_eq!(receipts.len(), 5);
    let before = receipts_root([]);
    let attested = accumulate(&before, &output.receipts_root);
    for (position, receipt) in receipts.iter().enumerate() {
        let proof = ReceiptProof::build(&receipts, position, before, vec![]).unwrap();
        assert_eq!(proof.verify(receipt, &attested), Ok(()));
        let mut altered = receipt.clone();
        altered.index += 1;
        assert_eq!(proof.verify(&altered, &attested), Err(ProofError::Path));
        assert_eq!(proof.verify(receipt, &output.receipts_root), Err(ProofError::Path));
    }
    assert_eq!(ReceiptProof::build(&receipts, 5, before, vec![]), None);
    let far = vec![before; MAX_LATER_ROOTS + 1];
    assert_eq!(ReceiptProof::build(&receipts, 0, before, far), None);
}

#[test]
fn an_attestation_proves_the_receipts_of_heights_it_passed_over() {
    let output = run(&state(&[(account(1), 10_000)]), 5, &transactions(0, 3));
    let receipts: Vec<Receipt> = output.receipts().cloned().collect();
    let root = |byte| ReceiptsRoot::new(Digest::new([byte; 32]));
    let (before, later) = (root(4), vec![root(6), receipts_root([]), root(8)]);
    let own = accumulate(&before, &output.receipts_root);
    let attested = later.iter().fold(own, |sum, block| accumulate(&sum, block));
    let proof = ReceiptProof::build(&receipts, 1, before, later).unwrap();
    assert_eq!(proof.verify(&receipts[1], &attested), Ok(()));
    let altered = |change: &dyn Fn(&mut ReceiptProof)| {
        let mut proof = proof.clone();
        change(&mut proof);
        proof.verify(&receipts[1], &attested)
    };
    assert_eq!(altered(&|_| ()), Ok(()));
    assert_eq!(altered(&|proof| proof.before = root(3)), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.block = root(5)), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.later = BoundedVec::new()), Err(ProofError::Path));
    assert_eq!(altered(&|proof| proof.path.index = 0), Err(ProofError::Path));
}

#[test]
fn proof_errors_have_stable_codes() {
    let codes = [
        (ProofError::Payload, "PROOF_PAYLOAD"),
        (ProofError::MalformedPayload, "PROOF_PAYLOAD_MALFORMED"),
        (ProofError::Batch { batch: 0 }, "PROOF_BATCH"),
        (ProofError::Path, "PROOF_PATH"),
    ];
    for (error, code) in codes {
        assert_eq!(error.code(), code);
    }
}

#[test]
fn a_sealed_batch_decodes_to_what_was_sealed() {
    let part = transactions(0, 3);
    let sealed = Batch::seal(ValidatorIndex::new(2), 77, &part);
    let batch = Batch::decode(&sealed.bytes).unwrap();
    assert_eq!((batch.author, batch.sequence), (ValidatorIndex::new(2), 77));
    assert_eq!(logothete_primitives::codec::encode(&batch), sealed.bytes);
    assert_eq!(batch.reference_for(&hashes(&part)), sealed.reference);
    assert_eq!(batch.compute_header().hash(), sealed.reference.hash);
    assert_eq!(sealed.reference.bytes as usize, sealed.bytes.len());
    let candidates = batch.candidates(&chain(), &params()).unwrap();
    let decoded: Vec<TxHash> = candidates.iter().map(|candidate| candidate.hash).collect();
    assert_eq!(decoded, hashes(&part));
}

#[test]
fn refuses_batches_that_no_honest_validator_seals() {
    let part = transactions(0, 2);
    let sealed = Batch::seal(ValidatorIndex::new(2), 77, &part);
    let empty = [0u8; 14];
    assert_eq!(Batch::decode(&empty), Err(BatchError::Empty));
    assert_eq!(Batch::decode(&empty).unwrap_err().code(), "BATCH_EMPTY");
    assert_eq!(Batch::decode(&sealed.bytes[1..]).unwrap_err().code(), "BATCH_MALFORMED");
    let oversized = vec![0; MAX_BATCH_BYTES + 1];
    assert_eq!(Batch::decode(&oversized).unwrap_err().code(), "BATCH_TOO_LARGE");
    // The limit itself is within it: 32 transactions fill 512 KiB to the byte.
    let lengths = [vec![MAX_TX_BYTES - BATCH_ENTRY_BYTES; 31], vec![MAX_TX_BYTES - 18]].concat();
    let transactions: Vec<_> =
        lengths.into_iter().map(|length| vec![7; length].try_into().unwrap()).collect();
    let transactions = transactions.try_into().unwrap();
    let full = Batch { author: ValidatorIndex::new(2), sequence: 77, transactions };
    let bytes = logothete_primitives::codec::encode(&full);
    assert_eq!((bytes.len(), full.size()), (MAX_BATCH_BYTES, MAX_BATCH_BYTES));
    assert_eq!(Batch::decode(&bytes), Ok(full));
    let mut garbage = Batch::decode(&sealed.bytes).unwrap();
    let mut transactions = garbage.transactions.into_inner();
    transactions[1] = vec![1, 2, 3].try_into().unwrap();
    garbage.transactions = transactions.try_into().unwrap();
    let error = garbage.candidates(&chain(), &params()).unwrap_err();
    assert!(matches!(error, BatchError::Transaction { position: 1, .. }), "{error}");
    assert_eq!(error.code(), "BATCH_TRANSACTION");
}
