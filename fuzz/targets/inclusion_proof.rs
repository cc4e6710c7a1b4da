//! Inclusion proofs from any bytes, and one honest proof with bytes changed: only the honest one holds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{admitted, decode_canonical};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::proof::InclusionProof;
use logothete_primitives::codec::encode;
use logothete_primitives::{PayloadHash, TxHash, ValidatorIndex};

/// A transaction, its proof, and the hash of the payload that orders it.
static HONEST: LazyLock<(TxHash, InclusionProof, PayloadHash)> = LazyLock::new(|| {
    let transactions = admitted(5);
    let hashes: Vec<TxHash> = transactions.iter().map(|tx| tx.hash).collect();
    let sealed = Batch::seal(ValidatorIndex::new(1), 7, &transactions);
    let payload = Payload {
        batches: vec![sealed.reference].try_into().expect("one batch"),
        ..Payload::default()
    };
    let header = Batch::decode(&sealed.bytes).expect("just sealed").compute_header();
    let proof = InclusionProof::build(&header, &hashes, 3, &payload).expect("it is in the batch");
    (hashes[3], proof, payload.hash())
});

// Three bytes change the honest proof, the rest is a claim.
fuzz_target!(|bytes: &[u8]| {
    let [low, high, flip, ref rest @ ..] = *bytes else { return };
    let (tx, honest, payload) = &*HONEST;
    let mut changed = encode(honest);
    let place = usize::from(u16::from_le_bytes([low, high])) % changed.len();
    changed[place] ^= flip;
    for claim in [changed.as_slice(), rest] {
        if let Some(claim) = decode_canonical::<InclusionProof>(claim) {
            assert_eq!(claim.verify(tx, payload).is_ok(), claim == *honest, "{claim:?}");
        }
    }
});
