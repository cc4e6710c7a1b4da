#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use logothete_consensus::{Block, BlockHeader, Executed};
use logothete_ledger::admission::{Admitted, Candidate, admit};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::error::BatchError;
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::{
    Amount, BatchHash, BoundedVec, ChainId, Digest, Height, Nonce, ReceiptsRoot, SecretKey,
    StateRoot, TimestampMs, ValidatorIndex, View,
};

use super::evidence::tests::{forged, pool, two_votes};
use super::*;

const OWN: ValidatorIndex = ValidatorIndex::new(0);
const OTHER: ValidatorIndex = ValidatorIndex::new(1);
const THIRD: ValidatorIndex = ValidatorIndex::new(2);

fn chain() -> ChainId {
    ChainId::new(Digest::new([9; 32]))
}

fn rules() -> BatchRules {
    BatchRules {
        chain: chain(),
        params: Arc::new(ChainParams::default()),
        verified: Arc::default(),
        content: Content::Transactions,
    }
}

fn executed(height: u64) -> Executed {
    Executed {
        height: Height::new(height),
        state_root: StateRoot::new(Digest::new([u8::try_from(height).unwrap(); 32])),
        receipts_root: ReceiptsRoot::ZERO,
    }
}

fn transfer(nonce: u64) -> Arc<Admitted> {
    let (alice, bob) = (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]));
    let operation =
        Operation::Transfer { from: None, to: bob.public().into(), amount: Amount::new(5) };
    let body = Body::new(
        &chain(),
        alice.public().into(),
        Nonce::new(nonce),
        Amount::new(1_000),
        Height::new(100),
        vec![operation],
    )
    .unwrap();
    let bytes = Transaction::sign(&chain(), body, &[&alice]).unwrap().encode();
    let candidate = Candidate::decode(&bytes, &chain(), &ChainParams::default()).unwrap();
    Arc::new(Admitted::verify(candidate, &chain()).unwrap())
}

fn received(bytes: Vec<u8>) -> Result<HeldBatch, BatchError> {
    let mut batch = DecodedBatch::decode(&rules(), Bytes::from(bytes))?;
    let candidates = batch.take_candidates();
    batch.verified(admit(&chain(), &rules().verified, candidates))
}

/// A verdict on a batch from this validator: its signatures hold.
fn verify(state: &mut Dissemination, from: ValidatorIndex, held: HeldBatch) {
    state.on_verified(from, held.hash(), Ok(held));
}

/// A copy of a batch comes from this validator; what is done with it.
fn arrive(state: &mut Dissemination, from: ValidatorIndex, held: &HeldBatch) -> Vec<Effect> {
    state.on_message(from, BatchMessage::Batch(held.bytes.clone()));
    let decoded = state.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::Decode(from, bytes) => Some((from, DecodedBatch::decode(&rules(), bytes))),
        _ => None,
    });
    for (from, batch) in decoded.collect::<Vec<_>>() {
        state.on_decoded(from, batch);
    }
    state.take_effects()
}

/// Seals a batch of our own.
fn seal(state: &mut Dissemination, transaction: Arc<Admitted>) {
    let (own, sequence) = state.next_own().unwrap();
    let transactions = vec![transaction];
    let sealed = Batch::seal(own, sequence, &transactions);
    state.send(Duration::ZERO, HeldBatch::sealed(sealed, transactions));
}

/// The batch of another validator, as it arrives.
fn foreign(author: ValidatorIndex, nonce: u64) -> HeldBatch {
    let sealed = Batch::seal(author, nonce, &[transfer(nonce)]);
    received(sealed.bytes).unwrap()
}

fn dissemination() -> Dissemination {
    let start = Start {
        results: vec![executed(0)],
        attested: executed(0),
        committed: Height::ZERO,
        last_work: Height::ZERO,
        sequence: 1,
    };
    Dissemination::new(Some(OWN), 4, Limits::default(), pool(), start)
}

