//! The bytes of everything that is signed, against the vectors in `docs/wire-consensus.md`.
//!
//! `LOGOTHETE_UPDATE=1 cargo test -p logothete-consensus --test wire -- --nocapture` prints them.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};
use logothete_consensus::{
    BlockHeader, CommitVote, Executed, Message, PrepareVote, QuorumCert, StatementRequest,
    payload_hash,
};
use logothete_primitives::codec::encode;
use logothete_primitives::{
    BlockHash, ChainId, Digest, Epoch, Height, ReceiptsRoot, SecretKey, SignerSet, StateRoot,
    TimestampMs, ValidatorIndex, View,
};

const PAGE: &str = include_str!("../../docs/wire-consensus.md");

fn chain() -> ChainId {
    ChainId::new(Digest::new([7; 32]))
}

fn header() -> BlockHeader {
    BlockHeader {
        epoch: Epoch::new(1),
        view: View::new(9),
        height: Height::new(5),
        parent: BlockHash::new(Digest::new([0x11; 32])),
        parent_view: View::new(7),
        timestamp: TimestampMs::new(1_700_000_000_123),
        proposer: ValidatorIndex::new(2),
        payload: payload_hash(b"payload"),
        executed: Executed {
            height: Height::new(3),
            state_root: StateRoot::new(Digest::new([0x22; 32])),
            receipts_root: ReceiptsRoot::new(Digest::new([0x33; 32])),
        },
        next_set: None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn vectors() -> Vec<(&'static str, Vec<u8>)> {
    let (key, chain, header) = (SecretKey::from_seed([1; 32]), chain(), header());
    let (epoch, view, block) = (header.epoch, header.view, header.hash());
    let body =
        PrepareBody { epoch, view, block, height: header.height, parent_view: header.parent_view };
    let prepare = body.message(&chain);
    let commit = commit_message(&chain, epoch, view, &block);
    let timeout = timeout_message(&chain, epoch, view, View::new(7));
    let statement = statement_message(&chain, epoch, &[0x44; 32], view);
    let signer = ValidatorIndex::new(0);
    let vote = PrepareVote {
        epoch,
        view,
        block,
        height: header.height,
        parent_view: header.parent_view,
        signer,
        signature: key.sign(&prepare),
    };
    let mut signers = SignerSet::new(4);
    signers.insert(signer);
    let qc = QuorumCert {
        epoch,
        view,
        block,
        height: header.height,
        parent_view: header.parent_view,
        signers,
        signatures: vec![vote.signature].try_into().unwrap(),
    };
    let commit_vote = CommitVote { epoch, view, block, signer, signature: key.sign(&commit) };
    let request = StatementRequest { nonce: [0x44; 32], signer };
    vec![
        ("header", encode(&header)),
        ("block hash", block.digest().as_bytes().to_vec()),
        ("proposal: message", proposal_message(&chain, epoch, view, &block)),
        ("prepare: message", prepare.clone()),
        ("prepare: signature", key.sign(&prepare).as_bytes().to_vec()),
        ("commit: message", commit.clone()),
        ("commit: signature", key.sign(&commit).as_bytes().to_vec()),
        ("timeout: message", timeout.clone()),
        ("timeout: signature", key.sign(&timeout).as_bytes().to_vec()),
        ("statement: message", statement.clone()),
        ("statement: signature", key.sign(&statement).as_bytes().to_vec()),
        ("message: prepare vote", encode(&Message::PrepareVote(vote))),
        ("message: commit vote", encode(&Message::CommitVote { vote: commit_vote, qc })),
        ("message: statement request", encode(&Message::StatementRequest(request))),
    ]
}

#[test]
fn the_page_has_these_bytes() {
    let mut missing = Vec::new();
    for (name, bytes) in vectors() {
        let line = format!("{name:<27} {}", hex(&bytes));
        if !PAGE.lines().any(|written| written == line) {
            missing.push(line);
        }
    }
    assert!(missing.is_empty(), "docs/wire-consensus.md lacks\n{}", missing.join("\n"));
}

#[test]
fn genesis_headers_differ_from_chain_to_chain() {
    let executed = header().executed;
    let genesis = |byte| {
        let chain = ChainId::new(Digest::new([byte; 32]));
        BlockHeader::genesis(chain, TimestampMs::new(1), executed).hash()
    };
    assert_ne!(genesis(1), genesis(2));
}
