//! Each invariant is broken by hand, and the replica stops with its name.

#![allow(clippy::unwrap_used)]

use alloc::sync::Arc;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use logothete_primitives::{
    BlockHash, ChainId, Digest, Epoch, Height, ReceiptsRoot, SecretKey, Signature, SignerSet,
    StateRoot, TimestampMs, Validator, ValidatorIndex, ValidatorSet, View,
};

use super::Watch;
use crate::block::{Block, BlockHeader, Executed};
use crate::block_tree::PayloadCheck;
use crate::certificate::{Certificate, QuorumCert, Signatures, TimeoutCert};
use crate::config::{Config, Recovered};
use crate::context::Context;
use crate::event::{Event, Now};
use crate::handlers::{COMMIT_VIEWS, VIEWS_AHEAD};
use crate::message::{CommitVote, PrepareVote, Timeout};
use crate::outbox::Outbox;
use crate::replica::Replica;
use crate::safety_rules::SafetyRules;
use crate::safety_state::{ProposalMark, SafetyState};

const NOW: Now = Now { mono: Duration::ZERO, unix_ms: 0 };
const SIZE: u16 = 4;
const SIGNATURE: Signature = Signature::from_bytes([0; 64]);

fn key(index: u16) -> SecretKey {
    SecretKey::from_seed([u8::try_from(index).unwrap() + 1; 32])
}

fn genesis() -> BlockHeader {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    BlockHeader::genesis(ChainId::new(Digest::ZERO), TimestampMs::ZERO, executed)
}

/// A validator of four that has entered view 1.
fn replica(state: Option<SafetyState>) -> Replica {
    let validators = (0..SIZE).map(|index| Validator {
        key: key(index).public(),
        power: 1,
        name: "v".try_into().unwrap(),
    });
    let context = Context {
        chain: ChainId::new(Digest::ZERO),
        validators: Arc::new(ValidatorSet::new(Epoch::ZERO, validators.collect()).unwrap()),
        genesis: genesis().hash(),
    };
    let recovered = Recovered::genesis(genesis(), state, [1; 32]);
    let mut replica = Replica::new(Config::default(), context, Some(Box::new(key(0))), recovered);
    replica.step(NOW, Event::Started);
    replica
}

fn fresh() -> Replica {
    replica(Some(SafetyState::fresh(Epoch::ZERO)))
}

/// One that claims to have signed all this.
fn signed(change: impl FnOnce(&mut SafetyState)) -> Replica {
    let mut replica = fresh();
    let mut state = SafetyState::fresh(Epoch::ZERO);
    change(&mut state);
    let (chain, own) = (replica.ctx.chain, ValidatorIndex::new(0));
    let rules = SafetyRules::new(chain, Epoch::ZERO, own, Box::new(key(0)), Some(state));
    replica.safety = Some(rules);
    replica
}

fn header(view: u64, height: u64) -> BlockHeader {
    BlockHeader { view: View::new(view), height: Height::new(height), ..genesis() }
}

fn qc(header: &BlockHeader) -> QuorumCert {
    QuorumCert {
        epoch: Epoch::ZERO,
        view: header.view,
        block: header.hash(),
        height: header.height,
        parent_view: header.parent_view,
        signers: SignerSet::new(SIZE.into()),
        signatures: Signatures::default(),
    }
}

/// After certificates by which the view was entered.
fn entered(mut replica: Replica, quorum: Option<&BlockHeader>, timed_out: u64) -> Replica {
    if let Some(header) = quorum {
        replica.learn(&Certificate::Quorum(qc(header)));
    }
    let timeouts = Vec::new().try_into().unwrap();
    let (view, high_qc) = (View::new(timed_out), qc(&genesis()));
    replica.learn(&Certificate::Timeout(TimeoutCert {
        epoch: Epoch::ZERO,
        view,
        timeouts,
        high_qc,
    }));
    replica.try_enter_view(NOW, &mut Outbox::default());
    replica
}

/// With a final block.
fn rooted(root: &BlockHeader, high_qc: &BlockHeader) -> Replica {
    let mut replica = fresh();
    replica.tree.advance(root.clone());
    entered(replica, Some(high_qc), 9)
}