fn block(
    height: u64,
    attests: Executed,
    batches: Vec<logothete_ledger::batch::BatchRef>,
) -> Arc<Block> {
    let payload =
        Payload { batches: BoundedVec::try_from(batches).unwrap(), ..Payload::default() }.encode();
    let mut header = BlockHeader::genesis(chain(), TimestampMs::new(1), attests);
    header.height = Height::new(height);
    header.view = View::new(height);
    header.proposer = THIRD;
    Arc::new(Block { header, payload: payload.try_into().unwrap() })
}

fn build_request(view: u64, idle_expired: bool) -> BuildRequest {
    BuildRequest { view: View::new(view), ancestors: vec![], must_be_empty: false, idle_expired }
}

fn requested(effects: &[Effect]) -> Vec<(ValidatorIndex, BatchHash)> {
    let asks = effects.iter().filter_map(|effect| match effect {
        Effect::Send(to, BatchMessage::Request(hashes)) => Some((*to, hashes[0])),
        _ => None,
    });
    asks.collect()
}

#[test]
fn a_sealed_batch_is_stored_before_it_is_sent_and_is_work() {
    let mut state = dissemination();
    seal(&mut state, transfer(0));
    let effects = state.take_effects();
    assert!(
        matches!(
            effects[..],
            [
                Effect::Store(_),
                Effect::Broadcast(BatchMessage::Batch(_)),
                Effect::PendingWork(true)
            ]
        ),
        "{effects:?}"
    );
}

#[test]
fn an_idle_leader_waits_for_work_and_then_proposes_it() {
    let mut state = dissemination();
    state.on_build(Duration::ZERO, build_request(1, false));
    assert!(state.take_effects().is_empty(), "there is nothing to order or to attest");
    seal(&mut state, transfer(0));
    let built = state.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Built(view, payload, _) => Some((view, Payload::decode(&payload).unwrap())),
        _ => None,
    });
    let (view, payload) = built.unwrap();
    assert_eq!((view, payload.batches.len()), (View::new(1), 1));
}

#[test]
fn an_idle_leader_proposes_an_empty_block_when_its_time_is_over() {
    let mut state = dissemination();
    state.on_build(Duration::ZERO, build_request(1, true));
    let effects = state.take_effects();
    assert!(matches!(effects[..], [Effect::Built(_, _, _)]), "{effects:?}");
}

#[test]
fn results_that_nobody_attested_are_proposed_at_once() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    let reference = held.reference;
    verify(&mut state, OTHER, held);
    state.on_commit(Duration::ZERO, block(1, executed(0), vec![reference]));
    state.take_effects();
    state.on_build(Duration::ZERO, build_request(2, false));
    assert!(state.take_effects().is_empty(), "the result is not there yet");
    state.on_executed(executed(1));
    let effects = state.take_effects();
    let attests =
        effects.iter().any(|effect| matches!(effect, Effect::Built(_, _, e) if *e == executed(1)));
    assert!(attests, "{effects:?}");
}

#[test]
fn a_payload_is_approved_only_when_its_batches_are_held() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    let hash = held.hash();
    let proposed = block(1, executed(0), vec![held.reference]);
    state.check(Duration::ZERO, proposed.clone(), &[]);
    assert!(matches!(&state.take_effects()[..], [Effect::Load(missing)] if missing == &[hash]));

    state.on_tick(Duration::ZERO);
    assert!(requested(&state.take_effects()).is_empty(), "it may be on its way");
    state.on_tick(Limits::default().request_delay);
    let asked = requested(&state.take_effects());
    assert_eq!(asked, [(OTHER, hash), (THIRD, hash)], "author and proposer are asked first");

    // The proposer relays it: it was asked for, so it is taken from another one than its author.
    verify(&mut state, THIRD, held);
    let effects = state.take_effects();
    let approved = effects
        .iter()
        .any(|e| matches!(e, Effect::Checked(block, Ok(())) if *block == proposed.hash()));
    assert!(approved, "{effects:?}");
}

