//! One chain of one block, and everything that is said about it.

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};
use logothete_consensus::{
    Block, BlockHeader, Certificate, CommitCert, CommitVote, Equivocation, Executed, Marks,
    Message, PrepareVote, Proposal, QuorumCert, SafetyState, Signatures, SignedHeader, Statement,
    StatementRequest, Timeout, TimeoutCert, TimeoutEntry, payload_hash,
};
use logothete_fuzz::{CONTEXT, chain, secret};
use logothete_primitives::codec::encode;
use logothete_primitives::{
    BlockHash, Epoch, Height, ReceiptsRoot, Signature, SignerSet, StateRoot, TimestampMs,
    ValidatorIndex, View,
};

use crate::{seed, tagged, value};

const EPOCH: Epoch = Epoch::ZERO;
const FIRST: ValidatorIndex = ValidatorIndex::new(0);

/// The first three of four validators.
pub(crate) fn three() -> SignerSet {
    let mut signers = SignerSet::new(4);
    assert!((0..3).all(|index| signers.insert(ValidatorIndex::new(index))));
    signers
}

/// Signatures of the three.
fn signatures(message: &[u8]) -> Signatures {
    let signatures: Vec<Signature> = (0..3).map(|number| secret(number).sign(message)).collect();
    signatures.try_into().expect("three are few")
}

fn sign(message: &[u8]) -> Signature {
    secret(0).sign(message)
}

/// The block of height 1, proposed in view 1.
pub(crate) fn block(payload: &[u8]) -> Block {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let header = BlockHeader {
        epoch: EPOCH,
        view: View::new(1),
        height: Height::new(1),
        parent: CONTEXT.genesis,
        parent_view: View::ZERO,
        timestamp: TimestampMs::new(1),
        proposer: FIRST,
        payload: payload_hash(payload),
        executed,
        next_set: None,
    };
    Block { header, payload: payload.try_into().expect("short") }
}

fn body(block: &Block) -> PrepareBody {
    let header = &block.header;
    let (view, height, parent_view) = (header.view, header.height, header.parent_view);
    PrepareBody { epoch: EPOCH, view, block: block.hash(), height, parent_view }
}

fn quorum_cert(block: &Block) -> QuorumCert {
    let body = body(block);
    let signatures = signatures(&body.message(&chain()));
    let PrepareBody { epoch, view, block, height, parent_view } = body;
    QuorumCert { epoch, view, block, height, parent_view, signers: three(), signatures }
}

/// The certificate that makes the block final.
pub(crate) fn commit_cert(block: &Block) -> CommitCert {
    let (view, block) = (block.header.view, block.hash());
    let signatures = signatures(&commit_message(&chain(), EPOCH, view, &block));
    CommitCert { epoch: EPOCH, view, block, signers: three(), signatures }
}

fn timeout_cert(view: View, high_qc: &QuorumCert) -> TimeoutCert {
    let message = timeout_message(&chain(), EPOCH, view, high_qc.view);
    let entry = |number| TimeoutEntry {
        signer: ValidatorIndex::new(u16::from(number)),
        qc_view: high_qc.view,
        signature: secret(number).sign(&message),
    };
    let timeouts: Vec<TimeoutEntry> = (0..3).map(entry).collect();
    let timeouts = timeouts.try_into().expect("three are few");
    TimeoutCert { epoch: EPOCH, view, timeouts, high_qc: high_qc.clone() }
}

fn proposal(block: &Block) -> Proposal {
    let signature = sign(&proposal_message(&chain(), EPOCH, block.header.view, &block.hash()));
    Proposal { block: block.clone(), qc: CONTEXT.genesis_qc(), tc: None, signature }
}

fn prepare_vote(block: &Block) -> PrepareVote {
    let body = body(block);
    let signature = sign(&body.message(&chain()));
    let PrepareBody { epoch, view, block, height, parent_view } = body;
    PrepareVote { epoch, view, block, height, parent_view, signer: FIRST, signature }
}

fn commit_vote(view: View, block: BlockHash) -> CommitVote {
    let signature = sign(&commit_message(&chain(), EPOCH, view, &block));
    CommitVote { epoch: EPOCH, view, block, signer: FIRST, signature }
}

fn timeout(view: View, high_qc: &QuorumCert) -> Timeout {
    let signature = sign(&timeout_message(&chain(), EPOCH, view, high_qc.view));
    let high_qc = high_qc.clone();
    Timeout { epoch: EPOCH, view, high_qc, entry: None, signer: FIRST, signature }
}

fn statement(qc: &QuorumCert) -> Statement {
    let (nonce, view) = ([3; 32], qc.view.next());
    let signature = sign(&statement_message(&chain(), EPOCH, &nonce, view));
    let entry = Some(Certificate::Quorum(qc.clone()));
    Statement { nonce, view, entry, signer: FIRST, signature }
}

