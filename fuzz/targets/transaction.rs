//! Transactions as clients send them: canonical, hashed over the bytes that came, and one verdict
//! on the signatures alone and beside another.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{assert_canonical, chain};
use logothete_ledger::admission::{Candidate, admit};
use logothete_ledger::params::ChainParams;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_ledger::verified::Verified;

static VERIFIED: LazyLock<Verified> = LazyLock::new(Verified::default);
static PARAMS: LazyLock<ChainParams> = LazyLock::new(ChainParams::default);

fuzz_target!(|bytes: &[u8]| {
    assert_canonical::<Body>(bytes);
    assert_canonical::<Transaction>(bytes);
    let chain = chain();
    let Ok(candidate) = Candidate::decode(bytes, &chain, &PARAMS) else { return };
    assert_eq!(candidate.tx.encode(), bytes);
    assert_eq!(candidate.tx.hash(), Transaction::hash_of(bytes));
    assert!(candidate.tx.body.fee >= PARAMS.required_fee(&candidate.tx.body));
    // Twice: with what the run has seen before, and with this input.
    let first = admit(&chain, &VERIFIED, vec![candidate.clone()]);
    let verdicts = admit(&chain, &VERIFIED, vec![candidate.clone(), candidate]);
    assert_eq!(first[0].is_ok(), verdicts[0].is_ok(), "what is known changes the verdict");
    assert_eq!(verdicts.len(), 2);
    assert_eq!(verdicts[0].is_ok(), verdicts[1].is_ok(), "two verdicts on one transaction");
});