#[test]
fn a_batch_that_is_being_checked_is_neither_checked_again_nor_asked_for() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    let first = arrive(&mut state, OTHER, &held);
    assert!(matches!(&first[..], [Effect::Verify(OTHER, _)]), "{first:?}");
    assert!(arrive(&mut state, OTHER, &held).is_empty(), "another copy");

    state.check(Duration::ZERO, block(1, executed(0), vec![held.reference]), &[]);
    state.on_tick(Duration::from_secs(1));
    assert!(requested(&state.take_effects()).is_empty(), "it is here");
    verify(&mut state, OTHER, held);
    let effects = state.take_effects();
    assert!(effects.iter().any(|e| matches!(e, Effect::Checked(_, Ok(())))), "{effects:?}");
}

#[test]
fn a_batch_that_is_held_is_acknowledged_again_without_another_check() {
    let mut state = dissemination();
    let (held, copy) = (foreign(OTHER, 0), foreign(OTHER, 0));
    arrive(&mut state, OTHER, &held);
    verify(&mut state, OTHER, held);
    state.take_effects();
    let again = arrive(&mut state, OTHER, &copy);
    let acknowledged = BatchMessage::Ack(copy.hash());
    assert!(matches!(&again[..], [Effect::Send(OTHER, ack)] if *ack == acknowledged), "{again:?}");
}

#[test]
fn a_refused_batch_may_come_again() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    arrive(&mut state, OTHER, &held);
    state.on_verified(OTHER, held.hash(), Err(BatchError::Empty));
    assert!(matches!(&state.take_effects()[..], [Effect::Fault(OTHER, _)]));
    let again = arrive(&mut state, OTHER, &held);
    assert!(matches!(&again[..], [Effect::Verify(OTHER, _)]), "{again:?}");
}

#[test]
fn an_unasked_batch_of_somebody_else_is_not_taken() {
    let mut state = dissemination();
    verify(&mut state, THIRD, foreign(OTHER, 0));
    assert!(state.take_effects().is_empty());
    assert_eq!(state.waiting(), 0);
}

#[test]
fn a_payload_that_names_a_batch_twice_is_refused() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    let (reference, hash) = (held.reference, held.hash());
    verify(&mut state, OTHER, held);
    state.take_effects();
    let ancestor = block(1, executed(0), vec![reference]);
    state.check(Duration::ZERO, block(2, executed(0), vec![reference]), &[ancestor]);
    let effects = state.take_effects();
    assert!(
        matches!(&effects[..], [Effect::Checked(_, Err(PayloadRule::Repeated(found)))] if *found == hash),
        "{effects:?}"
    );
}

#[test]
fn a_payload_that_misdescribes_a_batch_is_refused() {
    let mut state = dissemination();
    let held = foreign(OTHER, 0);
    let mut reference = held.reference;
    reference.count += 1;
    verify(&mut state, OTHER, held);
    state.take_effects();
    state.check(Duration::ZERO, block(1, executed(0), vec![reference]), &[]);
    let effects = state.take_effects();
    assert!(matches!(&effects[..], [Effect::Checked(_, Err(PayloadRule::Misdescribed(_)))]));
}

#[test]
fn a_false_attestation_is_refused_and_one_ahead_of_us_waits() {
    let mut state = dissemination();
    let lie = Executed { state_root: StateRoot::new(Digest::new([77; 32])), ..executed(0) };
    state.check(Duration::ZERO, block(1, lie, vec![]), &[]);
    let effects = state.take_effects();
    assert!(matches!(&effects[..], [Effect::Checked(_, Err(PayloadRule::ExecutedDiffers { .. }))]));

    state.check(Duration::ZERO, block(2, executed(1), vec![]), &[]);
    assert!(state.take_effects().is_empty(), "we have not executed height 1 yet");
    state.on_executed(executed(1));
    let effects = state.take_effects();
    assert!(matches!(&effects[..], [Effect::Checked(_, Ok(()))]), "{effects:?}");
}

