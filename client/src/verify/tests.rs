#![allow(clippy::unwrap_used)]

mod content;

use logothete_consensus::signing::commit_message;
use logothete_consensus::{CommitVote, Executed, Signatures};
use logothete_ledger::batch::{Batch, Payload};
use logothete_ledger::receipt::{Status, accumulate, receipts_root};
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_primitives::codec::Encode;
use logothete_primitives::{
    Address, Amount, Digest, Epoch, PayloadHash, ReceiptsRoot, SecretKey, Signature, SignerSet,
    StateRoot, TimestampMs, Validator,
};

use super::*;
use crate::builder::TxBuilder;
use crate::rpc::types::{Anchor, SignerView, ValidatorRef};

/// ```text
/// genesis ── B1 (three transactions) ── B2 (attests B1) ── B3 ◄ certificate of v0, v1, v3
/// ```
struct Chain {
    chain: ChainId,
    keys: Vec<SecretKey>,
    set: ValidatorSet,
    headers: Vec<BlockHeader>,
    hashes: Vec<TxHash>,
    inclusion: InclusionProof,
    receipts: Vec<Receipt>,
    tree: StateTree,
}

const ALICE: u8 = 100;
const NOBODY: u8 = 102;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn address(seed: u8) -> Address {
    key(seed).public().into()
}

fn validators(keys: &[SecretKey]) -> ValidatorSet {
    let validator = |(index, key): (usize, &SecretKey)| Validator {
        key: key.public(),
        power: 1 + u64::try_from(index).unwrap(),
        name: format!("v{index}").as_str().try_into().unwrap(),
    };
    ValidatorSet::new(Epoch::ZERO, keys.iter().enumerate().map(validator).collect()).unwrap()
}

fn header(parent: &BlockHeader, payload: PayloadHash, executed: Executed) -> BlockHeader {
    BlockHeader {
        epoch: Epoch::ZERO,
        view: parent.view.plus(2),
        height: parent.height.next(),
        parent: parent.hash(),
        parent_view: parent.view,
        timestamp: parent.timestamp.next(),
        proposer: ValidatorIndex::new(1),
        payload,
        executed,
        next_set: None,
    }
}

fn chain() -> Chain {
    let chain = ChainId::new(Digest::new([9; 32]));
    let keys: Vec<_> = (0..4).map(key).collect();
    let transfer = |nonce: u64| {
        let builder = TxBuilder::new(chain).nonce(Nonce::new(nonce)).expiry(Height::new(90));
        builder.transfer(address(NOBODY), Amount::COIN).sign(&key(ALICE)).unwrap()
    };
    let txs: Vec<_> = (0..3).map(transfer).collect();
    let hashes: Vec<_> = txs.iter().map(|tx| tx.hash()).collect();
    let bytes: Vec<_> = txs.iter().map(|tx| tx.encode().try_into().unwrap()).collect();
    let batch = Batch {
        author: ValidatorIndex::new(2),
        sequence: 7,
        transactions: bytes.try_into().unwrap(),
    };
    let payload = Payload {
        batches: vec![batch.reference_for(&hashes)].try_into().unwrap(),
        ..Payload::default()
    };
    let inclusion = InclusionProof::build(&batch.header(&hashes), &hashes, 1, &payload).unwrap();

    let receipt = |(tx, index): (&TxHash, u32)| Receipt {
        tx: *tx,
        index,
        status: Status::Success,
        fee: Amount::new(100),
    };
    let receipts: Vec<_> = hashes.iter().zip(0..).map(receipt).collect();
    let alice = Account { balance: Amount::COIN, nonce: Nonce::new(3) };
    let mut entries: Vec<_> = (0..20)
        .map(|seed| (StateKey::account(&address(seed)), Account::default().to_value().to_vec()))
        .collect();
    entries.push((StateKey::account(&address(ALICE)), alice.to_value().to_vec()));
    entries.sort_unstable();
    let tree = StateTree::from_sorted(Height::new(1), entries, HistoryLimits::default()).unwrap();

    let nothing = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    let results = Executed {
        height: Height::new(1),
        state_root: tree.root(),
        receipts_root: accumulate(&ReceiptsRoot::ZERO, &receipts_root(&receipts)),
    };
    let genesis = BlockHeader::genesis(chain, TimestampMs::new(1), nothing);
    let first = header(&genesis, payload.hash(), nothing);
    let second = header(&first, PayloadHash::ZERO, results);
    let third = header(&second, PayloadHash::ZERO, results);
    let set = validators(&keys);
    let headers = vec![first, second, third];
    Chain { chain, keys, set, headers, hashes, inclusion, receipts, tree }
}

