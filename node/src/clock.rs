//! The time that the core is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logothete_consensus::Now;
use tokio::time::Instant;

/// A monotonic clock beside the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock {
    /// The time.
    pub fn now(&self) -> Now {
        Now { mono: self.origin.elapsed(), unix_ms: unix_ms() }
    }

    /// The instant of a monotonic time of this clock.
    pub fn instant(&self, mono: Duration) -> Instant {
        self.origin + mono
    }
}

/// Milliseconds since the Unix epoch by the wall clock; zero before it.
pub fn unix_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