#[test]
fn a_final_block_executes_only_with_all_its_batches() {
    let mut state = dissemination();
    let held = Arc::new(foreign(OTHER, 0));
    state.on_commit(Duration::ZERO, block(1, executed(0), vec![held.reference]));
    state.on_commit(Duration::ZERO, block(2, executed(0), vec![]));
    let executable = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Executable(_, _))).count()
    };
    assert_eq!(executable(&state.take_effects()), 0, "the first block lacks its batch");
    state.on_stored(held);
    assert_eq!(executable(&state.take_effects()), 2);
}

/// A node with one batch of its own, which the first of three others has acknowledged.
fn with_an_acknowledged_batch() -> Dissemination {
    let mut state = dissemination();
    seal(&mut state, transfer(0));
    let hash = state.take_effects().iter().find_map(|effect| match effect {
        Effect::Store(held) => Some(held.hash()),
        _ => None,
    });
    state.on_message(OTHER, BatchMessage::Ack(hash.unwrap()));
    state
}

/// Who gets the batch when it is due again.
fn served_when_due(state: &mut Dissemination) -> Vec<ValidatorIndex> {
    let later = state.next_deadline().unwrap();
    state.on_tick(later);
    let served = state.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::Serve(to, _) => Some(to),
        _ => None,
    });
    served.collect()
}

#[test]
fn a_batch_is_sent_again_to_those_who_did_not_acknowledge_it() {
    let mut state = with_an_acknowledged_batch();
    assert_eq!(served_when_due(&mut state), [THIRD, ValidatorIndex::new(3)]);
}

#[test]
fn a_validator_that_comes_back_gets_what_it_acknowledged_before_at_once() {
    let mut state = with_an_acknowledged_batch();
    state.on_connected(Duration::from_millis(7), OTHER);
    assert_eq!(state.next_deadline(), Some(Duration::from_millis(7)));
    assert_eq!(served_when_due(&mut state), [OTHER, THIRD, ValidatorIndex::new(3)]);
}

#[test]
fn sealing_stops_when_too_many_own_batches_wait() {
    let mut state = dissemination();
    for nonce in 0..Limits::default().own_batches_max as u64 {
        assert!(state.next_own().is_some());
        seal(&mut state, transfer(nonce));
    }
    assert!(state.next_own().is_none());
}

#[test]
fn frames_come_back_as_they_were_and_garbage_is_refused() {
    let hash = BatchHash::new(Digest::new([3; 32]));
    let messages = [
        BatchMessage::Batch(Bytes::from_static(b"anything")),
        BatchMessage::Ack(hash),
        BatchMessage::Request(BoundedVec::try_from(vec![hash]).unwrap()),
        BatchMessage::Evidence(Bytes::from_static(b"anything")),
    ];
    for message in messages {
        assert_eq!(BatchMessage::from_frame(&message.to_frame()).unwrap(), message);
    }
    for garbage in [&b""[..], b"\x04", b"\x01short", b"\x02\xff\xff\xff\xff"] {
        assert!(BatchMessage::from_frame(&Bytes::from_static(garbage)).is_err());
    }
}

#[test]
fn a_batch_with_a_bad_signature_is_refused_as_a_whole() {
    let good = transfer(0);
    let mut bytes = Batch::seal(OTHER, 0, &[good]).bytes;
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    let refused = received(bytes).unwrap_err();
    assert!(matches!(refused, BatchError::Transaction { position: 0, .. }), "{refused}");
}