/// With a block that claims to be elsewhere than its QC says.
fn misplaced(view: u64, height: u64) -> Replica {
    let root = header(1, 1);
    let mut replica = rooted(&root, &root);
    // Below the block that becomes final, so that it is taken.
    replica.tree.advance(genesis());
    let block = Block { header: header(view, height), payload: Vec::new().try_into().unwrap() };
    replica.tree.insert(Arc::new(block), qc(&root), PayloadCheck::Good);
    replica.tree.advance(root);
    replica
}

fn prepare_vote(view: u64) -> PrepareVote {
    PrepareVote {
        epoch: Epoch::ZERO,
        view: View::new(view),
        block: BlockHash::ZERO,
        height: Height::ZERO,
        parent_view: View::ZERO,
        signer: ValidatorIndex::new(0),
        signature: SIGNATURE,
    }
}

fn commit_vote(view: u64) -> CommitVote {
    CommitVote {
        epoch: Epoch::ZERO,
        view: View::new(view),
        block: BlockHash::ZERO,
        signer: ValidatorIndex::new(0),
        signature: SIGNATURE,
    }
}

fn timeout(view: u64, signer: u16) -> Timeout {
    Timeout {
        epoch: Epoch::ZERO,
        view: View::new(view),
        high_qc: qc(&genesis()),
        entry: None,
        signer: ValidatorIndex::new(signer),
        signature: SIGNATURE,
    }
}

/// With so much kept of what peers send: views of prepare and commit votes, authors of timeouts,
/// peers answered, peers without memory.
fn filled(prepare: u64, commit: u64, timeouts: u16, answered: u16, amnesiacs: u16) -> Replica {
    let mut replica = fresh();
    (1..=prepare).for_each(|view| _ = replica.prepare_votes.insert(prepare_vote(view)));
    (1..=commit).for_each(|view| _ = replica.commit_votes.insert(commit_vote(view)));
    (0..timeouts).for_each(|signer| _ = replica.timeouts.insert(&timeout(1, signer)));
    let peers = |count: u16| (0..count).map(ValidatorIndex::new);
    replica.answered = peers(answered).map(|peer| (peer, (View::ZERO, Duration::ZERO))).collect();
    replica.amnesiacs = peers(amnesiacs).map(|peer| (peer, Duration::ZERO)).collect();
    replica
}

/// The message of the assertion that stops the replica.
fn broken(watch: &mut Watch, replica: &Replica) -> Option<String> {
    let result = catch_unwind(AssertUnwindSafe(|| watch.assert_invariants(replica)));
    let message = |panic: Box<dyn std::any::Any + Send>| {
        panic.downcast_ref::<&str>().expect("a fixed message").to_string()
    };
    result.err().map(message)
}

#[track_caller]
fn assert_stops(replica: &Replica, expected: &str) {
    let message = broken(&mut Watch::default(), replica).expect(expected);
    assert!(message.contains(expected), "{message}");
}

#[track_caller]
fn assert_goes_on(replica: &Replica) {
    let mut watch = Watch::default();
    assert_eq!(broken(&mut watch, replica), None);
    assert_eq!(broken(&mut watch, replica), None, "nothing changed");
}

#[test]
fn nothing_goes_back() {
    let block = header(3, 1);
    let prepared = |view| signed(|state| state.prepared = View::new(view));
    let pairs = [
        (entered(fresh(), None, 5), entered(fresh(), None, 4), "the current view never goes back"),
        (
            entered(fresh(), Some(&block), 5),
            entered(fresh(), None, 5),
            "the highest QC never goes back",
        ),
        (rooted(&block, &block), rooted(&genesis(), &block), "a final block stays final"),
        (prepared(1), prepared(0), "the marks of a validator never go down"),
        (prepared(1), replica(None), "the marks of a validator never go down"),
    ];
    for (ahead, behind, expected) in pairs {
        assert_goes_on(&ahead);
        assert_goes_on(&behind);
        let mut watch = Watch::default();
        assert_eq!(broken(&mut watch, &behind), None);
        assert_eq!(broken(&mut watch, &ahead), None, "that is progress");
        assert_eq!(broken(&mut watch, &behind).as_deref(), Some(expected));
    }
}

