//! Bodies of JSON-RPC requests: bounded, every call answered once, and every answer is JSON.

#![no_main]

mod rpc;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| rpc::answer(bytes));