#[test]
fn evidence_is_told_to_all_and_is_work_until_a_final_block_records_it() {
    let mut state = dissemination();
    state.on_build(Duration::ZERO, build_request(1, false));
    state.on_evidence(two_votes(3));
    let effects = state.take_effects();
    let [
        Effect::Broadcast(BatchMessage::Evidence(told)),
        Effect::Built(_, payload, _),
        Effect::PendingWork(true),
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    let evidence = Payload::decode(payload).unwrap().evidence;
    assert_eq!(evidence[0][..], told[..]);
    state.on_evidence(two_votes(4));
    assert!(state.take_effects().is_empty(), "one proof of an offence is enough");
    state.on_connected(Duration::ZERO, OTHER);
    let again = state.take_effects();
    assert!(
        matches!(&again[..], [Effect::Send(OTHER, BatchMessage::Evidence(bytes))] if bytes == told),
        "{again:?}"
    );

    let mut recording = (*block(1, executed(0), vec![])).clone();
    recording.payload = payload.clone().try_into().unwrap();
    state.on_commit(Duration::ZERO, Arc::new(recording.clone()));
    let effects = state.take_effects();
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Recorded(height, o) if height.get() == 1 && o.len() == 1)),
        "{effects:?}"
    );
    assert!(effects.iter().any(|effect| matches!(effect, Effect::PendingWork(false))));
    state.on_connected(Duration::ZERO, OTHER);
    assert!(state.take_effects().is_empty(), "the chain tells it");
    recording.header.height = Height::new(2);
    state.check(Duration::ZERO, Arc::new(recording), &[]);
    let refused = state.take_effects();
    assert!(
        matches!(
            refused[..],
            [Effect::Checked(_, Err(PayloadRule::Evidence(EvidenceRule::Repeated(_))))]
        ),
        "{refused:?}"
    );
}

#[test]
fn false_evidence_is_blamed_on_its_sender() {
    let mut state = dissemination();
    let bytes = Bytes::from(logothete_primitives::codec::encode(&forged()));
    state.on_message(OTHER, BatchMessage::Evidence(bytes));
    let effects = state.take_effects();
    assert!(matches!(effects[..], [Effect::FalseEvidence(OTHER, _)]), "{effects:?}");
}

#[test]
fn blocks_keep_their_distance_and_the_first_after_a_pause_does_not_wait() {
    let interval = Limits::default().block_interval;
    let built = |effects: Vec<Effect>| {
        effects.iter().filter(|effect| matches!(effect, Effect::Built(..))).count()
    };
    let mut state = dissemination();
    seal(&mut state, transfer(0));
    state.on_build(Duration::ZERO, build_request(1, false));
    assert_eq!(built(state.take_effects()), 1, "nothing came before it");

    state.on_build(interval / 2, build_request(2, false));
    assert_eq!(built(state.take_effects()), 0, "half of the interval is left");
    assert_eq!(state.next_deadline(), Some(interval));
    state.on_tick(interval);
    assert_eq!(built(state.take_effects()), 1);

    state.on_build(interval * 5, build_request(3, false));
    assert_eq!(built(state.take_effects()), 1);
}

#[test]
fn a_proposal_of_another_moves_no_turn_that_was_granted() {
    let interval = Limits::default().block_interval;
    let mut state = dissemination();
    seal(&mut state, transfer(0));
    state.check(Duration::ZERO, block(1, executed(0), vec![]), &[]);
    state.on_build(interval / 2, build_request(2, false));
    state.check(interval / 2, block(1, executed(0), vec![]), &[]);
    state.take_effects();
    assert_eq!(state.next_deadline(), Some(interval));
    state.on_tick(interval);
    let effects = state.take_effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Built(..))), "{effects:?}");
}

#[test]
fn a_turn_with_nothing_to_say_asks_for_no_further_tick() {
    let interval = Limits::default().block_interval;
    let mut state = dissemination();
    state.check(Duration::ZERO, block(1, executed(0), vec![]), &[]);
    state.on_build(Duration::ZERO, build_request(2, false));
    assert_eq!(state.next_deadline(), Some(interval));
    state.on_tick(interval);
    assert_eq!(state.next_deadline(), None);
    seal(&mut state, transfer(0));
    let effects = state.take_effects();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Built(..))), "{effects:?}");
}
