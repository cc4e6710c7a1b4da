//! A table of every typed refusal that needs no state: what breaks the rule, and the code it gets.

use logothete_primitives::address::Address;
use logothete_primitives::amount::Amount;
use logothete_primitives::bounded::BoundedVec;
use logothete_primitives::codec::CodecError;
use logothete_primitives::limits::{MAX_COSIGNERS, MAX_OPERATIONS, MAX_TX_BYTES};
use logothete_primitives::numbers::Nonce;

use super::{FEE, FOREVER, body, chain, key, params, signer, transfer};
use crate::admission::{Admitted, Candidate, admit};
use crate::error::TxError;
use crate::operation::Operation;
use crate::params::{ChainParams, ParamsFault};
use crate::transaction::{Body, ChainTag, Transaction};
use crate::verified::Verified;

fn good() -> Body {
    transfer(signer(1), 0, signer(2), 5)
}

fn from(payer: Address) -> Operation {
    Operation::Transfer { from: Some(payer), to: signer(9), amount: Amount::new(1) }
}

fn code_of(change: impl FnOnce(&mut Body)) -> (&'static str, Option<String>, Option<String>) {
    let mut body = good();
    change(&mut body);
    let error = body.check(&chain(), &params()).unwrap_err();
    (error.code(), error.expected(), error.got())
}

fn sorted(mut addresses: Vec<Address>) -> BoundedVec<Address, MAX_COSIGNERS> {
    addresses.sort_unstable();
    addresses.try_into().unwrap()
}

#[test]
fn accepts_a_plain_transfer() {
    assert_eq!(good().check(&chain(), &params()), Ok(()));
}

#[test]
fn names_the_broken_rule_of_a_body() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        code_of(|body| body.chain = ChainTag::new([1, 2, 3, 4])),
        ("WRONG_CHAIN", text("07070707"), text("01020304"))
    );
    assert_eq!(code_of(|body| body.operations = BoundedVec::new()), ("NO_OPERATIONS", None, None));
    assert_eq!(code_of(|body| body.nonce = Nonce::new(u64::MAX)), ("NONCE_EXHAUSTED", None, None));
    assert_eq!(
        code_of(|body| body.operations =
            vec![Operation::transfer(signer(2), Amount::ZERO)].try_into().unwrap()),
        ("ZERO_AMOUNT", None, None)
    );
    assert_eq!(
        code_of(|body| body.operations = vec![from(signer(3))].try_into().unwrap()),
        ("PAYER_NOT_SIGNER", None, Some(signer(3).to_string()))
    );
    assert_eq!(
        code_of(|body| body.operations = vec![from(body.sender)].try_into().unwrap()),
        ("REDUNDANT_PAYER", None, None)
    );
    assert_eq!(
        code_of(|body| body.fee = Amount::new(99)),
        ("FEE_TOO_LOW", text("100"), text("99"))
    );
}

#[test]
fn names_the_broken_rule_of_the_cosigners() {
    let mut descending = sorted(vec![signer(3), signer(4)]).into_inner();
    descending.reverse();
    let unordered =
        |addresses: Vec<Address>| code_of(|body| body.cosigners = addresses.try_into().unwrap()).0;
    assert_eq!(unordered(descending), "COSIGNERS_UNORDERED");
    assert_eq!(unordered(vec![signer(3), signer(3)]), "COSIGNERS_UNORDERED");
    assert_eq!(
        code_of(|body| body.cosigners = sorted(vec![body.sender, signer(3)])),
        ("COSIGNER_IS_SENDER", None, Some(signer(1).to_string()))
    );
}

#[test]
fn asks_a_fee_for_every_operation_and_cosigner() {
    let operations = vec![Operation::transfer(signer(2), Amount::new(1)), from(signer(3))];
    let body = body(signer(1), 0, operations);
    assert_eq!(body.weight(), 3);
    assert_eq!(params().required_fee(&body), Amount::new(300));
    let greedy = ChainParams { min_fee: Amount::MAX, ..params() };
    assert_eq!(greedy.required_fee(&body), Amount::MAX);
}

#[test]
fn counts_the_cosignatures() {
    let body = body(signer(1), 0, vec![from(signer(3))]);
    let mut tx = Transaction::sign(&chain(), body, &[&key(1), &key(3)]).unwrap();
    tx.cosignatures = BoundedVec::new();
    let error = tx.check(&chain(), &params()).unwrap_err();
    assert_eq!(error, TxError::CosignatureCount { expected: 1, got: 0 });
    assert_eq!(error.code(), "COSIGNATURE_COUNT");
    assert_eq!((error.expected().as_deref(), error.got().as_deref()), (Some("1"), Some("0")));
}

