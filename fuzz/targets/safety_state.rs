//! The durable safety state and the marks, as read back from a database.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{Marks, SafetyState};
use logothete_fuzz::{assert_canonical, decode_canonical};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        assert_canonical::<SafetyState>(bytes);
    } else if let Some(marks) = decode_canonical::<Marks>(bytes) {
        assert!(marks.covers(&marks), "marks cover themselves");
    }
});
