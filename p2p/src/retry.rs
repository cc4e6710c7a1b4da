//! The one retry policy of the node: exponential, with jitter, a cap, a budget and a deadline.
//! Dialling, sync and submission all use it.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};

/// How often and how long to try again.
///
/// The delay before retry k is `first · factor^k`, at most `cap`, and lies between half of that and all of
/// it: the jitter keeps nodes that failed together from coming back together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Delay before the first retry.
    pub first: Duration,
    /// Growth from one delay to the next.
    pub factor: f32,
    /// Longest delay.
    pub cap: Duration,
    /// Most retries; `None` retries for ever.
    pub retries: Option<usize>,
    /// Longest sum of delays; `None` sets no deadline.
    pub budget: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DIAL
    }
}

impl RetryPolicy {
    /// For dialling: never gives up, a quarter of a second at first, ten seconds at most.
    pub const DIAL: Self = Self {
        first: Duration::from_millis(250),
        factor: 1.7,
        cap: Duration::from_secs(10),
        retries: None,
        budget: None,
    };

    /// For a request that another peer can answer as well: four quick retries.
    pub const REQUEST: Self = Self {
        first: Duration::from_millis(50),
        factor: 2.0,
        cap: Duration::from_secs(2),
        retries: Some(4),
        budget: Some(Duration::from_secs(10)),
    };

    /// The same policy with at most `retries` retries.
    #[must_use]
    pub const fn with_retries(mut self, retries: usize) -> Self {
        self.retries = Some(retries);
        self
    }

    /// The same policy with a limit on the sum of delays.
    #[must_use]
    pub const fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The delays, with jitter from the thread's generator.
    pub fn delays(&self) -> Delays {
        self.seeded_delays(rand::random())
    }

    /// Runs `operation` until it succeeds, fails for good, or the policy is exhausted; the last
    /// error is returned.
    pub async fn run<T, E, F, R>(&self, mut operation: F, is_transient: R) -> Result<T, E>
    where
        F: AsyncFnMut() -> Result<T, E>,
        R: Fn(&E) -> bool,
    {
        let mut delays = self.delays();
        loop {
            let error = match operation().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match delays.next().filter(|_| is_transient(&error)) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    /// The delays, with jitter from a seed: the same seed gives the same delays.
    ///
    /// backon adds up to one whole delay as jitter: half the delays are given to it, so that the
    /// cap holds with jitter included.
    pub fn seeded_delays(&self, seed: u64) -> Delays {
        let mut builder = ExponentialBuilder::new()
            .with_factor(self.factor.max(1.0))
            .with_min_delay(self.first / 2)
            .with_max_delay(self.cap / 2)
            .with_total_delay(self.budget)
            .with_jitter()
            .with_jitter_seed(seed);
        builder = match self.retries {
            Some(retries) => builder.with_max_times(retries),
            None => builder.without_max_times(),
        };
        Delays(Box::new(builder.build()))
    }
}

/// The delays of one run of a [`RetryPolicy`].
pub struct Delays(Box<dyn Iterator<Item = Duration> + Send>);

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

impl fmt::Debug for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delays")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_stay_under_it() {
        let delays: Vec<Duration> = RetryPolicy::DIAL.seeded_delays(7).take(40).collect();
        assert_eq!(delays.len(), 40, "dialling never gives up");
        assert!(delays[0] >= Duration::from_millis(125) && delays[0] <= Duration::from_millis(250));
        assert!(delays.iter().all(|d| *d <= RetryPolicy::DIAL.cap));
        assert!(delays[20..].iter().all(|d| *d >= RetryPolicy::DIAL.cap / 2));
    }

    #[test]
    fn one_seed_gives_one_series() {
        let series = |seed| RetryPolicy::DIAL.seeded_delays(seed).take(10).collect::<Vec<_>>();
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
    }

    #[tokio::test(start_paused = true)]
    async fn runs_until_success_or_exhaustion() {
        let mut attempts = 0;
        let done = RetryPolicy::REQUEST
            .run(
                async || {
                    attempts += 1;
                    if attempts < 3 { Err("transient") } else { Ok(attempts) }
                },
                |_| true,
            )
            .await;
        assert_eq!(done, Ok(3));

        let mut attempts = 0;
        let failed: Result<(), _> = RetryPolicy::REQUEST
            .with_retries(2)
            .run(
                async || {
                    attempts += 1;
                    Err("transient")
                },
                |_| true,
            )
            .await;
        assert_eq!((failed, attempts), (Err("transient"), 3));
    }

    #[tokio::test]
    async fn an_error_that_is_for_good_is_not_retried() {
        let mut attempts = 0;
        let failed: Result<(), _> = RetryPolicy::REQUEST
            .run(
                async || {
                    attempts += 1;
                    Err("for good")
                },
                |_| false,
            )
            .await;
        assert_eq!((failed, attempts), (Err("for good"), 1));
    }
}
