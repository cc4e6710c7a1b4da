//! One test for the heart of each rule; boundaries are in the unit tests, whole stories in `scripts/`.
#![allow(clippy::unwrap_used)]

mod support;

use logothete_consensus::{
    Action, BlockHeader, Certificate, Equivocation, Event, Message, Rejection, StatementRequest,
};
use logothete_primitives::{Digest, Epoch, View};
use support::keyed_hash::KeyedHashVerifier;
use support::stand::{Stand, messages, v};

/// Position of the first action that is like this.
fn position(actions: &[Action], like: impl Fn(&Action) -> bool) -> usize {
    actions.iter().position(like).unwrap_or_else(|| panic!("not in {actions:?}"))
}

fn certificate(stand: &mut Stand, certificate: Certificate) -> Vec<Action> {
    stand.hear(Message::Certificate(Box::new(certificate)))
}

/// R0: the current view is one more than the highest certificate of any kind, and never goes back.
#[test]
fn r0_certificates_decide_the_view() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 7, "a");
    for (entry, view) in [
        (Certificate::Quorum(stand.qc("a")), 2),
        (Certificate::Timeout(stand.tc(5, "a")), 6),
        (Certificate::Quorum(stand.qc("a")), 6),
        (Certificate::Commit(stand.cc("b")), 8),
        (Certificate::Timeout(stand.tc(6, "a")), 8),
    ] {
        certificate(&mut stand, entry);
        assert_eq!(stand.replica.status().view, View::new(view));
    }
}

/// R1: the leader proposes once, after the block and the mark are durable.
#[test]
fn r1_a_leader_proposes_once() {
    let mut stand = Stand::new(&[1; 4], 1);
    let actions = stand.step(Event::Started);
    position(&actions, |action| matches!(action, Action::BuildPayload { .. }));
    let actions = stand.payload_built(1, b"first");
    let store = position(&actions, |action| matches!(action, Action::StoreBlock { .. }));
    let persist = position(&actions, |action| matches!(action, Action::PersistSafety(_)));
    let send =
        position(&actions, |action| matches!(action, Action::Broadcast(Message::Proposal(_))));
    assert!(store < persist && persist < send);
    assert!(stand.payload_built(1, b"second").is_empty());
}

/// R2: one prepare vote in a view, after the mark is durable.
#[test]
fn r2_one_prepare_vote_per_view() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let actions = stand.accept("a");
    let persist = position(
        &actions,
        |action| matches!(action, Action::PersistSafety(state) if state.prepared == View::new(1)),
    );
    let vote =
        position(&actions, |action| matches!(action, Action::Broadcast(Message::PrepareVote(_))));
    assert!(persist < vote);
    stand.block("b", 1, 1, "genesis");
    assert!(stand.accept("b").iter().all(|action| !matches!(action, Action::Broadcast(_))));
}

/// R3: a QC gives a commit vote that carries it, unless a view at or above was timed out.
#[test]
fn r3_commit_votes_above_the_timeouts() {
    for timed_out in [false, true] {
        let mut stand = Stand::new(&[1; 4], 0);
        stand.block("a", 1, 1, "genesis");
        stand.accept("a");
        if timed_out {
            stand.step(Event::PendingWork(true));
            stand.tick_ms(1000);
        }
        let qc = Certificate::Quorum(stand.qc("a"));
        let actions = certificate(&mut stand, qc);
        let commits =
            |m: &&&Message| matches!(m, Message::CommitVote { qc, .. } if qc.view == View::new(1));
        assert_eq!(messages(&actions).iter().filter(commits).count(), usize::from(!timed_out));
    }
}

/// R4: a CC makes its block and all ancestors final, oldest first.
#[test]
fn r4_a_commit_certificate_covers_the_ancestors() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.accept("a");
    stand.block("b", 2, 2, "a");
    stand.accept("b");
    let cc = Certificate::Commit(stand.cc("b"));
    let actions = certificate(&mut stand, cc);
    let at = position(&actions, |action| matches!(action, Action::Commit { .. }));
    let Action::Commit { blocks, .. } = &actions[at] else { unreachable!() };
    let names: Vec<String> = blocks.iter().map(|block| stand.name(&block.hash())).collect();
    assert_eq!(names, ["a", "b"]);
}

/// R5: a timeout signs the view of the highest QC, carries it whole, and is repeated unchanged.
#[test]
fn r5_a_timeout_carries_the_highest_qc() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.accept("a");
    stand.step(Event::PendingWork(true));
    let (qc, tc) = (Certificate::Quorum(stand.qc("a")), Certificate::Timeout(stand.tc(4, "a")));
    certificate(&mut stand, qc);
    certificate(&mut stand, tc);
    let timeouts = |actions: &[Action]| -> Vec<Message> {
        messages(actions)
            .into_iter()
            .filter(|m| matches!(m, Message::Timeout(_)))
            .cloned()
            .collect()
    };
    let first = timeouts(&stand.tick_ms(60_000));
    let [Message::Timeout(timeout)] = &first[..] else { panic!("{first:?}") };
    assert_eq!((timeout.view, timeout.high_qc.clone()), (View::new(5), stand.qc("a")));
    assert_eq!(timeout.entry, Some(Certificate::Timeout(stand.tc(4, "a"))));
    assert_eq!(timeouts(&stand.tick_ms(500)), first);
}

