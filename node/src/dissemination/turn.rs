//! A leader's turn to propose, and how long it waits.
//!
//! A round costs the same whether its block orders one transaction or a thousand. Without a pause, a trickle of
//! transactions would keep every node busy with rounds; with it, the first transaction after a pause waits for nothing.

use std::time::Duration;

use super::effect::BuildRequest;

/// A wish for a payload that is not answered yet. When it may be answered is settled when it is made: what others
/// propose meanwhile does not move it.
#[derive(Debug)]
pub(super) struct Turn {
    request: BuildRequest,
    earliest: Duration,
    has_come: bool,
}

impl Turn {
    /// A wish made at `now` that may be answered from `earliest` on.
    pub(super) fn new(now: Duration, earliest: Duration, request: BuildRequest) -> Self {
        Self { request, earliest, has_come: earliest <= now }
    }

    /// What is wished for.
    pub(super) const fn request(&self) -> &BuildRequest {
        &self.request
    }

    /// From when on it may be answered.
    pub(super) const fn earliest(&self) -> Duration {
        self.earliest
    }

    /// Whether it may be answered, as far as the time was told.
    pub(super) const fn has_come(&self) -> bool {
        self.has_come
    }

    /// When [`Turn::advance`] must be called, if it still has to be.
    pub(super) fn deadline(&self) -> Option<Duration> {
        (!self.has_come).then_some(self.earliest)
    }

    /// Tells the time; `true` when that lets the turn come.
    pub(super) fn advance(&mut self, now: Duration) -> bool {
        let comes = !self.has_come && self.earliest <= now;
        self.has_come |= comes;
        comes
    }
}
