//! One test for the heart of each rule; boundaries are in the unit tests, whole stories in `scripts/`.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use logothete_consensus::known::Known;
use logothete_consensus::signing::commit_message;
use logothete_consensus::{
    Action, Block, BlockHeader, Certificate, CommitCert, CommitVote, Equivocation, Event, Kind,
    Message, Offence, QuorumCert, Rejection, Said, SignedHeader, SignedTimeout, Slot,
    StatementRequest, verify,
};
use logothete_primitives::{
    BlockHash, Digest, Epoch, Height, Signature, Signer, ValidatorSet, View,
};
use support::keyed_hash::{KeyedHash, KeyedHashVerifier};
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

/// R0: of two certificates of one view the first stays, and none goes down.
#[test]
fn r0_only_higher_certificates_are_taken() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    let mut known = Known::new(stand.ctx.genesis_qc());
    let other_signers = |qc: QuorumCert| QuorumCert { signers: stand.set(&[1, 2, 3]), ..qc };
    assert!(known.raise_qc(&stand.qc("b")));
    assert!(!known.raise_qc(&other_signers(stand.qc("b"))));
    assert!(!known.raise_qc(&stand.qc("a")));
    assert_eq!(*known.high_qc(), stand.qc("b"));
    assert!(known.raise_tc(&stand.tc(4, "b")));
    assert!(!known.raise_tc(&stand.tc(4, "a")) && !known.raise_tc(&stand.tc(3, "b")));
    assert_eq!(known.high_tc(), Some(&stand.tc(4, "b")));
    assert!(known.raise_cc(&stand.cc("b")));
    let other = CommitCert { signers: stand.set(&[1, 2, 3]), ..stand.cc("b") };
    assert!(!known.raise_cc(&other) && !known.raise_cc(&stand.cc("a")));
    assert_eq!(known.high_cc(), Some(&stand.cc("b")));
    assert_eq!(known.view(), View::new(5));
}

