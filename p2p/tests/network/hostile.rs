//! Peers that send whatever they like, before, in and after the handshake.
//!
//! The adversary is an ordinary libp2p node without our code: it knows the protocol only from
//! `docs/wire-network.md`.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, identity::Keypair, noise, tcp,
    yamux,
};
use logothete_p2p::{
    DisconnectReason, Lane, PROTOCOL_VERSION, PeerEvent, RefusalReason, Role, Violation, identity,
};
use logothete_primitives::{PublicKey, SecretKey};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use crate::ground::{Ground, Live, Member, SOON, config, key};

const CONTROL: &str = "/logothete/control/1";
const CONSENSUS: &str = "/logothete/consensus/1";
const BATCHES: &str = "/logothete/batches/1";
const SYNC: &str = "/logothete/sync/1";

/// A libp2p node that opens streams and writes what it likes.
struct Adversary {
    control: libp2p_stream::Control,
    key: PublicKey,
    peer: PeerId,
}

impl Adversary {
    /// Dials the victim with the key of this seed.
    async fn dial(seed: u8, victim: &Member) -> Self {
        let mut bytes = [seed; 32];
        let key = SecretKey::from_seed(bytes).public();
        let keypair = Keypair::ed25519_from_bytes(&mut bytes).unwrap();
        let mut swarm: Swarm<libp2p_stream::Behaviour> =
            SwarmBuilder::with_existing_identity(keypair)
                .with_tokio()
                .with_tcp(tcp::Config::new(), noise::Config::new, yamux::Config::default)
                .unwrap()
                .with_behaviour(|_| libp2p_stream::Behaviour::new())
                .unwrap()
                .with_swarm_config(|c| c.with_idle_connection_timeout(SOON))
                .build();
        let peer = identity::peer_id(&victim.key).unwrap();
        let mut control = swarm.behaviour().new_control();
        for lane in [CONSENSUS, BATCHES, SYNC] {
            let mut lanes = control.accept(StreamProtocol::new(lane)).unwrap();
            tokio::spawn(async move {
                let mut kept = Vec::new();
                while let Some((_, stream)) = lanes.next().await {
                    kept.push(stream);
                }
            });
        }
        let address: Multiaddr = victim.address();
        swarm.dial(address).unwrap();
        tokio::spawn(async move { while swarm.next().await.is_some() {} });
        Self { control, key, peer }
    }

    async fn open(&mut self, protocol: &'static str) -> Stream {
        for _ in 0..100 {
            let protocol = StreamProtocol::new(protocol);
            if let Ok(stream) = self.control.open_stream(self.peer, protocol).await {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the victim accepts no stream");
    }

    /// Passes the handshake as a follower, written down by hand.
    async fn admitted(seed: u8, victim: &mut Member) -> (Self, Stream) {
        let mut adversary = Self::dial(seed, victim).await;
        let mut control = adversary.open(CONTROL).await;
        control.write_all(&framed(&hello(PROTOCOL_VERSION))).await.unwrap();
        control.write_all(&framed(&[0, 0])).await.unwrap();
        control.flush().await.unwrap();
        let key = adversary.key;
        victim.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key)).await;
        (adversary, control)
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], body].concat()
}

/// A follower's hello on the chain of these tests, byte by byte.
fn hello(version: u32) -> Vec<u8> {
    let mut bytes = b"logothet".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend([1; 32]); // chain
    bytes.extend([0; 32]); // genesis
    bytes.extend(1u32.to_le_bytes()); // role: follower
    bytes.extend(99u64.to_le_bytes()); // instance
    bytes.extend(0u64.to_le_bytes()); // height
    bytes.extend(framed(b"adversary")); // agent
    bytes
}

async fn victim() -> Member {
    Live.join(0, config(2, Role::Validator), None).await
}

