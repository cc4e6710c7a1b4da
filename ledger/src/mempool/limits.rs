//! The bounds of a mempool.

use std::time::Duration;

use logothete_primitives::amount::Amount;
use logothete_primitives::limits::{MAX_TX_BYTES, NONCE_WINDOW};

/// How much a mempool holds. A node's own choice: it is no rule of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions.
    pub count: usize,
    /// Most bytes of encoded transactions.
    pub bytes: usize,
    /// Most transactions of one sender, in flight ones included.
    pub per_account: usize,
    /// Least fee for a unit of work.
    pub min_price: Amount,
    /// By how many percent the fee must rise to replace a transaction of the same nonce.
    pub replace_percent: u64,
    /// For how many blocks a transaction waits that is never taken, whatever its expiry.
    pub lifetime_blocks: u64,
    /// Expected time from one final block to the next, for the hint when to try again.
    pub block_interval: Duration,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            count: 100_000,
            bytes: 64 * 1024 * 1024,
            per_account: usize::try_from(NONCE_WINDOW).unwrap_or(usize::MAX),
            min_price: Amount::ZERO,
            replace_percent: 10,
            lifetime_blocks: 100_000,
            block_interval: Duration::from_millis(50),
        }
    }
}

impl MempoolLimits {
    /// Least fee that replaces a transaction with this fee; always more than it.
    pub(super) fn replacement_fee(&self, fee: Amount) -> Amount {
        let units = u128::from(fee.units());
        let rise = (units * u128::from(self.replace_percent)).div_ceil(100).max(1);
        Amount::new(u64::try_from(units + rise).unwrap_or(u64::MAX))
    }

    /// Whether one transaction of any size fits into an empty mempool.
    pub fn is_usable(&self) -> bool {
        self.count > 0 && self.per_account > 0 && self.bytes >= MAX_TX_BYTES
    }
}
