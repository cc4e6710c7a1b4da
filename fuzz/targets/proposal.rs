//! Proposals: canonical, and believed only when the block, its certificates and the justification fit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Message, Proposal};
use logothete_fuzz::{assert_verdict, decode_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Some(value) = decode_canonical::<Proposal>(bytes) else { return };
    assert_verdict(Message::Proposal(Box::new(value)));
});