/// R0.
#[test]
fn certificates_say_which_view_is_current() {
    let mut late = fresh();
    late.learn(&Certificate::Quorum(qc(&header(3, 1))));
    assert_stops(&late, "R0: the current view is entered");
    let last = entered(fresh(), Some(&header(u64::MAX, 1)), 1);
    assert_stops(&last, "R0: every QC is of a past view");
}

/// R1, R2, R3, R5.
#[test]
fn nothing_is_signed_ahead_of_its_view() {
    let view = View::new;
    assert_goes_on(&signed(|state| {
        (state.prepared, state.timed_out, state.proposed) = (view(1), view(1), view(1));
    }));
    assert_stops(&signed(|state| state.prepared = view(2)), "R2");
    assert_stops(&signed(|state| state.timed_out = view(2)), "R5");
    assert_stops(&signed(|state| state.committed = view(1)), "R3");
    assert_stops(&signed(|state| state.proposed = view(2)), "R1");
}

#[test]
fn the_messages_kept_are_those_of_the_marks() {
    let keep = |prepare: u64, timed_out: u64, commit: u64, propose: u64| {
        signed(|state| {
            let one = View::new(1);
            (state.prepared, state.timed_out, state.proposed) = (one, one, one);
            state.last_prepare = Some(prepare_vote(prepare));
            state.last_timeout = Some(timeout(timed_out, 0));
            state.last_commit = Some((commit_vote(commit), qc(&genesis())));
            let (view, block) = (View::new(propose), BlockHash::ZERO);
            state.last_proposal = Some(ProposalMark { view, block, signature: SIGNATURE });
        })
    };
    assert_goes_on(&keep(1, 1, 0, 1));
    for other in [keep(0, 1, 0, 1), keep(1, 0, 0, 1), keep(1, 1, 1, 1), keep(1, 1, 0, 0)] {
        assert_stops(&other, "the last message of each kind");
    }
}

/// ```text
/// g <- root(2) <- child(3)
///   <- rival
/// ```
#[test]
fn whatever_is_certified_extends_the_final_block() {
    let root = header(2, 1);
    let child = BlockHeader { parent: root.hash(), ..header(3, 2) };
    assert_goes_on(&rooted(&root, &root));
    assert_goes_on(&rooted(&root, &child));
    assert_goes_on(&rooted(&root, &header(1, 1)));
    assert_stops(&rooted(&root, &header(3, 1)), "a QC above the final block extends it");
    assert_stops(&rooted(&root, &header(2, 2)), "one QC per view");
}

#[test]
fn the_tree_holds_blocks_above_the_final_one() {
    assert_goes_on(&misplaced(2, 2));
    assert_stops(&misplaced(1, 2), "the tree holds blocks above the final one");
    assert_stops(&misplaced(2, 1), "the tree holds blocks above the final one");
}

/// R8.
#[test]
fn what_peers_fill_is_bounded() {
    let (prepare, commit) = (1 + VIEWS_AHEAD, 1 + COMMIT_VIEWS as u64);
    assert_goes_on(&filled(prepare, commit, SIZE, SIZE, SIZE));
    assert_stops(&filled(prepare + 1, 0, 0, 0, 0), "R8: prepare votes are bounded");
    assert_stops(&filled(0, commit + 1, 0, 0, 0), "R8: commit votes are bounded");
    assert_stops(&filled(0, 0, SIZE + 1, 0, 0), "R8: one timeout per validator");
    assert_stops(&filled(0, 0, 0, SIZE + 1, 0), "one per peer");
    assert_stops(&filled(0, 0, 0, 0, SIZE + 1), "one per peer");
}

/// R10: whoever has no memory learns, and nobody else does.
#[test]
fn only_the_forgetful_learn() {
    assert_goes_on(&replica(None));
    let mut idle = replica(None);
    let learner = idle.learner.take();
    assert_stops(&idle, "R10");
    let mut doubtful = fresh();
    doubtful.learner = learner;
    assert_stops(&doubtful, "R10");
    let mut follower = fresh();
    follower.safety = None;
    assert_goes_on(&follower);
}
