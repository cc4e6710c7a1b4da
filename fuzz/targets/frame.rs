//! Length-prefixed frames of every stream, however the bytes are cut on the way, and the envelope of
//! the sync lane inside of them.

#![no_main]

#[allow(dead_code)]
#[path = "../../p2p/src/envelope.rs"]
mod envelope;
#[allow(dead_code)]
#[path = "../../p2p/src/frame.rs"]
mod frame;

use bytes::Bytes;
use envelope::Head;
use frame::{FrameError, PREFIX, prefix, read_frame};
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::Duct;

// The first byte is the size of the pieces that arrive, the next two the limit of the stream.
fuzz_target!(|input: &[u8]| {
    let [piece, low, high, ref bytes @ ..] = *input else { return };
    let max = usize::from(u16::from_le_bytes([low, high]));
    let mut stream = Duct::new(bytes, usize::from(piece));
    let mut rest = bytes;
    loop {
        let got = block_on(read_frame(&mut stream, max));
        let Some((length, after)) = rest.split_first_chunk::<PREFIX>() else {
            match got {
                Ok(None) => assert!(rest.is_empty()),
                other => assert!(matches!(other, Err(FrameError::Truncated)) && !rest.is_empty()),
            }
            return;
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).expect("64 bits");
        if length > max {
            assert!(matches!(got, Err(FrameError::Oversize { bytes, .. }) if bytes == length));
            return;
        }
        let Some((body, after)) = after.split_at_checked(length) else {
            assert!(matches!(got, Err(FrameError::Truncated)));
            return;
        };
        let frame = got.expect("a whole frame").expect("not the end");
        assert_eq!(frame, body);
        assert_eq!(prefix(frame.len()), rest[..PREFIX]);
        envelope(frame);
        rest = after;
    }
});

fn envelope(frame: Bytes) {
    if let Some((head, body)) = Head::split(frame.clone()) {
        assert_eq!([&head.encode()[..], &body].concat(), frame);
    }
}