impl Chain {
    fn certify(&self, header: &BlockHeader, signers: &[u16]) -> CommitCert {
        let block = header.hash();
        let message = commit_message(&self.chain, header.epoch, header.view, &block);
        let mut set = SignerSet::new(self.set.len());
        let mut signatures = Vec::new();
        for index in signers {
            assert!(set.insert(ValidatorIndex::new(*index)));
            signatures.push(self.keys[usize::from(*index)].sign(&message));
        }
        let signatures = Signatures::try_from(signatures).unwrap();
        CommitCert { epoch: header.epoch, view: header.view, block, signers: set, signatures }
    }

    fn certificate(&self) -> CommitCert {
        self.certify(self.headers.last().unwrap(), &[0, 1, 3])
    }

    fn headers_from(&self, first: usize) -> Vec<HexBytes> {
        self.headers[first..].iter().map(hex).collect()
    }

    fn receipt_path(&self, position: usize) -> ReceiptPath {
        let before = ReceiptsRoot::ZERO;
        ReceiptPath::build(&self.receipts, position, before, Vec::new()).unwrap()
    }

    fn receipt_proof(&self) -> ReceiptProof {
        ReceiptProof {
            receipt: hex(&self.receipts[1]),
            path: hex(&self.receipt_path(1)),
            headers: self.headers_from(1),
            certificate: hex(&self.certificate()),
        }
    }

    fn tx_proof(&self) -> TxProof {
        TxProof {
            inclusion: hex(&self.inclusion),
            headers: self.headers_from(0),
            certificate: hex(&self.certificate()),
            receipt: Some(self.receipt_proof()),
        }
    }

    fn account(&self, seed: u8) -> (AccountView, AccountProof) {
        let address = address(seed);
        let exists = seed == ALICE;
        let account = if exists {
            Account { balance: Amount::COIN, nonce: Nonce::new(3) }
        } else {
            Account::default()
        };
        let view = AccountView {
            address,
            balance: account.balance,
            nonce: account.nonce,
            next_nonce: account.nonce,
            exists,
            at: Anchor { height: Height::new(1), hash: self.headers[0].hash() },
            proof: None,
        };
        let path = self.tree.prove(&StateKey::account(&address), Height::new(1)).unwrap();
        let proof = AccountProof {
            path: hex(&path),
            headers: self.headers_from(1),
            certificate: hex(&self.certificate()),
        };
        (view, proof)
    }

    fn block_answer(&self) -> BlockCertificate {
        let certificate = self.certificate();
        let signer = |(index, validator): (ValidatorIndex, &Validator)| SignerView {
            validator: ValidatorRef { index: index.get(), name: validator.name.to_string() },
            power: validator.power,
            signed: certificate.signers.contains(index),
            missed: None,
        };
        BlockCertificate {
            block: self.headers[0].hash(),
            height: Height::new(1),
            view: certificate.view,
            headers: self.headers_from(0),
            certificate: hex(&certificate),
            signers: self.set.iter().map(signer).collect(),
            power: 7,
            quorum: self.set.quorum(),
        }
    }

    fn verify_tx(&self, proof: &TxProof) -> Result<VerifiedTx, VerifyError> {
        transaction(&self.hashes[1], proof, &self.chain, &self.set)
    }
}

fn hex<T: Encode>(value: &T) -> HexBytes {
    HexBytes(codec::encode(value))
}

