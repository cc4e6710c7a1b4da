//! Wire types and records of the ledger, from any bytes, and admission of what decodes.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{assert_canonical, chain};
use logothete_ledger::account::Account;
use logothete_ledger::admission::{Candidate, admit};
use logothete_ledger::batch::{Batch, BatchHeader, BatchRef, Payload};
use logothete_ledger::params::ChainParams;
use logothete_ledger::proof::{InclusionProof, ReceiptProof};
use logothete_ledger::receipt::Receipt;
use logothete_ledger::state_tree::StateProof;
use logothete_ledger::transaction::{Body, Transaction};

static PARAMS: LazyLock<ChainParams> = LazyLock::new(ChainParams::default);

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 12 {
        0 => assert_canonical::<Body>(bytes),
        1 => assert_canonical::<(BatchHeader, BatchRef)>(bytes),
        2 => assert_canonical::<InclusionProof>(bytes),
        3 => assert_canonical::<ReceiptProof>(bytes),
        4 => assert_canonical::<Receipt>(bytes),
        5 => assert_canonical::<Account>(bytes),
        6 => assert_canonical::<ChainParams>(bytes),
        7 => assert_canonical::<StateProof>(bytes),
        8 => assert_canonical::<Payload>(bytes),
        9 => batch(bytes),
        _ => transaction(bytes),
    }
});

fn transaction(bytes: &[u8]) {
    assert_canonical::<Transaction>(bytes);
    let chain = chain();
    if let Ok(candidate) = Candidate::decode(bytes, &chain, &PARAMS) {
        let hash = Transaction::hash_of(bytes);
        assert_eq!(candidate.tx.encode(), bytes);
        assert_eq!(candidate.tx.hash(), hash);
        let verdicts = admit(&chain, vec![candidate.clone(), candidate]);
        assert_eq!(verdicts.len(), 2);
        assert_eq!(verdicts[0].is_ok(), verdicts[1].is_ok(), "two verdicts on one transaction");
    }
}

fn batch(bytes: &[u8]) {
    assert_canonical::<Batch>(bytes);
    if let Ok(batch) = Batch::decode(bytes) {
        let _ = batch.compute_header().hash();
        if let Ok(candidates) = batch.candidates(&chain(), &PARAMS) {
            assert_eq!(candidates.len(), batch.transactions.len());
        }
    }
}
