//! Parameters, and what a replica is started with.

use alloc::vec::Vec;
use core::time::Duration;

use crate::block::{Block, BlockHeader};
use crate::certificate::{CommitCert, QuorumCert};
use crate::safety_state::SafetyState;

/// Timing of one replica. Replicas may differ in it without harm to safety.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Δ: how long a message between honest validators takes at most, most of the time.
    pub delta: Duration,
    /// R7: the timeout of a view after progress; raised to 4Δ if it is less.
    pub timeout_base: Duration,
    /// R7: the cap of the timeout.
    pub timeout_max: Duration,
    /// R7: how the timeout grows with each view that timed out, in percent (150 is half as much
    /// again); kept between 100 and 400.
    pub backoff_percent: u32,
    /// How long a leader with nothing to order waits before it proposes an empty block.
    pub empty_block_interval: Duration,
    /// How far a block's timestamp may be from the own clock.
    pub max_clock_drift_ms: u64,
    /// How often timeouts, fetches and questions are sent again.
    pub resend_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            delta: Duration::from_millis(100),
            timeout_base: Duration::from_millis(1000),
            timeout_max: Duration::from_secs(20),
            backoff_percent: 150,
            empty_block_interval: Duration::from_secs(5),
            max_clock_drift_ms: 10_000,
            resend_interval: Duration::from_millis(500),
        }
    }
}

/// The last final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedRoot {
    /// Its header; the genesis header on a new chain.
    pub header: BlockHeader,
    /// Its QC, if it is stored (the child's justification is the same thing).
    pub qc: Option<QuorumCert>,
    /// What made it final, unless it is the genesis block.
    pub cc: Option<CommitCert>,
}

impl CommittedRoot {
    /// The start of the chain.
    #[must_use]
    pub const fn genesis(header: BlockHeader) -> Self {
        Self { header, qc: None, cc: None }
    }
}

/// What was on disk when the process started.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// `None` for a validator means amnesia (R10). A new key made together with a new directory has
    /// [`SafetyState::fresh`].
    pub safety: Option<SafetyState>,
    /// The last final block.
    pub committed: CommittedRoot,
    /// Headers of final blocks up to and with `committed`, oldest first, for the election of
    /// leaders: all whose view is at least
    /// [`LeaderElection::history_from`](crate::LeaderElection::history_from) of the committed view,
    /// and the one before them. More do no harm.
    pub recent: Vec<BlockHeader>,
    /// Durable blocks above `committed`, each with the certificate of its parent, in any order.
    pub blocks: Vec<(Block, QuorumCert)>,
    /// Random, fresh for each start: the core has no randomness of its own (R10).
    pub nonce: [u8; 32],
}

impl Recovered {
    /// A replica at the start of the chain.
    #[must_use]
    pub const fn genesis(
        header: BlockHeader,
        safety: Option<SafetyState>,
        nonce: [u8; 32],
    ) -> Self {
        let committed = CommittedRoot::genesis(header);
        Self { safety, committed, recent: Vec::new(), blocks: Vec::new(), nonce }
    }
}