/// R0: whichever certificate led into the view, a restart comes back to it once something was signed.
#[test]
fn r0_a_restart_comes_back_to_the_view() {
    for kind in ["quorum", "commit", "timeout"] {
        let mut stand = Stand::new(&[1; 4], 0);
        stand.block("a", 1, 1, "genesis");
        stand.block("b", 2, 7, "a");
        let entry = match kind {
            "quorum" => Certificate::Quorum(stand.qc("b")),
            "commit" => Certificate::Commit(stand.cc("b")),
            _ => Certificate::Timeout(stand.tc(7, "a")),
        };
        certificate(&mut stand, entry.clone());
        stand.step(Event::PendingWork(true));
        let given_up = stand.tick_ms(60_000);
        assert!(messages(&given_up).iter().any(|m| matches!(m, Message::Timeout(_))), "{kind}");
        stand.restart(false);
        stand.step(Event::Started);
        assert_eq!(stand.replica.status().view, View::new(8), "{kind}");
        let ask = StatementRequest { nonce: [9; 32], signer: v(2) };
        let actions = stand.hear(Message::StatementRequest(ask));
        let [Message::Statement(statement)] = messages(&actions)[..] else { panic!("{actions:?}") };
        assert_eq!((statement.view, &statement.entry), (View::new(8), &Some(entry)));
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

/// R1: a proposal stands where its certificate says. A block that was fetched does so too.
#[test]
fn r1_a_block_stands_on_the_certified_one() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    let (good, qc) = stand.blocks["b"].clone();
    let (one, two) = (Height::new(1), Height::new(2));
    let changed = |change: fn(&mut BlockHeader)| {
        let mut block = good.clone();
        change(&mut block.header);
        block
    };
    for (block, refusal) in [
        (changed(|header| header.parent = BlockHash::ZERO), Rejection::ParentMismatch),
        (changed(|header| header.parent_view = View::ZERO), Rejection::ParentMismatch),
        (
            changed(|header| header.height = Height::new(1)),
            Rejection::WrongHeight { got: one, expected: two },
        ),
    ] {
        stand.blocks.insert("changed".to_owned(), (block.clone(), qc.clone()));
        let proposal = stand.proposal("changed", None);
        let verdict = stand.deliver(Message::Proposal(Box::new(proposal)));
        assert_eq!(verdict, Err(refusal.clone()));
        let mut waiting = Stand::new(&[1; 4], 0);
        let wanted = QuorumCert { block: block.hash(), ..stand.qc("changed") };
        waiting.hear(Message::Certificate(Box::new(Certificate::Quorum(wanted))));
        let actions = waiting.fetched(block, qc.clone());
        let rejected = |action: &Action| matches!(action, Action::Rejected { rejection, .. } if *rejection == refusal);
        assert!(actions.iter().any(rejected), "{actions:?}");
    }
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

/// R4: what sync brings may begin with what is final here.
#[test]
fn r4_blocks_from_sync_may_overlap_the_final_ones() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    let committed = |actions: &[Action], stand: &Stand| -> Vec<String> {
        assert!(!actions.iter().any(|action| matches!(action, Action::Rejected { .. })));
        let commits = actions.iter().filter_map(|action| match action {
            Action::Commit { blocks, .. } => Some(blocks),
            _ => None,
        });
        commits.flatten().map(|block| stand.name(&block.hash())).collect()
    };
    let actions = stand.synced(&["a"], stand.cc("a"));
    assert_eq!(committed(&actions, &stand), ["a"]);
    let actions = stand.synced(&["a", "b"], stand.cc("b"));
    assert_eq!(committed(&actions, &stand), ["b"]);
    let actions = stand.synced(&["a", "b"], stand.cc("b"));
    assert_eq!(committed(&actions, &stand), [""; 0]);
}

/// R4: of what sync brings each block must follow the one before in all its fields, with its own
/// body, and the last must be the one that is certified.
#[test]
fn r4_blocks_from_sync_must_join() {
    type Change = fn(&mut Block);
    let change_of: [(&str, Change); 8] = [
        ("nothing", |_| ()),
        ("parent", |b| b.header.parent = BlockHash::ZERO),
        ("height", |b| b.header.height = b.header.height.next()),
        ("parent's view", |b| b.header.parent_view = View::ZERO),
        ("view of the parent", |b| b.header.view = View::new(1)),
        ("view below", |b| b.header.view = View::ZERO),
        ("epoch", |b| b.header.epoch = Epoch::new(1)),
        ("body", |b| b.payload = b"other".to_vec().try_into().unwrap()),
    ];
    for (field, change) in change_of {
        let mut stand = Stand::new(&[1; 4], 0);
        stand.block("a", 1, 1, "genesis");
        let mut block = stand.block("b", 2, 2, "a");
        change(&mut block);
        // The certificate is of the block as it is, but for views that no CC can have.
        let qc = stand.ctx.genesis_qc();
        stand.blocks.insert("changed".to_owned(), (block, qc));
        let cc = if field == "view below" { stand.cc("b") } else { stand.cc("changed") };
        let actions = stand.synced(&["a", "changed"], cc);
        let joined = actions.iter().any(|action| matches!(action, Action::Commit { .. }));
        assert_eq!(joined, field == "nothing", "{field}");
    }
}

/// R4: the last block from sync has the hash and the view of the certificate.
#[test]
fn r4_blocks_from_sync_end_at_the_certified_one() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    stand.block("rival", 3, 2, "a");
    // Of more than f liars: the block of one view, certified in another.
    let (epoch, view, block) = (Epoch::ZERO, View::new(3), stand.header("b").hash());
    let bytes = commit_message(&stand.ctx.chain, epoch, view, &block);
    let signatures: Vec<Signature> = (0..3).map(|who| KeyedHash::new(who).sign(&bytes)).collect();
    let signers = stand.set(&[0, 1, 2]);
    let moved =
        CommitCert { epoch, view, block, signers, signatures: signatures.try_into().unwrap() };
    for (names, cc) in [
        (["a"].as_slice(), stand.cc("b")),
        (&["a", "b"], stand.cc("rival")),
        (&["a", "b"], stand.cc("a")),
        (&["a", "b"], moved),
    ] {
        let actions = stand.synced(names, cc);
        let committed = actions.iter().any(|action| matches!(action, Action::Commit { .. }));
        assert!(!committed, "{names:?}");
    }
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

/// R8: two statements of one author in one slot are evidence, whatever their kind; nothing else is.
///
/// ```text
/// g <- a(1), b(1), later(2), other(1, of another author)
/// ```
#[test]
fn r8_evidence_needs_one_slot_and_two_statements() {
    let mut stand = Stand::new(&[1; 4], 0);
    for (name, author, view) in [("a", 1, 1), ("b", 1, 1), ("later", 1, 2), ("other", 2, 1)] {
        stand.block(name, author, view, "genesis");
    }
    let offer = |name: &str| {
        let proposal = stand.proposal(name, None);
        SignedHeader { header: proposal.block.header, signature: proposal.signature }
    };
    let give_up = |signer, view, qc: &str| {
        let timeout = stand.timeout(signer, view, qc, None);
        let (view, qc_view) = (timeout.view, timeout.high_qc.view);
        SignedTimeout { view, qc_view, signer: timeout.signer, signature: timeout.signature }
    };
    let proposals =
        |first, second| Equivocation::Proposal { first: offer(first), second: offer(second) };
    let prepares = |signer, block| Equivocation::PrepareVote {
        first: stand.prepare(1, "a"),
        second: stand.prepare(signer, block),
    };
    let commits = |signer, block| Equivocation::CommitVote {
        first: stand.commit(1, "a"),
        second: stand.commit(signer, block),
    };
    let timeouts = |signer, view, qc| Equivocation::Timeout {
        first: give_up(1, 3, "genesis"),
        second: give_up(signer, view, qc),
    };
    let verdict = |evidence: &Equivocation| evidence.verify(&stand.ctx, &KeyedHashVerifier);

    for (evidence, kind, view) in [
        (proposals("a", "b"), Kind::Proposal, 1),
        (prepares(1, "b"), Kind::PrepareVote, 1),
        (commits(1, "b"), Kind::CommitVote, 1),
        (timeouts(1, 3, "a"), Kind::Timeout, 3),
    ] {
        assert_eq!(verdict(&evidence), Ok(()), "{evidence:?}");
        let named = (evidence.kind(), evidence.signer(), evidence.view());
        assert_eq!(named, (kind, v(1), View::new(view)));
    }
    for nothing in [
        proposals("a", "a"),
        proposals("a", "later"),
        proposals("a", "other"),
        prepares(1, "a"),
        prepares(1, "later"),
        prepares(2, "b"),
        commits(1, "a"),
        commits(1, "later"),
        commits(2, "b"),
        timeouts(1, 3, "genesis"),
        timeouts(1, 4, "a"),
        timeouts(2, 3, "a"),
    ] {
        assert_eq!(verdict(&nothing), Err(Rejection::VoteMismatch), "{nothing:?}");
    }
    for stranger in [9, 200] {
        let (first, second) = (stand.commit(stranger, "a"), stand.commit(stranger, "b"));
        let unknown = Err(Rejection::UnknownSigner { index: v(stranger) });
        assert_eq!(verdict(&Equivocation::CommitVote { first, second }), unknown);
    }
    // Said by its author, but not so.
    let first = stand.commit(1, "a");
    let second = CommitVote { signature: first.signature, ..stand.commit(1, "b") };
    let forged = Equivocation::CommitVote { first, second };
    assert_eq!(verdict(&forged), Err(Rejection::BadSignature));
    let (got, expected) = (Epoch::new(1), Epoch::ZERO);
    let second = CommitVote { epoch: got, ..stand.commit(1, "b") };
    let later = Equivocation::CommitVote { first: stand.commit(1, "a"), second };
    assert_eq!(verdict(&later), Err(Rejection::WrongEpoch { got, expected }));
}

/// R8: what is said in which slot; certificates, questions and answers have none.
#[test]
fn r8_what_is_signed_for_a_view_has_a_slot() {
    let mut stand = Stand::new(&[1; 4], 0);
    let block = stand.block("a", 1, 3, "genesis").hash();
    let statement = stand.statement([0; 32], 2, 4, Some(Certificate::Quorum(stand.qc("a"))));
    let request = StatementRequest { nonce: [0; 32], signer: v(2) };
    let said = Said::Block(block);
    //           a message, its author, the view it speaks of, its slot
    let table = [
        (
            Message::Proposal(Box::new(stand.proposal("a", None))),
            Some(1),
            Some(3),
            Some((Kind::Proposal, said)),
        ),
        (
            Message::PrepareVote(stand.prepare(2, "a")),
            Some(2),
            Some(3),
            Some((Kind::PrepareVote, said)),
        ),
        (stand.commit_message(3, "a"), Some(3), Some(3), Some((Kind::CommitVote, said))),
        (
            Message::Timeout(Box::new(stand.timeout(2, 5, "a", None))),
            Some(2),
            Some(5),
            Some((Kind::Timeout, Said::HighQc(View::new(3)))),
        ),
        (
            Message::Certificate(Box::new(Certificate::Timeout(stand.tc(7, "a")))),
            None,
            Some(7),
            None,
        ),
        (Message::StatementRequest(request), Some(2), None, None),
        (Message::Statement(Box::new(statement)), Some(2), Some(4), None),
    ];
    for (message, author, view, slot) in table {
        assert_eq!(message.author(), author.map(v), "{message:?}");
        assert_eq!(message.view(), view.map(View::new), "{message:?}");
        let expected = slot.map(|(kind, said)| {
            let (signer, view) = (v(author.unwrap()), View::new(view.unwrap()));
            (Slot { signer, kind, view }, said)
        });
        assert_eq!(message.slot(), expected, "{message:?}");
    }
}

/// R8: messages of the view just over come late as a matter of course; older ones are named.
#[test]
fn r8_messages_are_stale_from_two_views_on() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    stand.block("b", 2, 2, "a");
    let late = Message::PrepareVote(stand.prepare(2, "a"));
    let rejections = |actions: Vec<Action>| -> Vec<Rejection> {
        let rejection = |action| match action {
            Action::Rejected { rejection, .. } => Some(rejection),
            _ => None,
        };
        actions.into_iter().filter_map(rejection).collect()
    };
    let qc = Certificate::Quorum(stand.qc("a"));
    certificate(&mut stand, qc);
    assert_eq!(rejections(stand.hear(late.clone())), []);
    let qc = Certificate::Quorum(stand.qc("b"));
    certificate(&mut stand, qc);
    let stale = Rejection::Stale { view: View::new(1), current: View::new(3) };
    assert_eq!(rejections(stand.hear(late)), [stale]);
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

/// R9: validators of a later epoch say so, and believe nothing of another.
#[test]
fn r9_a_later_epoch_is_its_own() {
    let mut stand = Stand::new(&[1; 4], 0);
    stand.block("a", 1, 1, "genesis");
    let earlier = stand.prepare(1, "a");
    let members = stand.ctx.validators.iter().map(|(_, validator)| validator.clone()).collect();
    let epoch = Epoch::new(5);
    stand.ctx.validators = Arc::new(ValidatorSet::new(epoch, members).unwrap());
    stand.block("b", 1, 1, "genesis");
    assert_eq!((stand.ctx.epoch(), stand.ctx.genesis_qc().epoch), (epoch, epoch));
    let verdict = |message| verify(&stand.ctx, &KeyedHashVerifier, message).map(|_| ());
    let proposal = stand.proposal("b", None);
    assert_eq!((proposal.block.header.epoch, proposal.qc.epoch), (epoch, epoch));
    assert_eq!(verdict(Message::Proposal(Box::new(proposal))), Ok(()));
    let refused = Err(Rejection::WrongEpoch { got: Epoch::ZERO, expected: epoch });
    assert_eq!(verdict(Message::PrepareVote(earlier)), refused);
    let (first, second) = (stand.commit(1, "a"), stand.commit(1, "b"));
    let offence = Equivocation::CommitVote { first, second }.offence(epoch);
    assert_eq!(offence, Offence { epoch, signer: v(1), kind: Kind::CommitVote });
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