#[test]
fn a_good_proof_says_who_signed_and_what_came_of_it() {
    let chain = chain();
    let verified = chain.verify_tx(&chain.tx_proof()).unwrap();
    assert_eq!(verified.block, chain.headers[0].hash());
    assert_eq!(verified.height, Height::new(1));
    assert_eq!(verified.signers, [0, 1, 3].map(ValidatorIndex::new));
    assert_eq!((verified.power, verified.total_power), (7, 10));
    assert_eq!(verified.receipt, Some(chain.receipts[1].clone()));

    let without = TxProof { receipt: None, ..chain.tx_proof() };
    assert_eq!(chain.verify_tx(&without).unwrap().receipt, None);
}

#[test]
fn a_certificate_of_the_block_itself_is_enough() {
    let chain = chain();
    let cc = hex(&chain.certify(&chain.headers[0], &[1, 2, 3]));
    let certified = certificate(&chain.headers_from(0)[..1], &cc, &chain.chain, &chain.set);
    assert_eq!(certified.unwrap().power, 9);
}

#[test]
fn one_vote_short_is_refused() {
    let chain = chain();
    // Powers 1, 2, 3 and 4: seven of ten decide.
    for signers in [&[0, 1, 2][..], &[2], &[0, 3], &[1, 3]] {
        let cc = chain.certify(&chain.headers[2], signers);
        let power = chain.set.power_of(&cc.signers);
        let proof = TxProof { certificate: hex(&cc), ..chain.tx_proof() };
        let expected = Rejection::NoQuorum { power, quorum: 7 };
        assert_eq!(chain.verify_tx(&proof), Err(VerifyError::Certificate(expected)));
    }
}

#[test]
fn another_chain_or_validator_set_is_refused() {
    let chain = chain();
    let proof = chain.tx_proof();
    let other = ChainId::new(Digest::new([8; 32]));
    let refused = transaction(&chain.hashes[1], &proof, &other, &chain.set);
    assert_eq!(refused, Err(VerifyError::Certificate(Rejection::BadSignature)));

    let mut keys = chain.keys.clone();
    keys[3] = key(50);
    let refused = transaction(&chain.hashes[1], &proof, &chain.chain, &validators(&keys));
    assert_eq!(refused, Err(VerifyError::Certificate(Rejection::BadSignature)));
    let refused = transaction(&chain.hashes[1], &proof, &chain.chain, &validators(&keys[..3]));
    assert!(matches!(refused, Err(VerifyError::Certificate(_))));
}

#[test]
fn another_transaction_is_refused() {
    let chain = chain();
    for hash in [chain.hashes[0], chain.hashes[2], TxHash::ZERO] {
        let refused = transaction(&hash, &chain.tx_proof(), &chain.chain, &chain.set);
        assert_eq!(refused, Err(VerifyError::Inclusion(ProofError::Path)));
        let refused = receipt(&hash, &chain.receipt_proof(), &chain.chain, &chain.set);
        assert_eq!(refused, Err(VerifyError::Mismatch { what: "transaction" }));
    }
}

#[test]
fn every_changed_header_field_is_refused() {
    let changes: [fn(&mut BlockHeader); 11] = [
        |header| header.epoch = header.epoch.next(),
        |header| header.view = header.view.next(),
        |header| header.height = header.height.next(),
        |header| header.parent = BlockHash::ZERO,
        |header| header.parent_view = header.parent_view.next(),
        |header| header.timestamp = header.timestamp.next(),
        |header| header.proposer = ValidatorIndex::new(0),
        |header| header.payload = PayloadHash::new(Digest::new([1; 32])),
        |header| header.executed.height = header.executed.height.next(),
        |header| header.executed.state_root = StateRoot::new(Digest::new([1; 32])),
        |header| header.executed.receipts_root = ReceiptsRoot::new(Digest::new([1; 32])),
    ];
    let chain = chain();
    for position in 0..3 {
        for (index, change) in changes.iter().enumerate() {
            let mut header = chain.headers[position].clone();
            change(&mut header);
            let mut proof = TxProof { receipt: None, ..chain.tx_proof() };
            proof.headers[position] = hex(&header);
            let refused = chain.verify_tx(&proof);
            assert!(
                matches!(
                    refused,
                    Err(VerifyError::BrokenChain { .. } | VerifyError::OtherBlock { .. })
                ),
                "field {index} of header {position}: {refused:?}"
            );
        }
    }
}

