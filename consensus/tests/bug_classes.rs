//! Bugs that have hurt systems like this one, each by its number in `docs/protocol.md`.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, clippy::redundant_clone)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use logothete_consensus::{
    Action, Certificate, CertificateCache, CommitCert, Event, Message, QuorumCert, Rejection,
    SafetyRefusal, SafetyRules, SafetyState, Signatures, TimeoutCert, TimeoutEntry, verify,
    verify_cached, verify_certificate,
};
use logothete_primitives::codec::{decode, encode};
use logothete_primitives::limits::{MAX_PAYLOAD_BYTES, MAX_PROPOSAL_BYTES, MAX_VALIDATORS};
use logothete_primitives::{
    Epoch, Height, PublicKey, Signature, SignerSet, Validator, ValidatorIndex, ValidatorSet,
    Verifier, View,
};
use support::keyed_hash::{KeyedHash, KeyedHashVerifier};
use support::random::Random;
use support::stage;
use support::stand::{Stand, messages, v};

fn check(stand: &Stand, certificate: Certificate) -> Result<(), Rejection> {
    verify_certificate(&stand.ctx, &KeyedHashVerifier, &certificate)
}

/// 1: votes counted without a slot per author. One validator voting many times is one vote.
#[test]
fn class_01_repeated_votes_count_once() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 1, 1, "genesis");
    stand.accept("a");
    for _ in 0..5 {
        assert!(stand.hear(Message::PrepareVote(stand.prepare(1, "a"))).is_empty());
    }
    // A vote for another block takes no second slot either.
    stand.hear(Message::PrepareVote(stand.prepare(1, "b")));
    assert_eq!(stand.replica.status().view, View::new(1));
    for _ in 0..5 {
        stand.hear(stand.commit_message(1, "a"));
        stand.hear(Message::Timeout(Box::new(stand.timeout(1, 2, "a", None))));
    }
    let status = stand.replica.status();
    assert_eq!((status.view, status.committed_height), (View::new(2), Height::ZERO));
}

/// 2: certificates applied after instead of before the message (R0).
#[test]
fn class_02_certificates_come_before_the_message() {
    // The proposal of view 2 carries QC(1): it is of the current view once that is applied.
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    stand.hear(Message::Proposal(Box::new(stand.proposal("a", None))));
    let actions = stand.hear(Message::Proposal(Box::new(stand.proposal("b", None))));
    assert!(actions.iter().any(
        |action| matches!(action, Action::CheckPayload { block, .. } if block.header.view == View::new(2))
    ));
    // The timeout of view 8 carries TC(7) and counts in view 8.
    let entry = Certificate::Timeout(stand.tc(7, "a"));
    stand.hear(Message::Timeout(Box::new(stand.timeout(3, 8, "a", Some(entry)))));
    let status = stand.replica.status();
    assert_eq!((status.view, status.timeouts), (View::new(8), stand.set(&[3])));
}

/// 3: a restart that forgets the highest TC.
#[test]
fn class_03_restart_remembers_the_highest_tc() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.hear(Message::Certificate(Box::new(Certificate::Timeout(stand.tc(5, "genesis")))));
    stand.step(Event::PendingWork(true));
    stand.tick_ms(60_000);
    assert_eq!(stand.safety.as_ref().unwrap().timed_out, View::new(6));
    stand.restart(false);
    stand.step(Event::Started);
    assert_eq!(stand.replica.status().view, View::new(6));
}

