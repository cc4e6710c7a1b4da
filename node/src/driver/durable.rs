//! Durable before sent: the safety state on its way to the disk.

use std::time::{Duration, Instant};

use logothete_consensus::SafetyState;
use logothete_ledger::store::{Marks, MarksFile};
use logothete_primitives::codec;

use super::DriverError;
use crate::chain::Chain;

/// How often the copy of the marks outside the database is forced to the disk.
const MARKS_SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// The newest safety state that waits to be written, and where it goes.
pub struct Durable {
    chain: Chain,
    marks: Option<MarksFile>,
    pending: Option<Box<SafetyState>>,
    /// When the marks were synced last, by the clock of the driver.
    marks_synced: Duration,
}

impl Durable {
    /// Writes to `chain`, and a copy of the marks to `marks`; a follower has none.
    pub fn new(chain: Chain, marks: Option<MarksFile>) -> Self {
        Self { chain, marks, pending: None, marks_synced: Duration::ZERO }
    }

    /// Takes a safety state; only the newest of a burst is written, for each covers those before it.
    pub fn take(&mut self, state: Box<SafetyState>) {
        self.pending = Some(state);
    }

    /// Makes the pending state, and all written before it, durable. Returns how long that took.
    ///
    /// # Errors
    /// A failure must end the process.
    pub fn flush(&mut self, now: Duration) -> Result<Option<Duration>, DriverError> {
        let Some(state) = self.pending.take() else { return Ok(None) };
        let began = Instant::now();
        self.chain.store().persist(&codec::encode(&*state))?;
        let took = began.elapsed();
        if let Some(file) = &mut self.marks {
            file.write(&marks_of(&state))?;
            if now.saturating_sub(self.marks_synced) >= MARKS_SYNC_INTERVAL {
                file.sync()?;
                self.marks_synced = now;
            }
        }
        Ok(Some(took))
    }
}

/// The marks of a safety state in the ledger's terms.
pub fn marks_of(state: &SafetyState) -> Marks {
    let marks = state.marks();
    Marks {
        epoch: marks.epoch,
        voted: marks.prepared,
        timed_out: marks.timed_out,
        commit_voted: marks.committed,
        proposed: marks.proposed,
    }
}
