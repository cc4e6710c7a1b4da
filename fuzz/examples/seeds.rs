//! Writes the seeds that the targets begin with: valid values of every kind, the tag byte before.
//!
//! `cargo run --release --example seeds` from this directory, after a change of the wire format.

use std::fs;
use std::path::Path;

use logothete_consensus::signing::{
    PrepareBody, commit_message, proposal_message, statement_message, timeout_message,
};
use logothete_consensus::{
    Block, BlockHeader, Certificate, CommitCert, CommitVote, Executed, Message, PrepareVote,
    Proposal, QuorumCert, SafetyState, Signatures, Statement, StatementRequest, Timeout,
    TimeoutCert, TimeoutEntry, payload_hash,
};
use logothete_fuzz::{CONTEXT, chain, secret};
use logothete_ledger::account::Account;
use logothete_ledger::admission::{Candidate, admit};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::codec::{Encode, encode};
use logothete_primitives::{
    Address, Amount, BlockHash, Digest, Epoch, Height, Nonce, ReceiptsRoot, Signature, SignerSet,
    StateRoot, TimestampMs, ValidatorIndex, View, merkle,
};

struct Seeds<'a> {
    target: &'a str,
}

impl Seeds<'_> {
    fn write(&self, name: &str, kind: u8, bytes: &[u8]) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(self.target);
        fs::create_dir_all(&directory).expect("the directory can be made");
        let mut seed = vec![kind];
        seed.extend_from_slice(bytes);
        fs::write(directory.join(name), seed).expect("the seed can be written");
    }

    fn value<T: Encode>(&self, name: &str, kind: u8, value: &T) {
        self.write(name, kind, &encode(value));
    }
}

fn main() {
    primitives();
    consensus();
    ledger();
    let signatures = Seeds { target: "signatures" };
    signatures.write("mixed", 1, &(0..95).map(|byte| byte * 37 % 251).collect::<Vec<u8>>());
    let proofs = Seeds { target: "proofs" };
    proofs.write("list", 0, &[33, 5, 70, 1]);
    proofs.write("map", 1, &(0..96).map(|byte| byte * 29 % 251).collect::<Vec<u8>>());
}

fn primitives() {
    let seeds = Seeds { target: "primitives" };
    let leaves: Vec<Digest> = (0..5).map(|number| Digest::new([number; 32])).collect();
    seeds.value("signer-set", 0, &three());
    seeds.value("merkle-proof", 1, &merkle::prove(&leaves, 3));
    seeds.value("validator", 2, CONTEXT.validators.get(ValidatorIndex::new(0)).expect("a member"));
    seeds.write("amount", 11, b"1,000.25");
    seeds.write("address", 11, Address::from(secret(0).public()).to_string().as_bytes());
    seeds.write("key", 11, secret(0).public().to_string().as_bytes());
}

fn three() -> SignerSet {
    let mut signers = SignerSet::new(4);
    assert!((0..3).all(|index| signers.insert(ValidatorIndex::new(index))));
    signers
}

/// Signatures of the first three validators.
fn signatures(message: &[u8]) -> Signatures {
    let signatures: Vec<Signature> = (0..3).map(|number| secret(number).sign(message)).collect();
    signatures.try_into().expect("three are few")
}

