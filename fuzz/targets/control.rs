//! Frames of the control stream: heights, and where the validators are.

#![no_main]

#[allow(dead_code)]
#[path = "../../p2p/src/control.rs"]
mod control;

use control::{Control, MAX_ADDRESSES, Whereabouts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(control) = Control::decode(bytes) else { return };
    assert_eq!(control.encode(), bytes);
    let Control::Validators(table) = control else { return };
    for told in table.iter() {
        let addresses: Vec<_> = told.addresses().collect();
        assert!(addresses.len() <= MAX_ADDRESSES);
        // What is passed on is what was understood.
        let again = Whereabouts::new(told.key, &addresses);
        assert_eq!(again.addresses().collect::<Vec<_>>(), addresses);
    }
});