pub(crate) fn write() {
    let block = block(b"payload");
    let (qc, cc) = (quorum_cert(&block), commit_cert(&block));
    let tc = timeout_cert(View::new(2), &qc);
    let offer = proposal(&block);
    let late = Proposal { tc: Some(tc.clone()), qc: qc.clone(), ..offer.clone() };
    let vote = commit_vote(block.header.view, block.hash());
    let (request, answer) = (StatementRequest { nonce: [3; 32], signer: FIRST }, statement(&qc));
    let timeout = timeout(View::new(2), &qc);

    value("proposal", "first", &offer);
    value("proposal", "after-timeout", &late);
    value("timeout", "timeout", &timeout);
    tagged("votes", "prepare", &[0], &encode(&prepare_vote(&block)));
    tagged("votes", "commit", &[1], &encode(&(vote.clone(), qc.clone())));
    tagged("statement", "request", &[0], &encode(&request));
    tagged("statement", "statement", &[1], &encode(&answer));
    value("quorum_cert", "first", &qc);
    value("quorum_cert", "genesis", &CONTEXT.genesis_qc());
    value("timeout_cert", "first", &tc);
    value("commit_cert", "first", &cc);
    tagged("block", "block", &[0], &encode(&block));
    tagged("block", "header-and-qc", &[1], &encode(&(block.header.clone(), qc.clone())));
    let messages = [
        ("proposal", Message::Proposal(Box::new(offer))),
        ("prepare-vote", Message::PrepareVote(prepare_vote(&block))),
        ("commit-vote", Message::CommitVote { vote: vote.clone(), qc: qc.clone() }),
        ("timeout", Message::Timeout(Box::new(timeout))),
        ("certificate", Message::Certificate(Box::new(Certificate::Timeout(tc.clone())))),
        ("request", Message::StatementRequest(request)),
        ("statement", Message::Statement(Box::new(answer))),
    ];
    for (name, message) in messages {
        value("message", name, &message);
    }
    value("evidence", "proposals", &two_proposals());
    tagged("safety_state", "fresh", &[0], &encode(&SafetyState::fresh(EPOCH)));
    let signed = SafetyState {
        committed: block.header.view,
        last_commit: Some((vote, qc.clone())),
        high_qc: Some(qc),
        high_tc: Some(tc),
        high_cc: Some(cc),
        ..SafetyState::fresh(EPOCH)
    };
    tagged("safety_state", "signed", &[0], &encode(&signed));
    let none = View::ZERO;
    let marks = Marks {
        epoch: EPOCH,
        prepared: none,
        timed_out: none,
        committed: none,
        proposed: none,
        high_qc: none,
    };
    tagged("safety_state", "marks", &[1], &encode(&marks));
    schedules();
}

fn two_proposals() -> Equivocation {
    let signed = |payload: &[u8]| {
        let Proposal { block, signature, .. } = proposal(&block(payload));
        SignedHeader { header: block.header, signature }
    };
    Equivocation::Proposal { first: signed(b"one"), second: signed(b"other") }
}

/// Steps of `consensus_schedule`: three bits say what, five say whom or how much.
fn schedules() {
    const ALL: u8 = 1 << 5;
    const PASS_SECONDS: u8 = 3 << 5 | 11;
    let calm = [ALL; 16];
    let crash = |id: u8| 5 << 5 | id;
    let wipe = |id: u8| 5 << 5 | id | 12;
    seed("consensus_schedule", "calm", &[&[1], &calm[..]].concat());
    let idle: Vec<u8> = [ALL, PASS_SECONDS].repeat(16);
    seed("consensus_schedule", "silent-member", &[&[0], &idle[..]].concat());
    let crashes: Vec<u8> = (0..4).flat_map(|id| [ALL, ALL, crash(id), ALL, PASS_SECONDS]).collect();
    seed("consensus_schedule", "crashes", &[&[1], &crashes[..], &calm].concat());
    let wiped = [&[1], &calm[..8], &[wipe(2)], &idle, &idle].concat();
    seed("consensus_schedule", "amnesia", &wiped);
    let lies: Vec<u8> = (0..24)
        .flat_map(|choice| [ALL, 6 << 5 | choice % 6, choice, 7, PASS_SECONDS, ALL])
        .collect();
    seed("consensus_schedule", "lies", &[&[0], &lies[..]].concat());
    let halves: Vec<u8> = (0..16)
        .flat_map(|n| [7 << 5, if n % 2 == 0 { 3 } else { 12 }, PASS_SECONDS, ALL])
        .collect();
    seed("consensus_schedule", "halves", &[&[1], &halves[..]].concat());
}