/// The victim still serves an honest peer.
async fn is_well(victim: &mut Member) {
    let mut honest = Live.join(1, config(2, Role::Validator), Some(victim)).await;
    honest.meets(1).await;
    victim.event(|e| matches!(e, PeerEvent::Connected(p) if p.key == key(1))).await;
    honest.sends(victim, Lane::Consensus, "well?").await;
    while victim.consensus().await.0 != honest.key {}
    Live.leave(honest).await;
}

async fn violation(victim: &mut Member) -> Violation {
    let event = victim.event(|e| matches!(e, PeerEvent::Disconnected { .. })).await;
    match event {
        PeerEvent::Disconnected { reason: DisconnectReason::Violation(violation), .. } => violation,
        other => panic!("{other:?}"),
    }
}

/// Bytes without pattern, the same in every run.
fn noise_bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_the_socket_harms_nobody() {
    let mut victim = victim().await;
    let port = victim.address().iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let port = port.unwrap();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x13/multistream/1.0.0\n\x07/noise\n".to_vec(),
        [&b"\x13/multistream/1.0.0\n\x07/noise\n"[..], &noise_bytes(4_000)].concat(),
        vec![0xff; 100_000],
        noise_bytes(1_000_000),
    ] {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // The victim may hang up in the middle.
        let _ = socket.write_all(&garbage).await;
    }
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_in_the_handshake_is_refused() {
    let mut victim = victim().await;
    for (seed, garbage) in (50u8..).zip([
        noise_bytes(10_000),
        vec![0xff; 10_000],
        framed(&[]),
        framed(b"logothet"),
        framed(&noise_bytes(900)),
        [&hello(PROTOCOL_VERSION)[..], b"more"].concat(),
    ]) {
        let mut adversary = Adversary::dial(seed, &victim).await;
        let mut stream = adversary.open(CONTROL).await;
        let _ = stream.write_all(&garbage).await;
        let _ = stream.flush().await;
        let reason = victim.refusal().await;
        assert!(matches!(reason, RefusalReason::Malformed(_)), "{reason:?}");
    }
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_closed_in_time() {
    let mut impatient = config(2, Role::Validator);
    impatient.limits.handshake = Duration::from_millis(700);
    let mut victim = Live.join(0, impatient, None).await;
    let _adversary = Adversary::dial(60, &victim).await;
    assert_eq!(victim.refusal().await, RefusalReason::Timeout);
    let mut half_way = Adversary::dial(61, &victim).await;
    let mut stream = half_way.open(CONTROL).await;
    stream.write_all(&framed(&hello(PROTOCOL_VERSION))[..50]).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(victim.refusal().await, RefusalReason::Timeout);
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_version_is_told_to_both_sides() {
    let mut victim = victim().await;
    let mut newer = Adversary::dial(62, &victim).await;
    let mut stream = newer.open(CONTROL).await;
    // What follows the preamble may be laid out in any way.
    let hello = [&hello(7)[..12], b"a layout of the future"].concat();
    stream.write_all(&framed(&hello)).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(
        victim.refusal().await,
        RefusalReason::Version { ours: PROTOCOL_VERSION, theirs: 7 }
    );
    let mut told = Vec::new();
    timeout(SOON, stream.read_to_end(&mut told)).await.unwrap().unwrap();
    let length = u32::from_le_bytes(told[..4].try_into().unwrap());
    let verdict = &told[4 + usize::try_from(length).unwrap()..];
    assert_eq!(&verdict[4..6], [1, 0]);
    let words = std::str::from_utf8(&verdict[6..]).unwrap();
    assert_eq!(words, "protocol version differs: ours is 1, theirs is 7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_before_the_handshake_is_refused() {
    let mut victim = victim().await;
    let mut adversary = Adversary::dial(63, &victim).await;
    let mut stream = adversary.open(CONSENSUS).await;
    let _ = stream.write_all(&framed(b"vote")).await;
    let _ = stream.flush().await;
    assert!(matches!(victim.refusal().await, RefusalReason::Malformed(_)));
    assert!(victim.inbound.consensus.try_recv().is_err(), "nothing of it reaches the node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_over_the_limit_end_the_connection() {
    let mut victim = victim().await;
    let (mut adversary, _control) = Adversary::admitted(64, &mut victim).await;
    let mut lane = adversary.open(CONSENSUS).await;
    lane.write_all(&framed(b"in order")).await.unwrap();
    lane.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
    lane.flush().await.unwrap();
    let max = Lane::Consensus.max_frame_bytes();
    let bytes = usize::try_from(u32::MAX).unwrap();
    assert_eq!(violation(&mut victim).await, Violation::Oversize { lane: "consensus", bytes, max });
    assert_eq!(victim.consensus().await.1, "in order");
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_after_the_handshake_ends_the_connection() {
    let mut victim = victim().await;
    let (mut adversary, mut control) = Adversary::admitted(65, &mut victim).await;
    let mut lane = adversary.open(SYNC).await;
    lane.write_all(&framed(&noise_bytes(500))).await.unwrap();
    lane.flush().await.unwrap();
    assert_eq!(violation(&mut victim).await, Violation::Undecodable { lane: "sync" });
    let _ = control.write_all(b"too late").await;

    let (_adversary, mut control) = Adversary::admitted(66, &mut victim).await;
    control.write_all(&framed(&noise_bytes(500))).await.unwrap();
    control.flush().await.unwrap();
    assert_eq!(violation(&mut victim).await, Violation::Undecodable { lane: "control" });
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_asked_for_are_ignored() {
    let mut victim = victim().await;
    let (mut adversary, _control) = Adversary::admitted(67, &mut victim).await;
    let mut lane = adversary.open(SYNC).await;
    for kind in 1..=3u8 {
        let mut envelope = vec![kind];
        envelope.extend(5u64.to_le_bytes());
        lane.write_all(&framed(&envelope)).await.unwrap();
    }
    lane.flush().await.unwrap();
    is_well(&mut victim).await;
    assert!(victim.peers().contains(&adversary.key));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_without_end_are_cut_off() {
    let mut victim = victim().await;
    let (mut adversary, _control) = Adversary::admitted(68, &mut victim).await;
    let peer = adversary.peer;
    tokio::spawn(async move {
        for _ in 0..1_000 {
            let _ = adversary.control.open_stream(peer, StreamProtocol::new(CONSENSUS)).await;
        }
    });
    assert_eq!(violation(&mut victim).await, Violation::UnexpectedStream);
    is_well(&mut victim).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_requests_is_answered_busy_and_bounded() {
    let mut config = config(2, Role::Validator);
    config.limits.requests_served = 4;
    let mut victim = Live.join(0, config, None).await;
    let (mut adversary, _control) = Adversary::admitted(69, &mut victim).await;
    let mut lane = adversary.open(SYNC).await;
    for id in 0..5_000u64 {
        let mut envelope = vec![0];
        envelope.extend(id.to_le_bytes());
        lane.write_all(&framed(&envelope)).await.unwrap();
    }
    lane.flush().await.unwrap();
    is_well(&mut victim).await;
    let mut taken = Vec::new();
    while let Ok(request) = victim.inbound.requests.try_recv() {
        taken.push(request);
    }
    assert_eq!(taken.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_do_not_speak_are_limited_per_address() {
    let mut config = config(2, Role::Validator);
    config.limits.pending_per_ip = 4;
    config.limits.handshake = Duration::from_secs(3);
    let mut victim = Live.join(0, config, None).await;
    let mut adversaries = Vec::new();
    for seed in 70..90 {
        adversaries.push(Adversary::dial(seed, &victim).await);
    }
    let mut refused = 0;
    for _ in 0..4 {
        assert_eq!(victim.refusal().await, RefusalReason::Timeout);
        refused += 1;
    }
    let more = timeout(Duration::from_millis(1_000), victim.refusal()).await;
    assert!(more.is_err(), "{refused} were let in as far as the handshake, and then one more");
}
