//! The view clock (R7). Deadlines are computed from the state whenever they are asked for, so no
//! timer of an earlier view can be left behind (`docs/adr/0004-view-timer.md`).

use core::time::Duration;

use logothete_primitives::View;

use crate::action::EntryReason;
use crate::config::Config;

/// The current view and since when.
#[derive(Clone, Debug)]
pub struct Pacemaker {
    view: View,
    entered: Duration,
    /// Views in a row entered by a TC since the last CC.
    failed_views: u32,
    /// Since when something waits to be ordered or attested.
    pending_since: Option<Duration>,
    /// Whether the own timeout of this view was sent.
    given_up: bool,
    /// When the own messages that have not done their work are sent again.
    repeat_at: Duration,
}

impl Pacemaker {
    /// Before the first event.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            view: View::ZERO,
            entered: Duration::ZERO,
            failed_views: 0,
            pending_since: None,
            given_up: false,
            repeat_at: Duration::ZERO,
        }
    }

    /// Begins a view; how long the one before lasted.
    pub fn enter(
        &mut self,
        config: &Config,
        view: View,
        reason: EntryReason,
        now: Duration,
    ) -> Duration {
        let waited = match reason {
            EntryReason::Start => Duration::ZERO,
            _ => now.saturating_sub(self.entered),
        };
        self.view = view;
        self.entered = now;
        self.given_up = false;
        self.on_repeated(config, now);
        if reason == EntryReason::Tc {
            self.failed_views = self.failed_views.saturating_add(1);
        }
        waited
    }

    /// R7: a CC shows that views are long enough.
    pub const fn on_commit(&mut self) {
        self.failed_views = 0;
    }

    /// Whether something waits. Only the first notice counts.
    pub fn on_pending(&mut self, pending: bool, now: Duration) {
        self.pending_since = pending.then(|| self.pending_since.unwrap_or(now));
    }

    /// The own timeout left now.
    pub const fn on_timeout_sent(&mut self, config: &Config, now: Duration) {
        self.given_up = true;
        self.on_repeated(config, now);
    }

    /// The own messages left now.
    pub const fn on_repeated(&mut self, config: &Config, now: Duration) {
        self.repeat_at = now.saturating_add(config.resend_interval);
    }

    /// The current view.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// Views in a row that timed out.
    #[must_use]
    pub const fn failed_views(&self) -> u32 {
        self.failed_views
    }

    /// R7: at least 4Δ; grows by a bounded factor with each failed view, to the cap.
    #[must_use]
    pub fn timeout(&self, config: &Config) -> Duration {
        let base = config.timeout_base.max(config.delta.saturating_mul(4));
        let cap = config.timeout_max.max(base);
        let percent = config.backoff_percent.clamp(100, 400);
        let mut timeout = base;
        for _ in 0..self.failed_views {
            timeout = timeout.saturating_mul(percent) / 100;
            if timeout >= cap || percent == 100 {
                break;
            }
        }
        timeout.min(cap)
    }

    /// When this view is given up; `None` once it is.
    ///
    /// An idle leader may wait for `empty_block_interval`; a silent one with work pending may not.
    #[must_use]
    pub fn deadline(&self, config: &Config) -> Option<Duration> {
        if self.given_up {
            return None;
        }
        let timeout = self.timeout(config);
        let idle = self.idle_deadline(config).saturating_add(timeout);
        Some(match self.pending_since {
            None => idle,
            Some(since) => idle.min(self.entered.max(since).saturating_add(timeout)),
        })
    }

    /// When the own messages are sent again, if any of them has not done its work.
    #[must_use]
    pub const fn repeat_deadline(&self) -> Duration {
        self.repeat_at
    }

    /// When a leader with nothing to order proposes an empty block.
    #[must_use]
    pub const fn idle_deadline(&self, config: &Config) -> Duration {
        self.entered.saturating_add(config.empty_block_interval)
    }
}

impl Default for Pacemaker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
