//! Keys of accounts that signed lately, ready to verify.
//!
//! An address is a compressed key, and unpacking one costs half as much as checking its signature in a large batch. Whoever
//! signs often is unpacked once. Only keys whose signatures held are kept, and no more than a fixed number of them.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use logothete_primitives::address::Address;
use logothete_primitives::keys::VerifyingKey;

use crate::recent::Recent;

/// Keys of one generation; two take about 15 MB.
const GENERATION: usize = 32 * 1024;

/// A bounded set of unpacked keys.
pub struct AccountKeys(Mutex<Recent<Address, VerifyingKey>>);

impl Default for AccountKeys {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(GENERATION)))
    }
}

impl AccountKeys {
    fn lock(&self) -> MutexGuard<'_, Recent<Address, VerifyingKey>> {
        // What is in it is true whatever happened to another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that are known, in the order of the signers.
    pub(crate) fn get<'a>(
        &self,
        signers: impl Iterator<Item = &'a Address>,
    ) -> Vec<Option<VerifyingKey>> {
        let recent = self.lock();
        signers.map(|signer| recent.get(signer).copied()).collect()
    }

    /// Keeps keys whose signatures held.
    pub(crate) fn keep(&self, keys: impl Iterator<Item = (Address, VerifyingKey)>) {
        let mut recent = self.lock();
        keys.for_each(|(signer, key)| recent.put(signer, key));
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.lock().len())
    }
}