#[test]
fn every_changed_certificate_field_is_refused() {
    let changes: [fn(&mut CommitCert); 7] = [
        |cc| cc.epoch = cc.epoch.next(),
        |cc| cc.view = cc.view.next(),
        |cc| cc.block = BlockHash::ZERO,
        |cc| cc.signers = SignerSet::new(4),
        |cc| assert!(cc.signers.insert(ValidatorIndex::new(2))),
        |cc| cc.signatures = Signatures::default(),
        |cc| {
            let mut signatures = cc.signatures.to_vec();
            signatures.swap(0, 1);
            cc.signatures = signatures.try_into().unwrap();
        },
    ];
    let chain = chain();
    for (index, change) in changes.iter().enumerate() {
        let mut cc = chain.certificate();
        change(&mut cc);
        let proof = TxProof { certificate: hex(&cc), ..chain.tx_proof() };
        assert!(chain.verify_tx(&proof).is_err(), "field {index}");
    }
}

#[test]
fn every_changed_inclusion_field_is_refused() {
    let changes: [fn(&mut InclusionProof); 9] = [
        |proof| proof.header.author = ValidatorIndex::new(0),
        |proof| proof.header.sequence += 1,
        |proof| proof.header.count += 1,
        |proof| proof.header.root = Digest::ZERO,
        |proof| proof.path.index = 0,
        |proof| proof.path.count += 1,
        |proof| proof.path.path = vec![Digest::ZERO; 2].try_into().unwrap(),
        |proof| proof.batch += 1,
        |proof| proof.payload = vec![0; 4].try_into().unwrap(),
    ];
    let chain = chain();
    for (index, change) in changes.iter().enumerate() {
        let mut inclusion = chain.inclusion.clone();
        change(&mut inclusion);
        let proof = TxProof { inclusion: hex(&inclusion), ..chain.tx_proof() };
        let refused = chain.verify_tx(&proof);
        assert!(matches!(refused, Err(VerifyError::Inclusion(_))), "field {index}: {refused:?}");
    }
}

#[test]
fn every_changed_receipt_field_is_refused() {
    let changes: [fn(&mut Receipt); 3] = [
        |receipt| receipt.index += 1,
        |receipt| receipt.fee = Amount::ZERO,
        |receipt| {
            let failure =
                logothete_ledger::receipt::Failure::BalanceOverflow { account: address(1) };
            receipt.status = Status::Failed { operation: 0, failure };
        },
    ];
    let chain = chain();
    for (index, change) in changes.iter().enumerate() {
        let mut receipt = chain.receipts[1].clone();
        change(&mut receipt);
        let changed = ReceiptProof { receipt: hex(&receipt), ..chain.receipt_proof() };
        let proof = TxProof { receipt: Some(changed), ..chain.tx_proof() };
        let refused = chain.verify_tx(&proof);
        assert_eq!(refused, Err(VerifyError::Receipt(ProofError::Path)), "field {index}");
    }
    let other_path = hex(&chain.receipt_path(0));
    let changed = ReceiptProof { path: other_path, ..chain.receipt_proof() };
    let proof = TxProof { receipt: Some(changed), ..chain.tx_proof() };
    assert_eq!(chain.verify_tx(&proof), Err(VerifyError::Receipt(ProofError::Path)));
}

