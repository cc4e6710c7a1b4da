//! Timeouts with their high QC and entry certificate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Message, Timeout};
use logothete_fuzz::{assert_verdict, decode_canonical};

fuzz_target!(|bytes: &[u8]| {
    let Some(value) = decode_canonical::<Timeout>(bytes) else { return };
    assert_verdict(Message::Timeout(Box::new(value)));
});
