//! Admitted transactions that wait for an order, bounded in every direction.
//!
//! Across accounts the higher fee goes first, then the earlier arrival; within an account the nonces go in sequence.
//! [`Mempool::take`] hands transactions to a batch and keeps them, marked as in flight, until a final block settles them.

mod error;
mod index;
mod limits;
mod pool;
mod queue;
mod report;
#[cfg(test)]
mod tests;

pub use error::MempoolError;
pub use limits::MempoolLimits;
pub use logothete_primitives::limits::NONCE_WINDOW;
pub use pool::Mempool;
pub use report::{DropReason, Dropped, FinalBlock, Inserted, MempoolStats, Presence};
