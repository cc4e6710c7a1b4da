//! Batches as validators send them, and the payload that names them.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{assert_canonical, chain};
use logothete_ledger::batch::{Batch, BatchHeader, BatchRef, Payload};
use logothete_ledger::params::ChainParams;

static PARAMS: LazyLock<ChainParams> = LazyLock::new(ChainParams::default);

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 3 {
        0 => batch(bytes),
        1 => payload(bytes),
        _ => assert_canonical::<(BatchHeader, BatchRef)>(bytes),
    }
});

fn batch(bytes: &[u8]) {
    assert_canonical::<Batch>(bytes);
    let Ok(batch) = Batch::decode(bytes) else { return };
    assert_eq!(batch.size(), bytes.len());
    let header = batch.compute_header();
    assert_eq!(usize::try_from(header.count), Ok(batch.transactions.len()));
    if let Ok(candidates) = batch.candidates(&chain(), &PARAMS) {
        let hashes: Vec<_> = candidates.iter().map(|candidate| candidate.hash).collect();
        assert_eq!(batch.header(&hashes), header, "one batch, two hashes");
    }
}

fn payload(bytes: &[u8]) {
    let Ok(payload) = Payload::decode(bytes) else { return };
    assert_eq!(payload.encode(), bytes);
    assert_eq!(payload.hash(), Payload::hash_of(bytes));
}