/// 4: quorum arithmetic for n ≠ 3f+1 and weights near the maximum: one less than a quorum is
/// refused, a quorum is accepted, two quorums meet in more than f.
#[test]
fn class_04_quorums_of_any_size_and_weight() {
    let near_max = (1u64 << 62) / 5;
    let sets: Vec<Vec<u64>> = (1..=12)
        .map(|n| vec![1; n])
        .chain([vec![near_max; 5], vec![1, 2, 3, 4, 5], vec![(1 << 62) - 3, 1, 1, 1]])
        .collect();
    for powers in sets {
        let mut stand = Stand::new(&powers, 0);
        let set = stand.ctx.validators.clone();
        let total: u128 = powers.iter().map(|power| u128::from(*power)).sum();
        assert!(2 * u128::from(set.quorum()) > total + u128::from(set.max_faulty()), "{powers:?}");
        assert!(3 * u128::from(set.max_faulty()) < total, "{powers:?}");
        stand.block("a", 0, 1, "genesis");
        let full = stand.qc("a");
        assert_eq!(check(&stand, Certificate::Quorum(full.clone())), Ok(()));
        let signers: Vec<u16> = full.signers.iter().map(|index| index.get()).collect();
        let fewer = &signers[..signers.len() - 1];
        let short = QuorumCert {
            signers: stand.set(fewer),
            signatures: signatures(&full.signatures[..fewer.len()]),
            ..full
        };
        let verdict = check(&stand, Certificate::Quorum(short));
        assert!(matches!(verdict, Err(Rejection::NoQuorum { .. })), "{powers:?}: {verdict:?}");
    }
}

/// 5: a certificate with a duplicate or one bad signature.
#[test]
fn class_05_one_bad_or_double_signature_spoils_a_certificate() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let qc = stand.qc("a");
    for bad in 0..3 {
        let mut list = qc.signatures.clone().into_inner();
        list[bad] = Signature::from_bytes([9; 64]);
        let spoilt = QuorumCert { signatures: signatures(&list), ..qc.clone() };
        assert_eq!(check(&stand, Certificate::Quorum(spoilt)), Err(Rejection::BadSignature));
    }
    // The signature of another signer, in the right number.
    let mut list = qc.signatures.clone().into_inner();
    list[2] = list[1];
    let doubled = QuorumCert { signatures: signatures(&list), ..qc.clone() };
    assert_eq!(check(&stand, Certificate::Quorum(doubled)), Err(Rejection::BadSignature));
    // More or fewer signatures than signers.
    let fewer = QuorumCert { signatures: signatures(&list[..2]), ..qc };
    let verdict = check(&stand, Certificate::Quorum(fewer));
    assert_eq!(verdict, Err(Rejection::SignatureCount { signatures: 2, signers: 3 }));
    // One validator twice in a TC, or in another order.
    let tc = stand.tc(3, "a");
    let entry = |index: usize| tc.timeouts[index].clone();
    for order in [vec![0, 1, 1], vec![1, 0, 2]] {
        let timeouts: Vec<TimeoutEntry> = order.into_iter().map(entry).collect();
        let tc = TimeoutCert { timeouts: timeouts.try_into().unwrap(), ..tc.clone() };
        assert_eq!(check(&stand, Certificate::Timeout(tc)), Err(Rejection::UnorderedTimeouts));
    }
    // A TC with a QC that is not its maximum, either way.
    let low = TimeoutCert { high_qc: stand.ctx.genesis_qc(), ..tc };
    let verdict = check(&stand, Certificate::Timeout(low));
    let (got, expected) = (View::ZERO, View::new(1));
    assert_eq!(verdict, Err(Rejection::HighQcNotMaximum { got, expected }));
    let mut commit = stand.cc("a");
    commit.block = stage::genesis().hash();
    assert_eq!(check(&stand, Certificate::Commit(commit)), Err(Rejection::BadSignature));
}

/// 5: a certificate known to the cache does not vouch for one that differs in any byte.
#[test]
fn class_05_the_cache_knows_only_what_was_verified() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let mut cache = CertificateCache::default();
    let mut ask = |qc: QuorumCert| {
        let message = Message::Certificate(Box::new(Certificate::Quorum(qc)));
        verify_cached(&stand.ctx, &KeyedHashVerifier, &mut cache, message).map(|_| ())
    };
    let qc = stand.qc("a");
    let other = QuorumCert { height: Height::new(9), ..qc.clone() };
    assert_eq!(ask(other.clone()), Err(Rejection::BadSignature));
    assert_eq!(ask(qc.clone()), Ok(()));
    assert_eq!(ask(qc), Ok(()));
    assert_eq!(ask(other), Err(Rejection::BadSignature));
}

