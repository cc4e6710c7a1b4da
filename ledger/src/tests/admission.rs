//! Signatures, single and in batches, with co-signers.

use logothete_primitives::amount::Amount;
use logothete_primitives::hash::Digest;
use logothete_primitives::identifiers::ChainId;
use logothete_primitives::numbers::{Height, Nonce};
use logothete_primitives::signature::Signature;

use super::{FEE, body, chain, key, params, signer, transfer};
use crate::account::Account;
use crate::account_keys::AccountKeys;
use crate::admission::{Admitted, Candidate, admit, check_state, verify_signatures};
use crate::error::TxError;
use crate::mempool::{MempoolError, NONCE_WINDOW};
use crate::operation::Operation;
use crate::transaction::Transaction;
use crate::verified::Verified;

fn shared(nonce: u64) -> Transaction {
    let take = |payer| Operation::Transfer {
        from: Some(signer(payer)),
        to: signer(1),
        amount: Amount::new(1),
    };
    let body = body(signer(1), nonce, vec![take(2), take(3)]);
    Transaction::sign(&chain(), body, &[&key(3), &key(1), &key(2)]).unwrap()
}

fn candidate(tx: &Transaction) -> Candidate {
    Candidate::decode(&tx.encode(), &chain(), &params()).unwrap()
}

#[test]
fn admits_what_all_signers_signed() {
    let tx = shared(0);
    let admitted = Admitted::verify(candidate(&tx), &chain()).unwrap();
    assert_eq!((admitted.hash, &admitted.tx), (tx.hash(), &tx));
    assert_eq!(&*admitted.bytes, tx.encode());
}

#[test]
fn names_the_first_signature_that_does_not_hold() {
    let mut tx = shared(0);
    let mut signatures = tx.cosignatures.into_inner();
    signatures.swap(0, 1);
    tx.cosignatures = signatures.try_into().unwrap();
    let first_cosigner = tx.body.cosigners[0];
    let expected = TxError::InvalidSignature { signer: first_cosigner };
    assert_eq!(Admitted::verify(candidate(&tx), &chain()).unwrap_err(), expected);
    assert_eq!(
        verify_signatures(&chain(), &AccountKeys::default(), &[candidate(&tx)]),
        vec![Err(expected)]
    );
}

#[test]
fn a_signature_for_another_chain_does_not_hold() {
    // The same tag, another chain.
    let mut bytes = *chain().as_bytes();
    bytes[31] ^= 1;
    let twin = ChainId::new(Digest::new(bytes));
    let tx = Transaction::sign(&twin, transfer(signer(1), 0, signer(2), 1), &[&key(1)]).unwrap();
    let error = Admitted::verify(candidate(&tx), &chain()).unwrap_err();
    assert_eq!(error.code(), "INVALID_SIGNATURE");
}

#[test]
fn a_batch_gives_each_the_verdict_it_gets_alone() {
    let mut candidates = Vec::new();
    for number in 0..40u8 {
        let mut tx = match number % 3 {
            0 => shared(u64::from(number)),
            _ => {
                let body = transfer(signer(1), u64::from(number), signer(2), 1);
                Transaction::sign(&chain(), body, &[&key(1)]).unwrap()
            }
        };
        if number % 7 == 0 {
            tx.body.nonce = Nonce::new(99);
        }
        candidates.push(candidate(&tx));
    }
    let alone: Vec<_> = candidates
        .iter()
        .map(|candidate| Admitted::verify(candidate.clone(), &chain()).map(|_| ()))
        .collect();
    let keys = AccountKeys::default();
    for round in ["keys unknown", "keys of good signatures known"] {
        assert_eq!(verify_signatures(&chain(), &keys, &candidates), alone, "{round}");
    }
    assert_eq!(alone.iter().filter(|verdict| verdict.is_err()).count(), 6);
    for known in [0, 20, 40] {
        let verified = Verified::default();
        admit(&chain(), &verified, candidates[..known].to_vec());
        let admitted = admit(&chain(), &verified, candidates.clone());
        let verdicts: Vec<_> = admitted.into_iter().map(|verdict| verdict.map(|_| ())).collect();
        assert_eq!(verdicts, alone, "{known} were seen before");
    }
}

#[test]
fn a_forged_copy_of_a_known_transaction_does_not_hold() {
    let tx = shared(0);
    let verified = Verified::default();
    assert!(admit(&chain(), &verified, vec![candidate(&tx)])[0].is_ok());
    let mut forged = tx.clone();
    let mut bytes = *tx.signature.as_bytes();
    bytes[0] ^= 1;
    forged.signature = Signature::from_bytes(bytes);
    let verdicts = admit(&chain(), &verified, vec![candidate(&tx), candidate(&forged)]);
    assert!(verdicts[0].is_ok());
    let error = verdicts[1].as_ref().unwrap_err();
    assert_eq!(error, &TxError::InvalidSignature { signer: tx.body.sender });
}

#[test]
fn no_candidates_give_no_verdicts() {
    let none: &[Candidate] = &[];
    assert_eq!(verify_signatures(&chain(), &AccountKeys::default(), none), vec![]);
}

#[test]
fn checks_state_in_the_order_of_usefulness() {
    let (next, now) = (Nonce::new(5), Height::new(10));
    let rich = Account { balance: Amount::new(1_000), nonce: next };
    let check = |nonce: u64, expiry: u64, account: Account| {
        let mut body = transfer(signer(1), nonce, signer(2), 50);
        body.expiry = Height::new(expiry);
        check_state(&body, &account, now)
    };
    assert_eq!(check(5, 11, rich), Ok(()));
    assert_eq!(check(5 + NONCE_WINDOW - 1, 11, rich), Ok(()));
    assert_eq!(check(5, 10, rich), Err(MempoolError::Expired { expiry: Height::new(10), now }));
    assert_eq!(
        check(4, 11, rich),
        Err(MempoolError::NonceTooLow { expected: next, got: Nonce::new(4) })
    );
    let got = Nonce::new(5 + NONCE_WINDOW);
    assert_eq!(
        check(got.get(), 11, rich),
        Err(MempoolError::NonceTooHigh { expected: next, got, window: NONCE_WINDOW })
    );
    let needed = Amount::new(FEE.units() + 50);
    let available = Amount::new(needed.units() - 1);
    assert_eq!(
        check(5, 11, Account { balance: available, nonce: next }),
        Err(MempoolError::InsufficientBalance { needed, available })
    );
    assert_eq!(check(5, 11, Account { balance: needed, nonce: next }), Ok(()));
}

#[test]
fn a_sum_beyond_all_money_is_too_much() {
    let huge = Operation::transfer(signer(2), Amount::MAX);
    let body = body(signer(1), 0, vec![huge.clone(), huge]);
    let account = Account::with_balance(Amount::new(1));
    let error = check_state(&body, &account, Height::ZERO).unwrap_err();
    assert_eq!(error.code(), "INSUFFICIENT_BALANCE");
    assert_eq!(error.expected(), Some(u64::MAX.to_string()));
}
