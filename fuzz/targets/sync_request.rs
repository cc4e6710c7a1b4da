//! Requests of the sync lane.

#![no_main]

#[allow(dead_code)]
#[path = "../../node/src/sync/message.rs"]
mod message;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::assert_canonical;

fuzz_target!(|bytes: &[u8]| assert_canonical::<message::SyncRequest>(bytes));