/// R6: f + 1 timeouts are joined; q make a TC whose QC is the maximum.
#[test]
fn r6_timeouts_amplify() {
    let mut stand = Stand::new(&[1; 7], 0);
    stand.step(Event::Started);
    let mut joined_after = None;
    for signer in 1..=4 {
        let timeout = stand.timeout(signer, 1, "genesis", None);
        let actions = stand.hear(Message::Timeout(Box::new(timeout)));
        if messages(&actions).iter().any(|m| matches!(m, Message::Timeout(_))) {
            joined_after = Some(signer);
        }
    }
    assert_eq!(joined_after, Some(3), "f is 2");
    assert_eq!(stand.replica.status().view, View::new(2), "q is 5, the own one among them");
}

/// R7: the deadline of a view comes without any message, and only with work pending at once.
#[test]
fn r7_views_have_deadlines() {
    let mut stand = Stand::new(&[1; 4], 0);
    assert_eq!(stand.replica.next_deadline(), None, "not started");
    stand.step(Event::Started);
    let ms = |stand: &Stand| stand.replica.next_deadline().unwrap().as_millis();
    assert_eq!(ms(&stand), 6000);
    stand.step(Event::PendingWork(true));
    assert_eq!(ms(&stand), 1000);
}

/// R8: a second message in a slot is evidence that proves itself, and is kept.
#[test]
fn r8_equivocation_is_kept() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 1, 1, "genesis");
    stand.hear(Message::PrepareVote(stand.prepare(2, "a")));
    stand.hear(Message::PrepareVote(stand.prepare(2, "b")));
    let kept: Vec<Equivocation> = stand.replica.evidence().cloned().collect();
    let [evidence] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(evidence.verify(&stand.ctx, &KeyedHashVerifier), Ok(()));
    // Evidence that says one thing twice, or against somebody else, proves nothing.
    let first = stand.prepare(2, "a");
    let same = Equivocation::PrepareVote { first: first.clone(), second: first.clone() };
    assert!(same.verify(&stand.ctx, &KeyedHashVerifier).is_err());
    let second = stand.prepare(3, "b");
    let other = Equivocation::PrepareVote { first, second };
    assert!(other.verify(&stand.ctx, &KeyedHashVerifier).is_err());
}

/// R9: everything names its epoch, and a change of the validator set is refused.
#[test]
fn r9_epochs_are_named_and_changes_refused() {
    let mut stand = Stand::new(&[1; 4], 0);
    let header = stand.block("a", 1, 1, "genesis").header;
    let set = Digest::new([1; 32]);
    let mut next = header.clone();
    next.next_set = Some(set);
    stand.define("next", next, b"a".to_vec());
    let proposal = Message::Proposal(Box::new(stand.proposal("next", None)));
    assert_eq!(stand.deliver(proposal), Err(Rejection::NextSet { set }));
    let wrong = |got| Rejection::WrongEpoch { got, expected: Epoch::ZERO };
    let epoch = Epoch::new(1);
    stand.define("later", BlockHeader { epoch, ..header }, b"a".to_vec());
    let proposal = Message::Proposal(Box::new(stand.proposal("later", None)));
    assert_eq!(stand.deliver(proposal), Err(wrong(epoch)));
    let mut vote = stand.prepare(1, "a");
    vote.epoch = epoch;
    assert_eq!(stand.deliver(Message::PrepareVote(vote)), Err(wrong(epoch)));
    let mut qc = stand.qc("a");
    qc.epoch = epoch;
    let message = Message::Certificate(Box::new(Certificate::Quorum(qc)));
    assert_eq!(stand.deliver(message), Err(wrong(epoch)));
}

/// R10: without its safety state a validator asks, and signs nothing; it answers nobody.
#[test]
fn r10_amnesia_signs_nothing() {
    let mut stand = Stand::amnesiac(&[1; 4], 1);
    let actions = stand.step(Event::Started);
    let [Message::StatementRequest(request)] = messages(&actions)[..] else {
        panic!("{actions:?}")
    };
    assert_eq!((request.nonce, request.signer), (stand.nonce, v(1)));
    stand.step(Event::PendingWork(true));
    stand.block("a", 2, 2, "genesis");
    let mut said =
        stand.hear(Message::Proposal(Box::new(stand.proposal("a", Some(stand.tc(1, "genesis"))))));
    let block = stand.header("a").hash();
    said.extend(stand.step(Event::PayloadChecked { block, verdict: Ok(()) }));
    said.extend(stand.tick_ms(100_000));
    let ask = StatementRequest { nonce: [9; 32], signer: v(2) };
    said.extend(stand.hear(Message::StatementRequest(ask)));
    for message in messages(&said) {
        assert!(
            matches!(message, Message::StatementRequest(_) | Message::Certificate(_)),
            "signed {message:?}"
        );
    }
    assert!(said.iter().all(|action| !matches!(action, Action::PersistSafety(_))));
}
