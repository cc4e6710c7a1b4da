//! Golden bytes, equal to those of `docs/wire-transactions.md`, and canonicity of every wire type.

use logothete_primitives::amount::Amount;
use logothete_primitives::codec::{self, Decode, Encode};
use logothete_primitives::numbers::{Height, Nonce, ValidatorIndex};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::{prop_assert, prop_assert_eq};

use super::{account, chain, key, params, run, signer, state, vouched};
use crate::admission::{Admitted, Candidate};
use crate::batch::{Batch, BatchRef, Payload};
use crate::operation::Operation;
use crate::proof::{InclusionProof, ReceiptProof};
use crate::receipt::{Failure, Receipt, Status, accumulate, receipts_root};
use crate::state::StateKey;
use crate::transaction::{Body, ChainTag, Transaction};
use std::fmt::Write as _;
use std::sync::Arc;

const DOCUMENT: &str = include_str!("../../../docs/wire-transactions.md");

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// The value must stand in the document, behind its name in a table of vectors.
#[track_caller]
fn documented(name: &str, value: &str) {
    let line = format!("| {name} | `{value}` |");
    assert!(DOCUMENT.contains(&line), "docs/wire-transactions.md lacks:\n{line}");
}

fn simple() -> Transaction {
    let operations = vec![Operation::transfer(signer(2), Amount::new(10_000_000))];
    let body = Body::new(
        &chain(),
        signer(1),
        Nonce::new(5),
        Amount::new(100),
        Height::new(1_000),
        operations,
    );
    Transaction::sign(&chain(), body.unwrap(), &[&key(1)]).unwrap()
}

fn shared() -> Transaction {
    let operations = vec![
        Operation::transfer(signer(2), Amount::new(1)),
        Operation::Transfer { from: Some(signer(3)), to: signer(1), amount: Amount::new(2) },
    ];
    let mut body = Body::new(
        &chain(),
        signer(1),
        Nonce::ZERO,
        Amount::new(300),
        Height::new(u64::MAX),
        operations,
    )
    .unwrap();
    body.memo = b"rent".to_vec().try_into().unwrap();
    Transaction::sign(&chain(), body, &[&key(1), &key(3)]).unwrap()
}

fn admitted(tx: &Transaction) -> Arc<Admitted> {
    let candidate = Candidate::decode(&tx.encode(), &chain(), &params()).unwrap();
    Arc::new(Admitted::verify(candidate, &chain()).unwrap())
}

#[test]
fn transactions_have_their_documented_bytes() {
    for (name, tx) in [("simple", simple()), ("shared", shared())] {
        documented(&format!("{name}: signing message"), &hex(&tx.body.signing_message(&chain())));
        documented(&format!("{name}: transaction"), &hex(&tx.encode()));
        documented(&format!("{name}: hash"), &tx.hash().to_string());
    }
}

#[test]
fn batches_and_payloads_have_their_documented_bytes() {
    let sealed =
        Batch::seal(ValidatorIndex::new(2), 7, &[admitted(&simple()), admitted(&shared())]);
    let header = Batch::decode(&sealed.bytes).unwrap().compute_header();
    documented("batch: header", &hex(&codec::encode(&header)));
    documented("batch: hash", &sealed.reference.hash.to_string());
    let payload =
        Payload { batches: vec![sealed.reference].try_into().unwrap(), ..Payload::default() };
    documented("payload", &hex(&payload.encode()));
    documented("payload: hash", &payload.hash().to_string());
    documented("empty payload: hash", &Payload::default().hash().to_string());
}

#[test]
fn receipts_and_state_have_their_documented_bytes() {
    let receipt = |status| Receipt { tx: simple().hash(), index: 3, status, fee: Amount::new(100) };
    let failure = Failure::InsufficientBalance {
        account: signer(1),
        needed: Amount::new(10_000_000),
        available: Amount::new(9),
    };
    let failed = Status::Failed { operation: 0, failure };
    for (name, status) in [("success", Status::Success), ("failed", failed)] {
        let receipt = receipt(status);
        documented(&format!("{name}: receipt"), &hex(&codec::encode(&receipt)));
        documented(&format!("{name}: leaf"), &receipt.leaf().to_string());
        let block = receipts_root([&receipt]);
        documented(&format!("{name}: root of the block"), &block.to_string());
        documented(
            &format!("{name}: attested"),
            &accumulate(&receipts_root([]), &block).to_string(),
        );
    }
    let account =
        crate::account::Account { balance: Amount::new(10_000_000), nonce: Nonce::new(5) };
    documented("account: state key", &StateKey::account(&signer(1)).to_string());
    documented("account: state value", &hex(&account.to_value()));
}

