//! Signatures that cost some nanoseconds. Who holds the secret number of a key can sign for it, and a simulated liar
//! holds only his own.

use std::collections::BTreeMap;
use std::sync::Arc;

use logothete_primitives::{PublicKey, Signature, Signer, Verifier};

/// The secrets of all keys of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyedHashes(Arc<BTreeMap<PublicKey, u64>>);

/// Signs for one key.
#[derive(Clone, Debug)]
pub(super) struct KeyedHash {
    key: PublicKey,
    secret: u64,
}

impl KeyedHashes {
    /// Secrets for these keys, from a seed.
    pub(super) fn new(seed: u64, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let secret = |place: u64| mix(seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15), b"secret");
        Self(Arc::new(keys.into_iter().zip(0..).map(|(key, place)| (key, secret(place))).collect()))
    }

    /// The signer of a key.
    pub(super) fn signer(&self, key: &PublicKey) -> Option<KeyedHash> {
        self.0.get(key).map(|secret| KeyedHash { key: *key, secret: *secret })
    }
}

impl Signer for KeyedHash {
    fn public(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> Signature {
        signature(self.secret, message)
    }
}

impl Verifier for KeyedHashes {
    fn verify(&self, key: &PublicKey, message: &[u8], claim: &Signature) -> bool {
        self.0.get(key).is_some_and(|secret| signature(*secret, message) == *claim)
    }

    fn verify_all(&self, items: &[(PublicKey, &[u8], &Signature)]) -> bool {
        items.iter().all(|(key, message, claim)| self.verify(key, message, claim))
    }
}

fn signature(secret: u64, message: &[u8]) -> Signature {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&mix(secret, message).to_le_bytes());
    bytes[8..16].copy_from_slice(&mix(!secret, message).to_le_bytes());
    Signature::from_bytes(bytes)
}

/// Sixty-four bits of a state and some bytes.
pub(super) fn mix(mut state: u64, bytes: &[u8]) -> u64 {
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state =
            (state ^ u64::from_le_bytes(word)).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(29);
    }
    (state ^ bytes.len() as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ state >> 31
}
