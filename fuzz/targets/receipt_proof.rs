//! Receipts and receipt proofs from any bytes, and one honest proof with bytes changed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{admitted, assert_canonical, decode_canonical};
use logothete_ledger::proof::ReceiptProof;
use logothete_ledger::receipt::{Receipt, Status, accumulate, receipts_root};
use logothete_primitives::codec::encode;
use logothete_primitives::{Amount, ReceiptsRoot};

/// A receipt, its proof, and the root that a header attests.
static HONEST: LazyLock<(Receipt, ReceiptProof, ReceiptsRoot)> = LazyLock::new(|| {
    let receipts: Vec<Receipt> = (0..)
        .zip(admitted(5))
        .map(|(index, tx)| Receipt {
            tx: tx.hash,
            index,
            status: Status::Success,
            fee: Amount::new(100),
        })
        .collect();
    let (before, later) = (receipts_root([]), receipts_root(&receipts[..2]));
    let proof = ReceiptProof::build(&receipts, 3, before, vec![later]).expect("it is in the block");
    let attested = accumulate(&accumulate(&before, &receipts_root(&receipts)), &later);
    (receipts[3].clone(), proof, attested)
});

// Three bytes change the honest proof, the rest is a claim.
fuzz_target!(|bytes: &[u8]| {
    let [low, high, flip, ref rest @ ..] = *bytes else { return };
    assert_canonical::<Receipt>(rest);
    let (receipt, honest, attested) = &*HONEST;
    let mut changed = encode(honest);
    let place = usize::from(u16::from_le_bytes([low, high])) % changed.len();
    changed[place] ^= flip;
    for claim in [changed.as_slice(), rest] {
        if let Some(claim) = decode_canonical::<ReceiptProof>(claim) {
            assert_eq!(claim.verify(receipt, attested).is_ok(), claim == *honest, "{claim:?}");
        }
    }
});