#[test]
fn signing_needs_every_key() {
    let body = body(signer(1), 0, vec![from(signer(3))]);
    let error = Transaction::sign(&chain(), body, &[&key(1)]).unwrap_err();
    assert_eq!(error, TxError::KeyMissing { signer: signer(3) });
    assert_eq!(error.code(), "KEY_MISSING");
}

#[test]
fn building_a_body_finds_cosigners_and_refuses_excess() {
    let new = |operations| Body::new(&chain(), signer(1), Nonce::ZERO, FEE, FOREVER, operations);
    let body = new(vec![from(signer(5)), from(signer(4)), from(signer(5))]).unwrap();
    assert_eq!(body.cosigners, sorted(vec![signer(4), signer(5)]));
    assert_eq!(new(vec![]), Err(TxError::NoOperations));
    let many = vec![Operation::transfer(signer(2), Amount::new(1)); MAX_OPERATIONS + 1];
    let too_long = CodecError::TooLong { len: MAX_OPERATIONS + 1, max: MAX_OPERATIONS };
    assert_eq!(new(many), Err(TxError::Malformed(too_long)));
}

#[test]
fn refuses_bytes_that_are_no_transaction() {
    let tx = Transaction::sign(&chain(), good(), &[&key(1)]).unwrap();
    let bytes = tx.encode();
    let decode = |bytes: &[u8]| Candidate::decode(bytes, &chain(), &params()).unwrap_err();
    assert_eq!(decode(&[]).code(), "MALFORMED");
    assert_eq!(decode(&bytes[..bytes.len() - 1]), TxError::Malformed(CodecError::Truncated));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(decode(&longer), TxError::Malformed(CodecError::Trailing { extra: 1 }));
    let oversized = decode(&vec![0; MAX_TX_BYTES + 1]);
    assert_eq!(oversized, TxError::TooLarge { max: MAX_TX_BYTES, got: MAX_TX_BYTES + 1 });
    let (expected, got) = (MAX_TX_BYTES.to_string(), (MAX_TX_BYTES + 1).to_string());
    assert_eq!((oversized.code(), oversized.expected()), ("TOO_LARGE", Some(expected)));
    assert_eq!(oversized.got(), Some(got));
    let small = ChainParams { max_tx_bytes: 100, ..params() };
    let refused = Candidate::decode(&bytes, &chain(), &small).unwrap_err();
    assert_eq!(refused, TxError::TooLarge { max: 100, got: bytes.len() });
    // The limits themselves are within them.
    let exact = ChainParams { max_tx_bytes: u32::try_from(bytes.len()).unwrap(), ..params() };
    assert!(Candidate::decode(&bytes, &chain(), &exact).is_ok());
    let zeros = Transaction::decode(&[0; MAX_TX_BYTES]).unwrap_err();
    assert!(matches!(zeros, TxError::Malformed(CodecError::Trailing { .. })), "{zeros}");
}

#[test]
fn refuses_a_signer_that_is_no_key_and_a_signature_that_is_no_signature() {
    let mut no_key = Transaction::sign(&chain(), good(), &[&key(1)]).unwrap();
    // y = 2 is not on the curve.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    no_key.body.sender = Address::from_bytes(bytes);
    let mut forged = Transaction::sign(&chain(), good(), &[&key(1)]).unwrap();
    forged.body.nonce = Nonce::new(1);
    for (tx, code) in [(no_key, "INVALID_KEY"), (forged, "INVALID_SIGNATURE")] {
        let sender = tx.body.sender.to_string();
        let candidate = Candidate::decode(&tx.encode(), &chain(), &params()).unwrap();
        let alone = Admitted::verify(candidate.clone(), &chain()).unwrap_err();
        assert_eq!((alone.code(), alone.got()), (code, Some(sender)));
        let in_batch =
            admit(&chain(), &Verified::default(), vec![candidate]).remove(0).unwrap_err();
        assert_eq!(in_batch, alone);
    }
}

#[test]
fn lists_every_fault_of_the_parameters() {
    assert_eq!(params().faults(), vec![]);
    let broken = ChainParams {
        max_tx_bytes: 10,
        empty_block_interval_ms: 0,
        view_timeout_ms: 5,
        view_timeout_ms_max: 4,
        ..params()
    };
    let faults = broken.faults();
    assert!(matches!(faults[0], ParamsFault::MaxTxBytes { got: 10, .. }));
    assert_eq!(faults[1], ParamsFault::Zero { field: "empty_block_interval_ms" });
    assert_eq!(faults[2], ParamsFault::TimeoutCap { first: 5, max: 4 });
    assert_eq!(faults.len(), 3);
    // The limits themselves are within them.
    let edge = ChainParams { view_timeout_ms: 5, view_timeout_ms_max: 5, ..params() };
    assert_eq!(edge.faults(), vec![]);
}
