//! Keys of accounts that signed lately, ready to verify.
//!
//! An address is a compressed key, and unpacking one costs half as much as checking its signature in a large batch. Whoever
//! signs often is unpacked once. Only keys whose signatures held are kept, and no more than a fixed number of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use logothete_primitives::address::Address;
use logothete_primitives::keys::VerifyingKey;

use crate::fast_map::FastMap;

/// Keys of one generation; two are kept, which is about 15 MB when full.
const GENERATION: usize = 32 * 1024;

/// A bounded set of unpacked keys. Those not used while a whole generation came in are forgotten.
#[derive(Default)]
pub struct AccountKeys(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: FastMap<Address, VerifyingKey>,
    old: FastMap<Address, VerifyingKey>,
}

impl AccountKeys {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        // What is in it is true whatever happened to another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that are known, in the order of the signers.
    pub(crate) fn get<'a>(
        &self,
        signers: impl Iterator<Item = &'a Address>,
    ) -> Vec<Option<VerifyingKey>> {
        let mut generations = self.lock();
        signers.map(|signer| generations.get(signer)).collect()
    }

    /// Keeps keys whose signatures held.
    pub(crate) fn keep(&self, keys: impl Iterator<Item = (Address, VerifyingKey)>) {
        let mut generations = self.lock();
        keys.for_each(|(signer, key)| generations.keep(signer, key));
    }
}

impl Generations {
    fn get(&mut self, signer: &Address) -> Option<VerifyingKey> {
        if let Some(key) = self.young.get(signer) {
            return Some(*key);
        }
        let key = *self.old.get(signer)?;
        self.keep(*signer, key);
        Some(key)
    }

    fn keep(&mut self, signer: Address, key: VerifyingKey) {
        if self.young.len() == GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(signer, key);
    }
}

impl std::fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let generations = self.lock();
        write!(f, "{} and {} keys", generations.young.len(), generations.old.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::keys::SecretKey;

    use super::*;

    fn entry(number: usize) -> (Address, VerifyingKey) {
        // One key under many addresses: only the addresses matter here.
        let key = SecretKey::from_seed([1; 32]).public();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        (Address::from_bytes(bytes), VerifyingKey::try_from(&key).unwrap())
    }

    fn knows(keys: &AccountKeys, number: usize) -> bool {
        keys.get([entry(number).0].iter())[0].is_some()
    }

    #[test]
    fn who_signs_again_is_remembered_and_all_others_are_forgotten() {
        let keys = AccountKeys::default();
        assert!(!knows(&keys, 0));
        for number in 0..4 * GENERATION {
            keys.keep([entry(number)].into_iter());
            assert!(knows(&keys, 0), "it was used all the time");
        }
        assert!(knows(&keys, 4 * GENERATION - 1) && !knows(&keys, 1));
        let generations = keys.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