/// 5: the signatures of a certificate are looked at once: when it comes again, and when one message
/// carries it twice. What was refused is looked at again.
#[test]
fn class_05_a_certificate_is_verified_once() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let verifier = Counting::default();
    let mut cache = CertificateCache::default();
    let mut looked_at = |message: Message| {
        let verdict = verify_cached(&stand.ctx, &verifier, &mut cache, message).map(|_| ());
        (verifier.0.swap(0, Relaxed), verdict)
    };
    let tc = stand.tc(2, "a");
    let timeout = stand.timeout(3, 3, "a", Some(Certificate::Timeout(tc.clone())));
    let spoilt = QuorumCert {
        signatures: signatures(&[Signature::from_bytes([9; 64]); 3]),
        ..stand.qc("a")
    };
    let spoilt = Message::Certificate(Box::new(Certificate::Quorum(spoilt)));
    for (message, expected) in [
        (spoilt.clone(), (3, Err(Rejection::BadSignature))),
        (spoilt, (3, Err(Rejection::BadSignature))),
        // The own one, three of the QC that is in it twice, three of the TC.
        (Message::Timeout(Box::new(timeout.clone())), (7, Ok(()))),
        (Message::Timeout(Box::new(timeout)), (1, Ok(()))),
        (Message::Certificate(Box::new(Certificate::Timeout(tc))), (0, Ok(()))),
        (Message::Certificate(Box::new(Certificate::Commit(stand.cc("a")))), (3, Ok(()))),
        (Message::Certificate(Box::new(Certificate::Commit(stand.cc("a")))), (0, Ok(()))),
        (stand.commit_message(1, "a"), (1, Ok(()))),
    ] {
        assert_eq!(looked_at(message.clone()), expected, "{message:?}");
    }
}

/// 6: a stale timer after a view skip.
#[test]
fn class_06_no_timer_of_an_earlier_view() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.step(Event::Started);
    stand.step(Event::PendingWork(true));
    let deadline = stand.replica.next_deadline().unwrap();
    stand.now = deadline - Duration::from_millis(1);
    stand.hear(Message::Certificate(Box::new(Certificate::Timeout(stand.tc(40, "genesis")))));
    stand.now = deadline;
    assert!(messages(&stand.step(Event::Tick)).is_empty());
    assert!(stand.replica.next_deadline().unwrap() > deadline);
}

/// 7: uncapped timeouts. After a thousand failed views the timeout is the cap, and a CC resets it.
#[test]
fn class_07_timeouts_are_capped() {
    let mut stand = Stand::new(&[1; 4], 0);
    for view in 1..1000 {
        stand.hear(Message::Certificate(Box::new(Certificate::Timeout(stand.tc(view, "genesis")))));
    }
    let status = stand.replica.status();
    assert_eq!((status.timeout, status.failed_views), (Duration::from_millis(4000), 999));
    stand.block("a", 1, 2000, "genesis");
    stand.hear(Message::Certificate(Box::new(Certificate::Commit(stand.cc("a")))));
    assert_eq!(stand.replica.status().timeout, Duration::from_millis(1000));
}

/// 7: more than f restarted empty: nobody signs, and each says so.
#[test]
fn class_07_more_than_f_without_memory_wait_and_say_so() {
    let mut stand = Stand::amnesiac(&[1; 4], 0);
    stand.step(Event::Started);
    let request = logothete_consensus::StatementRequest { nonce: [3; 32], signer: v(1) };
    let actions = stand.hear(Message::StatementRequest(request));
    assert!(messages(&actions).is_empty(), "one without memory has nothing to state");
    for signer in [2, 3] {
        let statement = stand.statement(stand.nonce, signer, 1, None);
        stand.hear(Message::Statement(Box::new(statement)));
    }
    let status = stand.replica.status();
    let logothete_consensus::Mode::Learner { above, .. } = status.mode else {
        panic!("still without memory")
    };
    assert_eq!(above, None, "two statements are no quorum");
    let lost = stand.ctx.validators.power_of(&status.amnesiacs);
    assert!(lost > stand.ctx.validators.max_faulty());
}

