//! Transactions whose signatures were checked lately.
//!
//! A transaction comes more than once: from a client, from another validator's batch, again from a client that insists. The hash covers its
//! signatures, so whoever knows the hash of one that held knows the verdict. Only good ones are remembered, and no more than a fixed number of
//! them: what peers make up costs a check each time, and no memory.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use logothete_primitives::identifiers::TxHash;

use crate::account_keys::AccountKeys;
use crate::admission::Candidate;
use crate::recent::Recent;

/// Transactions of one generation; two take about 4 MB.
const GENERATION: usize = 32 * 1024;

/// What was found to hold on one chain: a bounded set of transactions, and the keys that signed them.
pub struct Verified {
    pub(crate) keys: AccountKeys,
    transactions: Mutex<Recent<TxHash, ()>>,
}

impl Default for Verified {
    fn default() -> Self {
        Self { keys: AccountKeys::default(), transactions: Mutex::new(Recent::new(GENERATION)) }
    }
}

impl Verified {
    fn lock(&self) -> MutexGuard<'_, Recent<TxHash, ()>> {
        // What is in it is true whatever happened to another thread.
        self.transactions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of the candidates are known to hold, in their order.
    pub(crate) fn known(&self, candidates: &[Candidate]) -> Vec<bool> {
        let recent = self.lock();
        candidates.iter().map(|candidate| recent.get(&candidate.hash).is_some()).collect()
    }

    /// Remembers transactions that hold.
    pub(crate) fn keep(&self, hashes: impl Iterator<Item = TxHash>) {
        let mut recent = self.lock();
        hashes.for_each(|hash| recent.put(hash, ()));
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} transactions, {:?}", self.lock().len(), self.keys)
    }
}
