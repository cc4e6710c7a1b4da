//! The seam behind which signatures are made and checked: real ones here, cheap ones in a simulator.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::keys::{PublicKey, SecretKey, VerifyingKey};
use crate::signature::{BatchItem, Signature, verify_batch};
use crate::validator_set::ValidatorSet;

/// Signs for one key.
pub trait Signer: Send {
    /// Whose signatures these are.
    fn public(&self) -> PublicKey;
    /// Signs bytes made by [`signing_message`](crate::signature::signing_message).
    fn sign(&self, message: &[u8]) -> Signature;
}

/// Checks signatures of any key.
pub trait Verifier: Send + Sync {
    /// Whether `signature` is `key`'s over `message`.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;
    /// Whether all are; the same verdict as asking one by one.
    fn verify_all(&self, items: &[(PublicKey, &[u8], &Signature)]) -> bool;
}

impl Signer for SecretKey {
    fn public(&self) -> PublicKey {
        self.public()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        self.sign(message)
    }
}

/// Ed25519 by the rule of [`crate::signature`]. Keys known in advance are kept decompressed.
#[derive(Clone, Debug, Default)]
pub struct Ed25519Verifier {
    known: BTreeMap<PublicKey, VerifyingKey>,
}

impl Ed25519Verifier {
    /// A verifier that keeps these keys; those that cannot verify are left out, and refuse all.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let usable = |key: PublicKey| Some((key, VerifyingKey::try_from(&key).ok()?));
        Self { known: keys.into_iter().filter_map(usable).collect() }
    }

    /// A verifier that keeps the keys of a validator set.
    #[must_use]
    pub fn for_set(set: &ValidatorSet) -> Self {
        Self::new(set.iter().map(|(_, validator)| validator.key))
    }

    fn key(&self, key: &PublicKey) -> Option<VerifyingKey> {
        match self.known.get(key) {
            Some(known) => Some(*known),
            None => VerifyingKey::try_from(key).ok(),
        }
    }
}

impl Verifier for Ed25519Verifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        self.key(key).is_some_and(|key| key.verify(message, signature).is_ok())
    }

    fn verify_all(&self, items: &[(PublicKey, &[u8], &Signature)]) -> bool {
        let keys: Option<Vec<VerifyingKey>> =
            items.iter().map(|(key, _, _)| self.key(key)).collect();
        let Some(keys) = keys else { return false };
        let batch: Vec<BatchItem<'_>> = keys
            .iter()
            .zip(items)
            .map(|(key, (_, message, signature))| BatchItem { key, message, signature })
            .collect();
        verify_batch(&batch).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::Ed25519Verifier;
    use crate::keys::{PublicKey, SecretKey};
    use crate::numbers::Epoch;
    use crate::validator_set::{Validator, ValidatorSet};

    /// Decompressing a key takes a tenth of a verification: once for each member, not for each vote.
    #[test]
    fn usable_keys_of_a_set_are_kept() {
        let good = SecretKey::from_seed([1; 32]).public();
        let members = [good, PublicKey::from_bytes([0; 32])].map(|key| Validator {
            key,
            power: 1,
            name: "v".try_into().expect("short"),
        });
        let set = ValidatorSet::new(Epoch::ZERO, members.to_vec()).expect("two members");
        let kept = Ed25519Verifier::for_set(&set).known;
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), [good]);
    }
}
