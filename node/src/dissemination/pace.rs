//! The least time between two blocks.
//!
//! A round costs the same whether its block orders one transaction or a thousand. Without a pause, a trickle of
//! transactions would keep every node busy with rounds; with it, the first transaction after a pause waits for nothing.

use std::time::Duration;

/// When the next block may be proposed.
#[derive(Debug, Default)]
pub(super) struct Pace {
    interval: Duration,
    now: Duration,
    next: Duration,
    held_back: bool,
}

impl Pace {
    /// Blocks at least `interval` apart.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, ..Self::default() }
    }

    /// The time has come this far.
    pub(super) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// A block was proposed, by us or by another.
    pub(super) fn block(&mut self) {
        self.next = self.now + self.interval;
        self.held_back = false;
    }

    /// Whether a block may be proposed now; if not, [`Pace::deadline`] says when.
    pub(super) fn permits(&mut self) -> bool {
        self.held_back = self.now < self.next;
        !self.held_back
    }

    /// When a block that was held back may be proposed.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.held_back.then_some(self.next)
    }
}
