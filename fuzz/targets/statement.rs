//! Requests of validators without memory, and the answers (R10). The first byte says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Message, Statement, StatementRequest};
use logothete_fuzz::{assert_verdict, decode_canonical};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        if let Some(request) = decode_canonical::<StatementRequest>(bytes) {
            assert_verdict(Message::StatementRequest(request));
        }
    } else if let Some(statement) = decode_canonical::<Statement>(bytes) {
        assert_verdict(Message::Statement(Box::new(statement)));
    }
});
