//! The time that the core is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logothete_consensus::Now;
use tokio::time::Instant;

/// A monotonic clock beside a wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// What a simulated wall clock showed at `origin`; without it the system's is asked.
    unix_ms_at_origin: Option<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { origin: Instant::now(), unix_ms_at_origin: None }
    }
}

impl Clock {
    /// A clock whose wall time begins at `unix_ms` and goes with tokio's time, which a simulation moves.
    pub fn simulated(unix_ms: u64) -> Self {
        Self { origin: Instant::now(), unix_ms_at_origin: Some(unix_ms) }
    }

    /// The time.
    pub fn now(&self) -> Now {
        Now { mono: self.origin.elapsed(), unix_ms: self.unix_ms() }
    }

    /// Milliseconds since the Unix epoch by the wall clock; zero before it.
    pub fn unix_ms(&self) -> u64 {
        let elapsed = match self.unix_ms_at_origin {
            Some(start) => Duration::from_millis(start) + self.origin.elapsed(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// The instant of a monotonic time of this clock.
    pub fn instant(&self, mono: Duration) -> Instant {
        self.origin + mono
    }
}