/// 9: the double-sign check off by one, across a restart, for each kind of message.
#[test]
fn class_09_nothing_is_signed_twice_across_a_restart() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 1, 1, "genesis");
    let first = stand.accept("a");
    stand.restart(false);
    let again = stand.step(Event::Started);
    let second = stand.accept("b");
    let votes = |actions: &[Action]| -> Vec<Message> {
        let of_votes = |m: &&Message| matches!(m, Message::PrepareVote(_));
        messages(actions).into_iter().filter(of_votes).cloned().collect()
    };
    assert_eq!(votes(&first), votes(&again), "identical");
    assert!(votes(&second).is_empty());
    let rules = SafetyRules::new(
        stand.ctx.chain,
        Epoch::ZERO,
        v(0),
        Box::new(KeyedHash::new(0)),
        stand.safety.clone(),
    );
    let one = View::new(1);
    let verdict = rules.safe_to_prepare(&stand.header("b"), None, one);
    assert_eq!(verdict, Err(SafetyRefusal::AlreadySigned { view: one, mark: one }));
}

/// 12: non-canonical encodings. Every message decodes to itself, and no other bytes decode to it.
#[test]
fn class_12_messages_have_one_encoding() {
    for message in one_of_each() {
        let bytes = encode(&message);
        assert_eq!(decode::<Message>(&bytes).as_ref(), Ok(&message));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decode::<Message>(&longer).is_err());
        for cut in 0..bytes.len() {
            assert!(decode::<Message>(&bytes[..cut]).is_err());
        }
        for position in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut flipped = bytes.clone();
                flipped[position] ^= bit;
                if let Ok(other) = decode::<Message>(&flipped) {
                    assert_ne!(other, message);
                    assert_eq!(encode(&other), flipped, "at {position}");
                }
            }
        }
    }
}

/// 13: a bad body poisons the good one with the same header. It is refused before it takes the slot.
#[test]
fn class_13_a_bad_body_does_not_poison_the_header() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let mut bad = stand.proposal("a", None);
    bad.block.payload = b"another".to_vec().try_into().unwrap();
    let verdict = stand.deliver(Message::Proposal(Box::new(bad)));
    assert_eq!(verdict, Err(Rejection::BodyMismatch));
    let actions = stand.accept("a");
    assert!(messages(&actions).iter().any(|m| matches!(m, Message::PrepareVote(_))));
    // The same with a fetched block.
    stand.block("b", 2, 2, "a");
    stand.hear(Message::Certificate(Box::new(Certificate::Quorum(stand.qc("b")))));
    let (good, qc) = stand.blocks["b"].clone();
    let mut bad = good.clone();
    bad.payload = b"another".to_vec().try_into().unwrap();
    stand.fetched(bad, qc.clone());
    assert_eq!(stand.replica.status().missing, 1, "still wanted");
    stand.fetched(good, qc);
    assert_eq!(stand.replica.status().missing, 0);
}

/// 17: panic on peer data. Whatever bytes come, decoding and verifying them only ever refuses; and
/// what is verified never panics, whatever the order.
#[test]
fn class_17_peer_data_never_panics() {
    let mut random = Random::new(17);
    let samples: Vec<Vec<u8>> = one_of_each().iter().map(encode).collect();
    let stand = Stand::new(&[1; 4], 0);
    for round in 0..30_000 {
        let sample = &samples[round % samples.len()];
        let mut bytes = sample.clone();
        for _ in 0..random.between(1, 4) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        let Ok(message) = decode::<Message>(&bytes) else { continue };
        let verdict =
            catch_unwind(AssertUnwindSafe(|| verify(&stand.ctx, &KeyedHashVerifier, message)));
        assert!(verdict.is_ok(), "panic on {bytes:02x?}");
    }
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut stand = puppets();
        for _ in 0..60 {
            let message = any_signed_message(&stand, &mut random);
            stand.now += Duration::from_millis(random.below(700));
            let _ = stand.deliver(message);
            if random.chance(300) {
                stand.step(Event::Tick);
            }
            if random.chance(100) {
                stand.restart(random.chance(200));
            }
        }
    }
}