/// genesis ── B1 (three transactions) ── B2 ── B3 (attests height 2) ◄ certificate
#[test]
fn a_receipt_of_a_height_that_was_passed_over_is_proven_by_a_later_one() {
    let mut chain = chain();
    let empty = receipts_root([]);
    let path = ReceiptPath { later: vec![empty].try_into().unwrap(), ..chain.receipt_path(1) };
    let results = Executed {
        height: Height::new(2),
        receipts_root: accumulate(&chain.headers[1].executed.receipts_root, &empty),
        ..chain.headers[1].executed
    };
    let nothing = chain.headers[0].executed;
    chain.headers[1] = header(&chain.headers[0], PayloadHash::ZERO, nothing);
    chain.headers[2] = header(&chain.headers[1], PayloadHash::ZERO, results);
    let proven =
        ReceiptProof { path: hex(&path), headers: chain.headers_from(2), ..chain.receipt_proof() };
    let proof = TxProof { receipt: Some(proven.clone()), ..chain.tx_proof() };
    assert_eq!(chain.verify_tx(&proof).unwrap().receipt, Some(chain.receipts[1].clone()));
    // Without the link between, it would be a receipt of height 2, and of another root.
    let short = ReceiptProof { path: hex(&chain.receipt_path(1)), ..proven };
    let proof = TxProof { receipt: Some(short), ..chain.tx_proof() };
    assert_eq!(chain.verify_tx(&proof), Err(VerifyError::Receipt(ProofError::Path)));
}

#[test]
fn a_receipt_attested_for_another_height_is_refused() {
    let chain = chain();
    // The headers of the receipt begin at the block itself, which attests height 0.
    let changed = ReceiptProof { headers: chain.headers_from(0), ..chain.receipt_proof() };
    let proof = TxProof { receipt: Some(changed), ..chain.tx_proof() };
    assert_eq!(chain.verify_tx(&proof), Err(VerifyError::Receipt(ProofError::Path)));
}

#[test]
fn missing_added_and_reordered_headers_are_refused() {
    let chain = chain();
    let good = chain.headers_from(0);
    let cases: [Vec<HexBytes>; 5] = [
        Vec::new(),
        good[..2].to_vec(),
        vec![good[0].clone(), good[2].clone()],
        vec![good[1].clone(), good[0].clone(), good[2].clone()],
        vec![good[2].clone(); MAX_HEADERS + 1],
    ];
    for headers in cases {
        let proof = TxProof { headers, ..chain.tx_proof() };
        assert!(chain.verify_tx(&proof).is_err());
    }
}

#[test]
fn no_cut_or_flipped_byte_is_accepted() {
    let chain = chain();
    type Part = fn(&mut TxProof) -> &mut HexBytes;
    let parts: [Part; 5] = [
        |proof| &mut proof.inclusion,
        |proof| &mut proof.headers[1],
        |proof| &mut proof.certificate,
        |proof| &mut proof.receipt.as_mut().unwrap().receipt,
        |proof| &mut proof.receipt.as_mut().unwrap().path,
    ];
    for (index, part) in parts.iter().enumerate() {
        let length = part(&mut chain.tx_proof()).0.len();
        for at in 0..length {
            let mut flipped = chain.tx_proof();
            part(&mut flipped).0[at] ^= 1;
            assert!(chain.verify_tx(&flipped).is_err(), "part {index}, byte {at}");
        }
        for end in [0, 1, length / 2, length - 1] {
            let mut cut = chain.tx_proof();
            part(&mut cut).0.truncate(end);
            assert!(
                matches!(chain.verify_tx(&cut), Err(VerifyError::Malformed { .. })),
                "part {index}, cut at {end}"
            );
        }
        let mut longer = chain.tx_proof();
        part(&mut longer).0.push(0);
        assert!(matches!(chain.verify_tx(&longer), Err(VerifyError::Malformed { .. })));
    }
}

#[test]
fn accounts_are_proven_present_and_absent() {
    let chain = chain();
    for seed in [ALICE, NOBODY] {
        let (view, proof) = chain.account(seed);
        let attested = account(&view, &proof, &chain.chain, &chain.set).unwrap();
        assert_eq!(attested.height, Height::new(2));
    }
}

