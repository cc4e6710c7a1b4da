//! Transactions, batches, proofs and records.

use logothete_fuzz::{admitted, chain, state_key};
use logothete_ledger::batch::{Batch, Payload, SealedBatch};
use logothete_ledger::proof::{InclusionProof, ReceiptProof};
use logothete_ledger::receipt::{Receipt, Status, receipts_root};
use logothete_ledger::state::StateValue;
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_ledger::store::{Marks, MarksFile};
use logothete_primitives::codec::encode;
use logothete_primitives::{Amount, Digest, Epoch, Height, TxHash, ValidatorIndex, View, merkle};

use crate::{mixed, seed, tagged, value};

/// A batch of a few transfers.
pub(crate) fn batch() -> SealedBatch {
    Batch::seal(ValidatorIndex::new(0), 1, &admitted(2))
}

pub(crate) fn write() {
    let transactions = admitted(2);
    seed("transaction", "transfer", &transactions[0].bytes);
    value("transaction", "body", &transactions[0].tx.body);
    let sealed = batch();
    let payload = Payload {
        batches: vec![sealed.reference].try_into().expect("one batch is few"),
        ..Payload::default()
    };
    tagged("batch", "batch", &[0], &sealed.bytes);
    tagged("batch", "payload", &[1], &payload.encode());
    let header = Batch::decode(&sealed.bytes).expect("just sealed").compute_header();
    tagged("batch", "header", &[2], &encode(&(header, sealed.reference)));
    proofs(&sealed, &payload);
    records();
    let path = std::env::temp_dir().join(format!("logothete-seeds-{}", std::process::id()));
    let marks = Marks { voted: View::new(3), ..Marks::fresh(Epoch::ZERO) };
    let mut file = MarksFile::open(&path, chain()).expect("a file can be made");
    file.write(&marks).expect("it is open");
    seed("marks_file", "voted", &std::fs::read(&path).expect("it was written"));
    std::fs::remove_file(&path).expect("it is there");
    // Fee account, balances, then lists: the rest is for the fuzzer to find.
    seed("execution", "mixed", &mixed(250, 37));
    let rich: Vec<u8> = [0, 0, 1, 0, 0, 0, 0, 0].repeat(5);
    seed("execution", "rich", &[rich, mixed(160, 91)].concat());
    seed("signatures", "mixed", &mixed(95, 37));
}

fn proofs(sealed: &SealedBatch, payload: &Payload) {
    let leaves: Vec<Digest> = (0..5).map(|number| Digest::new([number; 32])).collect();
    let path = merkle::prove(&leaves, 3).expect("it is in the list");
    tagged("merkle_proof", "third", &[5, 3, 70, 1], &encode(&path));
    tagged("merkle_proof", "long", &[33, 5, 70, 1], &[]);

    let hashes: Vec<TxHash> = admitted(2).iter().map(|tx| tx.hash).collect();
    let header = Batch::decode(&sealed.bytes).expect("just sealed").compute_header();
    let proof = InclusionProof::build(&header, &hashes, 1, payload).expect("it is in the batch");
    tagged("inclusion_proof", "second", &[9, 0, 1], &encode(&proof));

    let receipt = Receipt { tx: hashes[0], index: 0, status: Status::Success, fee: Amount::COIN };
    tagged("receipt_proof", "receipt", &[3, 0, 1], &encode(&receipt));
    let proof = ReceiptProof::build(&[receipt], 0, receipts_root([]), vec![receipts_root([])]);
    tagged("receipt_proof", "only", &[9, 0, 1], &encode(&proof.expect("it is in the block")));

    let mut tree = StateTree::empty(HistoryLimits { versions_max: 1, entries_max: 100 });
    let mut changes: Vec<_> =
        (0..64).map(|n| (state_key(n), Some(StateValue::new(&[n])))).collect();
    changes.sort_unstable_by_key(|(key, _)| *key);
    tree.apply(Height::new(1), &changes);
    for (name, number) in [("there", 6), ("absent", 201)] {
        let proof = tree.prove(&state_key(number), Height::new(1)).expect("the current height");
        tagged("state_proof", name, &[number, 40, 1], &encode(&proof));
    }
    seed("state_tree", "mixed", &mixed(96, 29));
}

/// Damages of `records`: lists are read from the front, lengths from the back.
fn records() {
    seed("records", "mixed", &mixed(120, 53));
    for kind in 0..5_u8 {
        let bytes = mixed(60, u32::from(kind) * 17 + 3);
        seed("records", &format!("damage-{kind}"), &[&[1, kind * 51], &bytes[..]].concat());
    }
}
