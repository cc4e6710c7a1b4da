//! A planted crash. `scripts/fuzz smoke` fails unless it is found: then the run as a whole can find
//! something, with its flags, its time and its way of looking at the outcome.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Four comparisons one after the other: blind luck would take years, coverage takes a moment.
    if let [b'l', b'g', b't', b'!', ..] = bytes {
        panic!("the canary was found");
    }
});
