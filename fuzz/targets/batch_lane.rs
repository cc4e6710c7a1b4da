//! Frames of the batch lane: batches, acknowledgements, requests.

#![no_main]

#[allow(dead_code)]
#[path = "../../node/src/dissemination/message.rs"]
mod message;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use message::{BatchMessage, author_of};

fuzz_target!(|bytes: &[u8]| {
    let frame = Bytes::copy_from_slice(bytes);
    let Ok(message) = BatchMessage::from_frame(&frame) else { return };
    assert_eq!(message.to_frame(), frame, "two encodings of one message");
    if let BatchMessage::Batch(batch) = &message {
        assert_eq!(author_of(batch).is_some(), batch.len() >= 2);
    }
});