#[test]
fn every_changed_account_field_is_refused() {
    let changes: [fn(&mut AccountView); 6] = [
        |view| view.address = address(1),
        |view| view.balance = Amount::MAX,
        |view| view.nonce = Nonce::ZERO,
        |view| view.exists = false,
        |view| view.at.height = Height::new(2),
        |view| {
            view.exists = false;
            view.balance = Amount::ZERO;
            view.nonce = Nonce::ZERO;
        },
    ];
    let chain = chain();
    for (index, change) in changes.iter().enumerate() {
        let (mut view, proof) = chain.account(ALICE);
        change(&mut view);
        assert!(account(&view, &proof, &chain.chain, &chain.set).is_err(), "field {index}");
    }
    let (mut nobody, proof) = chain.account(NOBODY);
    nobody.balance = Amount::COIN;
    assert_eq!(account(&nobody, &proof, &chain.chain, &chain.set), Err(VerifyError::State));
    nobody.exists = true;
    assert_eq!(account(&nobody, &proof, &chain.chain, &chain.set), Err(VerifyError::State));
    let (view, _) = chain.account(ALICE);
    assert_eq!(account(&view, &proof, &chain.chain, &chain.set), Err(VerifyError::State));
}

#[test]
fn every_changed_claim_about_a_block_is_refused() {
    type Change = fn(&mut BlockCertificate);
    let changes: [(Change, &str); 7] = [
        (|answer| answer.block = BlockHash::ZERO, "block"),
        (|answer| answer.height = Height::new(2), "height"),
        (|answer| answer.view = answer.view.next(), "view"),
        (|answer| answer.power = 10, "power"),
        (|answer| answer.quorum = 1, "quorum"),
        (|answer| answer.signers[2].signed = true, "signers"),
        (|answer| answer.signers[0].validator.name = "v1".to_owned(), "signers"),
    ];
    let chain = chain();
    let good = block_certificate(&chain.block_answer(), &chain.chain, &chain.set).unwrap();
    assert_eq!((good.power, good.total_power), (7, 10));
    for (change, what) in changes {
        let mut answer = chain.block_answer();
        change(&mut answer);
        let refused = block_certificate(&answer, &chain.chain, &chain.set);
        assert_eq!(refused, Err(VerifyError::Mismatch { what }));
    }
}

/// Two commit votes of validator 1 in one view, as a node sends them.
fn equivocation(chain: &Chain) -> Equivocation {
    let (epoch, view, signer) = (Epoch::ZERO, View::new(4), ValidatorIndex::new(1));
    let vote = |block: u8| {
        let block = BlockHash::new(Digest::new([block; 32]));
        let message = commit_message(&chain.chain, epoch, view, &block);
        CommitVote { epoch, view, block, signer, signature: chain.keys[1].sign(&message) }
    };
    Equivocation::CommitVote { first: vote(1), second: vote(2) }
}

#[test]
fn evidence_convicts_whoever_signed_both_and_nobody_else() {
    let chain = chain();
    let good = equivocation(&chain);
    let check = |proof: &Equivocation, id: &ChainId| {
        evidence(&HexBytes(codec::encode(proof)), id, &chain.set)
    };
    assert_eq!(check(&good, &chain.chain), Ok(good.clone()));
    let changes: [fn(&mut CommitVote); 5] = [
        |vote| vote.epoch = vote.epoch.next(),
        |vote| vote.view = vote.view.next(),
        |vote| vote.block = BlockHash::ZERO,
        |vote| vote.signer = ValidatorIndex::new(2),
        |vote| vote.signature = Signature::from_bytes([1; 64]),
    ];
    for (index, change) in changes.iter().enumerate() {
        let Equivocation::CommitVote { first, mut second } = good.clone() else { unreachable!() };
        change(&mut second);
        let changed = Equivocation::CommitVote { first, second };
        let refused = check(&changed, &chain.chain);
        assert!(matches!(refused, Err(VerifyError::Evidence(_))), "field {index}: {refused:?}");
    }
    let other = ChainId::new(Digest::new([8; 32]));
    assert!(matches!(check(&good, &other), Err(VerifyError::Evidence(_))), "another chain");
    let garbage = evidence(&HexBytes(vec![9; 30]), &chain.chain, &chain.set);
    assert!(matches!(garbage, Err(VerifyError::Malformed { part: "evidence", .. })));
}