/// 21: out-of-range signer index, in every message.
#[test]
fn class_21_unknown_signers_are_refused() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let refused = Err(Rejection::UnknownSigner { index: v(4) });
    let mut messages = vec![
        Message::PrepareVote(stand.prepare(4, "a")),
        stand.commit_message(4, "a"),
        Message::Timeout(Box::new(stand.timeout(4, 1, "genesis", None))),
        Message::Statement(Box::new(stand.statement([0; 32], 4, 1, None))),
        Message::StatementRequest(logothete_consensus::StatementRequest {
            nonce: [0; 32],
            signer: v(4),
        }),
    ];
    stand.block("b", 4, 1, "genesis");
    messages.push(Message::Proposal(Box::new(stand.proposal("b", None))));
    let mut tc = stand.tc(1, "genesis");
    let mut entries = tc.timeouts.clone().into_inner();
    entries[2].signer = v(4);
    tc.timeouts = entries.try_into().unwrap();
    messages.push(Message::Certificate(Box::new(Certificate::Timeout(tc))));
    for message in messages {
        assert_eq!(stand.deliver(message.clone()).map(|_| ()), refused, "{message:?}");
    }
    // A signer set of another size.
    let mut qc = stand.qc("a");
    qc.signers = SignerSet::new(5);
    for index in 0..3 {
        qc.signers.insert(v(index));
    }
    let verdict = check(&stand, Certificate::Quorum(qc));
    assert_eq!(verdict, Err(Rejection::SignerSetSize { got: 5, expected: 4 }));
}

/// 24: a proposal larger than its own limit. The largest one of the largest set fits, and a leader
/// refuses a payload that does not.
#[test]
fn class_24_the_largest_proposal_fits_its_limit() {
    let powers = vec![1; MAX_VALIDATORS];
    let mut stand = Stand::new(&powers, 0);
    stand.block("a", 1, 1, "genesis");
    let payload = vec![0xff; MAX_PAYLOAD_BYTES];
    let header = stand.block("b", 2, 9, "a").header;
    let header = logothete_consensus::BlockHeader {
        payload: logothete_consensus::payload_hash(&payload),
        ..header
    };
    stand.define("b", header, payload);
    let everybody: Vec<u16> = (0..200).collect();
    let full = |short: QuorumCert| QuorumCert {
        signers: stand.set(&everybody),
        signatures: signatures(&vec![Signature::from_bytes([1; 64]); MAX_VALIDATORS]),
        ..short
    };
    let mut tc = stand.tc(8, "a");
    let entry = tc.timeouts[0].clone();
    tc.timeouts = vec![entry; MAX_VALIDATORS].try_into().unwrap();
    tc.high_qc = full(tc.high_qc);
    let mut proposal = stand.proposal("b", Some(tc));
    proposal.qc = full(proposal.qc);
    let size = encode(&proposal).len();
    assert!(size <= MAX_PROPOSAL_BYTES, "{size} bytes of {MAX_PROPOSAL_BYTES}");
    let verdict = stand.deliver(Message::Proposal(Box::new(proposal))).map(|_| ());
    assert!(!matches!(verdict, Err(Rejection::TooLarge { .. })), "{verdict:?}");

    let mut leader = Stand::new(&[1; 4], 1);
    leader.step(Event::Started);
    let actions = leader.payload_built(1, &vec![0; MAX_PAYLOAD_BYTES + 1]);
    assert!(matches!(actions[..], [Action::Rejected { .. }]), "{actions:?}");
    let actions = leader.payload_built(1, &[0; 8]);
    assert!(messages(&actions).iter().any(|m| matches!(m, Message::Proposal(_))));
}

/// 24: what is too large for a frame of the consensus lane is not said either.
#[test]
fn class_24_every_message_fits_its_frame() {
    use logothete_primitives::limits::MAX_CONSENSUS_FRAME_BYTES;
    let mut stand = Stand::new(&vec![1; MAX_VALIDATORS], 0);
    stand.block("a", 1, 1, "genesis");
    let entry = Certificate::Timeout(stand.tc(8, "a"));
    let timeout = stand.timeout(0, 9, "a", Some(entry.clone()));
    let statement = stand.statement([0; 32], 0, 9, Some(entry));
    for message in [Message::Timeout(Box::new(timeout)), Message::Statement(Box::new(statement))] {
        // A quorum of two thirds signs here; all of them would be half as much again.
        assert!(encode(&message).len() * 3 / 2 <= MAX_CONSENSUS_FRAME_BYTES);
    }
    let state = SafetyState::fresh(Epoch::ZERO);
    assert_eq!(decode::<SafetyState>(&encode(&state)), Ok(state));
}

