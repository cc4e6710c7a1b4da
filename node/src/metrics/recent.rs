//! Times of the last minute, for people who look at a node and not at a dashboard.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a time is remembered.
const WINDOW: Duration = Duration::from_secs(60);
/// Most times that are remembered; above it the oldest goes.
const SAMPLES_MAX: usize = 4_096;

/// A bounded window of recent times.
#[derive(Default)]
pub struct Recent {
    samples: Mutex<VecDeque<(Instant, Duration)>>,
}

impl Recent {
    /// Remembers a time.
    pub fn record(&self, time: Duration) {
        self.record_at(Instant::now(), time);
    }

    /// The median and the 99th percentile; `None` when nothing happened for a minute.
    pub fn percentiles(&self) -> Option<(Duration, Duration)> {
        self.percentiles_at(Instant::now())
    }

    fn record_at(&self, now: Instant, time: Duration) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == SAMPLES_MAX {
            samples.pop_front();
        }
        samples.push_back((now, time));
    }

    fn percentiles_at(&self, now: Instant) -> Option<(Duration, Duration)> {
        let mut times: Vec<Duration> = {
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            let old = samples.partition_point(|(at, _)| now.duration_since(*at) > WINDOW);
            samples.drain(..old);
            samples.iter().map(|(_, time)| *time).collect()
        };
        times.sort_unstable();
        let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1);
        Some((*rank(50)?, *rank(99)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_cover_the_last_minute_only() {
        let recent = Recent::default();
        let start = Instant::now();
        assert_eq!(recent.percentiles_at(start), None);
        recent.record_at(start, Duration::from_secs(9));
        let later = start + Duration::from_secs(50);
        for ms in 1..=100 {
            recent.record_at(later, Duration::from_millis(ms));
        }
        let now = start + Duration::from_secs(61);
        let ms = Duration::from_millis;
        assert_eq!(recent.percentiles_at(now), Some((ms(50), ms(99))));
        assert_eq!(recent.percentiles_at(now + WINDOW), None);
    }

    #[test]
    fn the_window_is_bounded() {
        let recent = Recent::default();
        for _ in 0..SAMPLES_MAX + 10 {
            recent.record(Duration::ZERO);
        }
        assert_eq!(recent.samples.lock().map(|s| s.len()).ok(), Some(SAMPLES_MAX));
    }
}
