//! Dissemination: transactions travel in batches, apart from their order.
//!
//! Every validator seals what it admitted into batches and streams them to all others. A receiver checks the
//! signatures, stores the batch and acknowledges it. A proposal then names batches by hash, and a validator
//! votes only when it holds each of them. Evidence of equivocation travels beside them and is proposed whole.
//! [`Dissemination`] is a value: events go in, [`Effect`]s come out.

mod check;
mod decoded;
mod effect;
mod evidence;
mod final_blocks;
mod held;
mod limits;
mod message;
mod outbox;
pub mod payloads;
mod pool;
mod search;
mod source;
mod state;
#[cfg(test)]
mod tests;
mod turn;

pub use check::{PayloadCheck, PayloadRule};
pub use decoded::DecodedBatch;
pub use effect::{BuildRequest, Effect};
pub use evidence::{EvidencePool, EvidenceRule, offences_in};
pub use held::{BatchRules, Content, HeldBatch};
pub use limits::Limits;
pub use message::BatchMessage;
pub use outbox::Outbox;
pub use pool::BatchPool;
pub use source::BatchSource;
pub use state::{Dissemination, REMEMBERED_RESULTS, Start};