#[test]
fn the_two_encodings_of_an_account_are_one() {
    let account = crate::account::Account { balance: Amount::MAX, nonce: Nonce::new(258) };
    assert_eq!(codec::encode(&account), &*account.to_value());
    assert_eq!(crate::account::Account::from_value(&account.to_value()), Ok(account));
    assert_eq!(format!("{:?}", account.to_value()), hex(&account.to_value()));
}

/// Whether the bytes decode, and if so, whether the value encodes to them again.
fn canonical<T: Encode + Decode<()>>(bytes: &[u8]) -> Option<bool> {
    codec::decode::<T>(bytes).ok().map(|value| codec::encode(&value) == bytes)
}

type Check = fn(&[u8]) -> Option<bool>;

fn samples() -> Vec<(Vec<u8>, Check)> {
    let transactions = [admitted(&simple()), admitted(&shared())];
    let sealed = Batch::seal(ValidatorIndex::new(2), 7, &transactions);
    let payload =
        Payload { batches: vec![sealed.reference].try_into().unwrap(), ..Payload::default() };
    let hashes = transactions.each_ref().map(|tx| tx.hash);
    let header = Batch::decode(&sealed.bytes).unwrap().header(&hashes);
    let inclusion = InclusionProof::build(&header, &hashes, 1, &payload).unwrap();
    let rich = state(&[(account(1), 1_000)]);
    let output = run(&rich, 1, &[vouched(super::transfer(account(1), 0, account(2), 5_000))]);
    let receipt = output.receipts().next().unwrap();
    let root = output.receipts_root;
    let receipt_proof =
        ReceiptProof::build(std::slice::from_ref(receipt), 0, root, vec![root]).unwrap();
    vec![
        (simple().encode(), canonical::<Transaction>),
        (shared().encode(), canonical::<Transaction>),
        (sealed.bytes, canonical::<Batch>),
        (codec::encode(&sealed.reference), canonical::<BatchRef>),
        (payload.encode(), canonical::<Payload>),
        (codec::encode(receipt), canonical::<Receipt>),
        (codec::encode(&inclusion), canonical::<InclusionProof>),
        (codec::encode(&receipt_proof), canonical::<ReceiptProof>),
    ]
}

#[test]
fn no_changed_byte_decodes_to_something_that_encodes_otherwise() {
    for (bytes, canonical) in samples() {
        assert_eq!(canonical(&bytes), Some(true));
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                assert_ne!(canonical(&changed), Some(false), "byte {position} bit {bit}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_whatever_are_refused_or_canonical(bytes in vec(any::<u8>(), 0..600)) {
        let reencode = |bytes: &[u8]| Transaction::decode(bytes).map(|tx| tx.encode());
        if let Ok(again) = reencode(&bytes) {
            prop_assert_eq!(again, &*bytes);
        }
        if let Ok(batch) = Batch::decode(&bytes) {
            prop_assert_eq!(codec::encode(&batch), &*bytes);
        }
        if let Ok(payload) = Payload::decode(&bytes) {
            prop_assert_eq!(payload.encode(), &*bytes);
        }
    }

    #[test]
    fn a_changed_transaction_is_refused_or_has_another_hash(
        position in any::<proptest::sample::Index>(),
        mask in 1..=255u8,
    ) {
        let tx = shared();
        let mut bytes = tx.encode();
        let position = position.index(bytes.len());
        bytes[position] ^= mask;
        if let Ok(candidate) = Candidate::decode(&bytes, &chain(), &params()) {
            prop_assert!(candidate.hash != tx.hash());
            prop_assert_eq!(candidate.tx.encode(), bytes);
            prop_assert!(Admitted::verify(candidate, &chain()).is_err());
        }
    }
}

#[test]
fn json_forms_round_trip_and_refuse_unknown_fields() {
    let tx = shared();
    let text = serde_json::to_string(&tx).unwrap();
    assert_eq!(serde_json::from_str::<Transaction>(&text).unwrap(), tx);
    assert!(text.contains(r#""amount":"1""#) && text.contains(r#""type":"transfer""#), "{text}");
    let unknown = text.replacen(r#""memo""#, r#""memmo""#, 1);
    assert!(serde_json::from_str::<Transaction>(&unknown).is_err());
    for tag in ["abc", "0123456789", "ABCDEF01", "+1234567", "0123456g"] {
        assert!(serde_json::from_value::<ChainTag>(tag.into()).is_err(), "{tag}");
    }
}