fn consensus() {
    let seeds = Seeds { target: "consensus" };
    let (epoch, view, height) = (Epoch::ZERO, View::new(1), Height::new(1));
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let header = BlockHeader {
        epoch,
        view,
        height,
        parent: CONTEXT.genesis,
        parent_view: View::ZERO,
        timestamp: TimestampMs::new(1),
        proposer: ValidatorIndex::new(0),
        payload: payload_hash(b"payload"),
        executed,
        next_set: None,
    };
    let payload = b"payload".as_slice().try_into().expect("short");
    let block = Block { header: header.clone(), payload };
    let hash = header.hash();
    let body = PrepareBody { epoch, view, block: hash, height, parent_view: View::ZERO };
    let qc = QuorumCert {
        epoch,
        view,
        block: hash,
        height,
        parent_view: View::ZERO,
        signers: three(),
        signatures: signatures(&body.message(&chain())),
    };
    let cc = CommitCert {
        epoch,
        view,
        block: hash,
        signers: three(),
        signatures: signatures(&commit_message(&chain(), epoch, view, &hash)),
    };
    let tc = timeout_cert(epoch, View::new(2), &qc);
    let signer = ValidatorIndex::new(0);
    let sign = |message: &[u8]| secret(0).sign(message);
    let timeout = Timeout {
        epoch,
        view: View::new(2),
        high_qc: qc.clone(),
        entry: None,
        signer,
        signature: sign(&timeout_message(&chain(), epoch, View::new(2), view)),
    };
    let nonce = [3; 32];
    let statement = Statement {
        nonce,
        view: View::new(2),
        entry: Some(Certificate::Quorum(qc.clone())),
        signer,
        signature: sign(&statement_message(&chain(), epoch, &nonce, View::new(2))),
    };
    let prepare = PrepareVote {
        epoch,
        view,
        block: hash,
        height,
        parent_view: View::ZERO,
        signer,
        signature: sign(&body.message(&chain())),
    };
    let vote = commit_vote(epoch, view, hash);
    let proposal = Proposal {
        block: block.clone(),
        qc: CONTEXT.genesis_qc(),
        tc: None,
        signature: sign(&proposal_message(&chain(), epoch, view, &hash)),
    };
    let late = Proposal { tc: Some(tc.clone()), qc: qc.clone(), ..proposal.clone() };
    let messages = [
        ("proposal", Message::Proposal(Box::new(proposal))),
        ("proposal-after-timeout", Message::Proposal(Box::new(late))),
        ("prepare-vote", Message::PrepareVote(prepare)),
        ("commit-vote", Message::CommitVote { vote, qc: qc.clone() }),
        ("timeout", Message::Timeout(Box::new(timeout))),
        ("certificate", Message::Certificate(Box::new(Certificate::Timeout(tc.clone())))),
        ("request", Message::StatementRequest(StatementRequest { nonce, signer })),
        ("statement", Message::Statement(Box::new(statement))),
    ];
    for (name, message) in messages {
        seeds.value(name, 7, &message);
    }
    seeds.value("safety-state", 0, &SafetyState::fresh(epoch));
    seeds.value("block", 2, &block);
    seeds.value("header-and-qc", 3, &(header, qc));
    seeds.value("timeout-certificate", 4, &Certificate::Timeout(tc));
    seeds.value("commit-certificate", 5, &cc);
}

fn commit_vote(epoch: Epoch, view: View, block: BlockHash) -> CommitVote {
    let signature = secret(0).sign(&commit_message(&chain(), epoch, view, &block));
    CommitVote { epoch, view, block, signer: ValidatorIndex::new(0), signature }
}

fn timeout_cert(epoch: Epoch, view: View, high_qc: &QuorumCert) -> TimeoutCert {
    let message = timeout_message(&chain(), epoch, view, high_qc.view);
    let entry = |number| TimeoutEntry {
        signer: ValidatorIndex::new(u16::from(number)),
        qc_view: high_qc.view,
        signature: secret(number).sign(&message),
    };
    let timeouts: Vec<TimeoutEntry> = (0..3).map(entry).collect();
    let timeouts = timeouts.try_into().expect("three are few");
    TimeoutCert { epoch, view, timeouts, high_qc: high_qc.clone() }
}

fn ledger() {
    let seeds = Seeds { target: "ledger" };
    let to = Address::from(secret(1).public());
    let operations = vec![Operation::transfer(to, Amount::COIN)];
    let sender = Address::from(secret(0).public());
    let body =
        Body::new(&chain(), sender, Nonce::ZERO, Amount::new(100), Height::new(9), operations)
            .expect("one operation is few");
    let tx = Transaction::sign(&chain(), body.clone(), &[&secret(0)]).expect("the sender signs");
    let params = ChainParams::default();
    let candidate =
        Candidate::decode(&tx.encode(), &chain(), &params).expect("a valid transaction");
    let admitted: Vec<_> = admit(&chain(), vec![candidate])
        .into_iter()
        .map(|verdict| verdict.expect("a valid signature"))
        .collect();
    let sealed = Batch::seal(ValidatorIndex::new(0), 1, &admitted);
    let payload = Payload { batches: vec![sealed.reference].try_into().expect("one batch is few") };
    seeds.value("body", 0, &body);
    seeds.value("account", 5, &Account { balance: Amount::COIN, nonce: Nonce::ZERO });
    seeds.value("params", 6, &params);
    seeds.value("payload", 8, &payload);
    seeds.write("batch", 9, &sealed.bytes);
    seeds.write("transaction", 10, &tx.encode());
}
