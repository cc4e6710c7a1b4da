//! The handshake with a stranger who sends any bytes: it ends with a refusal, or with both sides in
//! agreement; it never panics and never waits for more than it was sent.

#![no_main]

#[allow(dead_code)]
#[path = "../../p2p/src/frame.rs"]
mod frame;
#[allow(dead_code)]
#[path = "../../p2p/src/handshake.rs"]
#[rustfmt::skip] // Its tests are not found from here.
mod handshake;
#[allow(dead_code)]
#[path = "../../p2p/src/peer.rs"]
mod peer;

use std::sync::LazyLock;

use handshake::{Hello, HelloBody, PROTOCOL_VERSION, RefusalReason, exchange};
use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{CONTEXT, Duct};
use logothete_primitives::{BoundedBytes, Height};
use peer::Role;
use tokio::runtime::{Builder, Runtime};

// A refused peer's verdict is awaited with a limit, which needs a clock, though it never waits here.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

// The first byte is the size of the pieces that arrive.
fuzz_target!(|input: &[u8]| {
    let Some((piece, bytes)) = input.split_first() else { return };
    let ours = hello();
    let mut stream = Duct::new(bytes, usize::from(*piece));
    let met = RUNTIME.block_on(exchange(&mut stream, &ours, |theirs| Ok(theirs.agent())));
    match met {
        Ok((theirs, agent)) => {
            assert_eq!((theirs.version, ours.matches(&theirs)), (PROTOCOL_VERSION, Ok(())));
            assert!(!agent.chars().any(char::is_control), "a terminal would obey it");
        }
        Err(reason) => assert_told(&reason),
    }
});

fn hello() -> Hello {
    let body = HelloBody {
        chain: CONTEXT.chain,
        genesis: CONTEXT.genesis,
        role: Role::Validator,
        instance: 1,
        height: Height::new(5),
        agent: BoundedBytes::try_from(b"logothete/0.1.0".to_vec()).expect("short"),
    };
    Hello { version: PROTOCOL_VERSION, body }
}

fn assert_told(reason: &RefusalReason) {
    assert_ne!(reason.code(), 0, "a refusal that reads like an acceptance");
    let words = reason.to_string();
    assert!(!words.is_empty() && !words.chars().any(char::is_control), "{words:?}");
}
