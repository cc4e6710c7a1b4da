//! Bounds and intervals of dissemination.

use std::time::Duration;

/// Bounds and intervals of dissemination.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Own batches that may wait for an order at the same time.
    pub own_batches_max: usize,
    /// Bytes held for one author before more are dropped; the author sends again later.
    pub author_bytes_max: usize,
    /// Received batches being decoded or verified at the same time.
    pub verifying_max: usize,
    /// Pause before an unacknowledged batch is sent again; it grows.
    pub resend_interval: Duration,
    /// Pause before missing batches are asked for: their author has sent them, and they may be on their way.
    pub request_delay: Duration,
    /// Pause before missing batches are asked for again.
    pub request_interval: Duration,
    /// Least time from a proposal to the next one of our own; the empty ones of an idle chain are much further apart.
    pub block_interval: Duration,
    /// Blocks that may be final but not yet executed before proposals are sent empty.
    pub execution_lag_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            own_batches_max: 16,
            author_bytes_max: 32 * 1024 * 1024,
            verifying_max: 64,
            resend_interval: Duration::from_millis(500),
            request_delay: Duration::from_millis(20),
            request_interval: Duration::from_millis(100),
            block_interval: Duration::from_millis(10),
            execution_lag_max: 16,
        }
    }
}