/// Counts the signatures that are asked about.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Verifier for Counting {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        self.0.fetch_add(1, Relaxed);
        KeyedHashVerifier.verify(key, message, signature)
    }

    fn verify_all(&self, items: &[(PublicKey, &[u8], &Signature)]) -> bool {
        self.0.fetch_add(items.len(), Relaxed);
        KeyedHashVerifier.verify_all(items)
    }
}

fn signatures(list: &[Signature]) -> Signatures {
    list.to_vec().try_into().unwrap()
}

/// A stand with a few blocks that compete.
///
/// ```text
/// genesis <- a(1) <- b(2) <- d(4)
///                 <- c(3)
/// ```
fn puppets() -> Stand {
    let mut stand = Stand::new(&[1; 4], 0);
    for (name, author, view, parent) in
        [("a", 1, 1, "genesis"), ("b", 2, 2, "a"), ("c", 3, 3, "a"), ("d", 0, 4, "b")]
    {
        stand.block(name, author, view, parent);
    }
    stand
}

/// Anything that puppets who keep to the rules could say, in no particular order.
fn any_signed_message(stand: &Stand, random: &mut Random) -> Message {
    let name = ["a", "b", "d"][usize::try_from(random.below(3)).unwrap()];
    let signer = u16::try_from(random.between(1, 3)).unwrap();
    let view = random.between(1, 6);
    match random.below(9) {
        0 => Message::Proposal(Box::new(stand.proposal(name, None))),
        1 => Message::Proposal(Box::new(stand.proposal("c", Some(stand.tc(2, "a"))))),
        2 | 3 => Message::PrepareVote(stand.prepare(signer, name)),
        4 => stand.commit_message(signer, name),
        5 => Message::Certificate(Box::new(Certificate::Quorum(stand.qc(name)))),
        6 => Message::Certificate(Box::new(Certificate::Commit(stand.cc(name)))),
        7 => {
            let entry = (view > 1).then(|| Certificate::Timeout(stand.tc(view - 1, "genesis")));
            Message::Timeout(Box::new(stand.timeout(signer, view, "genesis", entry)))
        }
        _ => {
            let statement = stand.statement(stand.nonce, signer, 1, None);
            Message::Statement(Box::new(statement))
        }
    }
}

fn one_of_each() -> Vec<Message> {
    let stand = puppets();
    let tc = stand.tc(2, "a");
    let cc: CommitCert = stand.cc("a");
    let entry = Certificate::Timeout(tc.clone());
    vec![
        Message::Proposal(Box::new(stand.proposal("a", None))),
        Message::Proposal(Box::new(stand.proposal("c", Some(tc)))),
        Message::PrepareVote(stand.prepare(1, "a")),
        stand.commit_message(2, "a"),
        Message::Timeout(Box::new(stand.timeout(3, 3, "a", Some(entry.clone())))),
        Message::Certificate(Box::new(entry)),
        Message::Certificate(Box::new(Certificate::Commit(cc))),
        Message::StatementRequest(logothete_consensus::StatementRequest {
            nonce: [5; 32],
            signer: v(2),
        }),
        Message::Statement(Box::new(stand.statement([5; 32], 1, 1, None))),
    ]
}

/// 4, 21: an index above what any set has.
#[test]
fn class_21_the_highest_index_is_harmless() {
    let stand = Stand::new(&[1; 4], 0);
    let mut vote = puppets().prepare(1, "a");
    vote.signer = ValidatorIndex::new(u16::MAX);
    let verdict = verify(&stand.ctx, &KeyedHashVerifier, Message::PrepareVote(vote));
    assert!(matches!(verdict, Err(Rejection::UnknownSigner { .. })));
    let one = Validator {
        key: PublicKey::from_bytes([1; 32]),
        power: 1,
        name: "one".to_owned().try_into().unwrap(),
    };
    assert!(ValidatorSet::new(Epoch::ZERO, vec![one.clone(), one]).is_err());
}
