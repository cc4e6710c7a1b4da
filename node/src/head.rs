//! The newest height that is final, executed and stored: what reads are answered from.

use logothete_consensus::Executed;
use logothete_primitives::{BlockHash, Height, TimestampMs, View};

/// The head of the local ledger. A read never sees more or less than one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height of the block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// The view it was proposed in.
    pub view: View,
    /// The time its proposer stamped on it.
    pub timestamp: TimestampMs,
    /// The local result of this height.
    pub executed: Executed,
    /// The newest result that a final block attests.
    pub attested: Executed,
}
