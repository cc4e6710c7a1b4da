//! Signatures that cost a few nanoseconds. Anybody could forge them, but nobody here tries to: a
//! liar of these tests lies with his own key.

use logothete_primitives::{PublicKey, Signature, Signer, Verifier};

/// Signs for one validator of the tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedHash(PublicKey);

impl KeyedHash {
    pub(crate) fn new(index: u16) -> Self {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&index.to_le_bytes());
        Self(PublicKey::from_bytes(bytes))
    }
}

impl Signer for KeyedHash {
    fn public(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, message: &[u8]) -> Signature {
        mix(&self.0, message)
    }
}

/// Verifies all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedHashVerifier;

impl Verifier for KeyedHashVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        mix(key, message) == *signature
    }

    fn verify_all(&self, items: &[(PublicKey, &[u8], &Signature)]) -> bool {
        items.iter().all(|(key, message, signature)| self.verify(key, message, signature))
    }
}

fn mix(key: &PublicKey, message: &[u8]) -> Signature {
    let mut state = [0x9e37_79b9_7f4a_7c15_u64, 0xbf58_476d_1ce4_e5b9];
    for chunk in key.as_bytes().chunks(8).chain(message.chunks(8)) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        state[0] = (state[0] ^ word).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(29);
        state[1] = (state[1].rotate_left(17) ^ state[0]).wrapping_add(word);
    }
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&state[0].to_le_bytes());
    bytes[8..16].copy_from_slice(&state[1].to_le_bytes());
    Signature::from_bytes(bytes)
}
