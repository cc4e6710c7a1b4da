#![allow(clippy::unwrap_used)]

use std::time::Duration;

use logothete_primitives::hash::Digest;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn hello() -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        body: HelloBody {
            chain: ChainId::new(Digest::new([1; 32])),
            genesis: BlockHash::new(Digest::new([2; 32])),
            role: Role::Follower,
            instance: 7,
            height: Height::new(12),
            agent: BoundedBytes::try_from(&b"test\x1b[31m"[..]).unwrap(),
        },
    }
}

/// Both sides of one handshake; both judges accept.
fn both(a: &Hello, b: &Hello) -> (Result<Hello, RefusalReason>, Result<Hello, RefusalReason>) {
    let (left, right) = tokio::io::duplex(256);
    let (mut left, mut right) = (left.compat(), right.compat());
    runtime().block_on(async {
        let (a, b) = futures::join!(
            exchange(&mut left, a, |_| Ok(())),
            exchange(&mut right, b, |_| Ok(())),
        );
        (a.map(|(hello, ())| hello), b.map(|(hello, ())| hello))
    })
}

#[test]
fn nodes_of_one_network_admit_each_other() {
    let (a, b) = both(&hello(), &hello());
    assert_eq!(a.unwrap(), hello());
    assert_eq!(b.unwrap().agent(), "test\u{fffd}[31m");
}

#[test]
fn a_different_version_is_told_to_both_sides() {
    let newer = Hello { version: 9, ..hello() };
    let (a, b) = both(&hello(), &newer);
    assert_eq!(a.unwrap_err(), RefusalReason::Version { ours: 1, theirs: 9 });
    assert_eq!(b.unwrap_err().to_string(), "protocol version differs: ours is 9, theirs is 1");
}

#[test]
fn a_different_chain_is_told_to_both_sides() {
    let mut other = hello();
    other.body.chain = ChainId::new(Digest::new([9; 32]));
    let (a, b) = both(&hello(), &other);
    let (ours, theirs) = (hello().body.chain, other.body.chain);
    assert_eq!(a.unwrap_err(), RefusalReason::Chain { ours, theirs });
    assert_eq!(b.unwrap_err(), RefusalReason::Chain { ours: theirs, theirs: ours });
}

#[test]
fn a_different_genesis_is_told_to_both_sides() {
    let mut other = hello();
    other.body.genesis = BlockHash::ZERO;
    let (a, b) = both(&hello(), &other);
    assert!(matches!(a, Err(RefusalReason::Genesis { .. })));
    assert!(matches!(b, Err(RefusalReason::Genesis { .. })));
}

#[test]
fn a_one_sided_refusal_reaches_the_other_side_in_words() {
    let (left, right) = tokio::io::duplex(4096);
    let (mut left, mut right) = (left.compat(), right.compat());
    let (ours, theirs) = (hello(), hello());
    let (a, b) = runtime().block_on(async {
        futures::join!(
            exchange(&mut left, &ours, |_| Err::<(), _>(RefusalReason::Full { places: 3 })),
            exchange(&mut right, &theirs, |_| Ok(())),
        )
    });
    assert_eq!(a.unwrap_err(), RefusalReason::Full { places: 3 });
    let told = b.unwrap_err();
    assert_eq!(told.code(), RefusalReason::Full { places: 0 }.code());
    assert_eq!(told.to_string(), "the other node refused us: all 3 places for followers are taken");
}

/// What one correct side makes of arbitrary bytes.
fn against(bytes: &[u8]) -> RefusalReason {
    let (left, mut right) = tokio::io::duplex(1 << 16);
    let mut left = left.compat();
    runtime().block_on(async {
        tokio::io::AsyncWriteExt::write_all(&mut right, bytes).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut right).await.unwrap();
        exchange(&mut left, &hello(), |_| Ok(())).await.unwrap_err()
    })
}

#[test]
fn garbage_is_refused_with_a_reason() {
    let framed = |body: &[u8]| [&frame::prefix(body.len())[..], body].concat();
    assert_eq!(against(b""), RefusalReason::Closed);
    assert!(matches!(against(b"GET / HTTP/1.1\r\n\r\n"), RefusalReason::Malformed(_)));
    assert!(matches!(against(&[0xff; 64]), RefusalReason::Malformed(_)));
    assert!(matches!(against(&framed(b"")), RefusalReason::Malformed(_)));
    assert!(matches!(against(&framed(b"logothet")), RefusalReason::Malformed(_)));
    assert!(matches!(against(&framed(b"logothet\x01\0\0\0garbage")), RefusalReason::Malformed(_)));
    let mut trailing = hello().encode();
    trailing.push(0);
    assert!(matches!(against(&framed(&trailing)), RefusalReason::Malformed(_)));
    let good = framed(&hello().encode());
    assert_eq!(against(&good), RefusalReason::Closed);
    assert!(matches!(against(&[&good[..], &framed(&[0])].concat()), RefusalReason::Malformed(_)));
    let chatty = [&good[..], &framed(&[0, 0, b'x'])].concat();
    assert!(matches!(against(&chatty), RefusalReason::Malformed(_)));
}

#[test]
fn the_preamble_and_the_verdict_have_their_written_layout() {
    let bytes = hello().encode();
    assert_eq!(&bytes[..12], b"logothet\x01\0\0\0");
    assert_eq!(bytes.len(), 12 + 32 + 32 + 4 + 8 + 8 + 4 + hello().body.agent.len());
    assert_eq!(encode_verdict(None), [0, 0]);
    let refusal =
        RefusalReason::Banned { fault: PeerFault::Lied, remaining: Duration::from_secs(3) };
    assert_eq!(
        encode_verdict(Some(&refusal)),
        b"\x08\0kept out for another 3 s because of: false answer"
    );
}

#[test]
fn long_words_are_cut() {
    let refusal = RefusalReason::ByPeer { code: 1, words: "x".repeat(10_000) };
    assert_eq!(encode_verdict(Some(&refusal)).len(), 2 + MAX_WORDS);
}
