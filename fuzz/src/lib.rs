//! What the targets share: the promise of the codec, and a small chain to verify against.

use std::sync::Arc;
use std::sync::LazyLock;

use logothete_consensus::Context;
use logothete_primitives::codec::{Decode, Encode, decode, encode, encoded_len};
use logothete_primitives::{
    BlockHash, BoundedString, ChainId, Digest, Ed25519Verifier, Epoch, SecretKey, Validator,
    ValidatorSet,
};

/// What decodes encodes to the same bytes, and its length is known.
pub fn assert_canonical<T: Encode + Decode<()>>(bytes: &[u8]) {
    if let Ok(value) = decode::<T>(bytes) {
        assert_eq!(encode(&value), bytes, "two encodings of one value");
        assert_eq!(encoded_len(&value), bytes.len());
    }
}

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
