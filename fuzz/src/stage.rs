//! The chain of all targets and seeds.

use std::sync::Arc;
use std::sync::LazyLock;

use logothete_consensus::Context;
use logothete_ledger::admission::{Admitted, Candidate};
use logothete_ledger::operation::Operation;
use logothete_ledger::params::ChainParams;
use logothete_ledger::state::StateKey;
use logothete_ledger::transaction::{Body, Transaction};
use logothete_primitives::{
    Address, Amount, BlockHash, BoundedString, ChainId, Digest, Ed25519Verifier, Epoch, Height,
    Nonce, SecretKey, Validator, ValidatorSet,
};

/// The chain of all targets and seeds.
pub fn chain() -> ChainId {
    ChainId::new(Digest::new([7; 32]))
}

/// The key of a validator or an account.
pub fn secret(number: u8) -> SecretKey {
    SecretKey::from_seed([number + 1; 32])
}

/// Four equal validators.
pub fn validators() -> ValidatorSet {
    let validator = |number| Validator {
        key: secret(number).public(),
        power: 1,
        name: BoundedString::try_from(format!("v{number}").as_str()).expect("a short name"),
    };
    ValidatorSet::new(Epoch::ZERO, (0..4).map(validator).collect()).expect("a valid set")
}

/// What messages of the four are verified against.
pub static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context {
    chain: chain(),
    validators: Arc::new(validators()),
    genesis: BlockHash::new(Digest::new([9; 32])),
});

/// Verifies signatures of the four.
pub static VERIFIER: LazyLock<Ed25519Verifier> =
    LazyLock::new(|| Ed25519Verifier::for_set(&CONTEXT.validators));

/// Signed transfers from the first account to the second.
pub fn admitted(count: u64) -> Vec<Arc<Admitted>> {
    let params = ChainParams::default();
    let sender = Address::from(secret(0).public());
    let to = Address::from(secret(1).public());
    let transfer = |nonce| {
        let operations = vec![Operation::transfer(to, Amount::COIN)];
        let (fee, expiry) = (Amount::new(100), Height::new(9));
        let body = Body::new(&chain(), sender, Nonce::new(nonce), fee, expiry, operations);
        let body = body.expect("one operation is few");
        let tx = Transaction::sign(&chain(), body, &[&secret(0)]).expect("the sender signs");
        let candidate = Candidate::decode(&tx.encode(), &chain(), &params);
        Arc::new(Admitted::vouched(candidate.expect("a valid transaction")))
    };
    (0..count).map(transfer).collect()
}

/// Keys that share long prefixes, so that the tree is deep. There are as many as numbers.
pub fn state_key(number: u8) -> StateKey {
    let mut bytes = [0; 32];
    bytes[usize::from(number >> 5) * 4] = number << 3;
    bytes[31] = number;
    StateKey::new(Digest::new(bytes))
}
