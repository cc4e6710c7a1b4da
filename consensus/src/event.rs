//! What goes into [`Replica::step`](crate::Replica::step).

use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, View};

use crate::block::{Block, Executed};
use crate::certificate::{CommitCert, QuorumCert};
use crate::message::Message;
use crate::rejection::PayloadFault;
use crate::verify::Verified;

/// The time of an event. The core has no clock: the driver says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, since any fixed origin; all timers run on it.
    pub mono: Duration,
    /// Wall clock in milliseconds since the Unix epoch; only blocks are stamped and compared by it.
    pub unix_ms: u64,
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The first event of every run: enter the current view, send the last messages again.
    Started,
    /// A message of another validator. Who it is from is in the message, signed.
    Message(Verified<Message>),
    /// The time of [`Replica::next_deadline`](crate::Replica::next_deadline) has come.
    Tick,
    /// Whether something waits to be ordered or attested. A silent leader is timed out only then.
    PendingWork(bool),
    /// The answer to [`Action::BuildPayload`](crate::Action::BuildPayload).
    PayloadBuilt {
        /// The view that was asked for; an answer for another one is dropped.
        view: View,
        /// What the block orders.
        payload: Vec<u8>,
        /// The latest results that may be attested on the parent that was named.
        executed: Executed,
    },
    /// The answer to [`Action::CheckPayload`](crate::Action::CheckPayload). It comes only when all
    /// batches of the block are stored and `executed` was compared with the own results.
    PayloadChecked {
        /// The block.
        block: BlockHash,
        /// Whether it may be voted for.
        verdict: Result<(), PayloadFault>,
    },
    /// The answer to [`Action::FetchBlock`](crate::Action::FetchBlock).
    Block {
        /// The block. The core checks its hash and its body.
        block: Block,
        /// The certificate of its parent, kept beside every block.
        qc: Verified<QuorumCert>,
    },
    /// From sync: the chain from the committed block (exclusive, older ones are passed over) up to
    /// `cc.block`. The driver has stored these blocks with their certificates; the core answers
    /// with [`Action::Commit`](crate::Action::Commit) for those that are new to it.
    Committed {
        /// Oldest first.
        blocks: Vec<Block>,
        /// Makes the last one final.
        cc: Verified<CommitCert>,
    },
}
