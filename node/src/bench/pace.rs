//! When transactions may be handed in: at once, or at a rate that all workers share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Shortest sleep of the clock: what becomes due in between is released together.
const QUANTUM: Duration = Duration::from_micros(200);

/// The pace of a load.
#[derive(Clone, Debug)]
pub struct Pace {
    stopped: Arc<AtomicBool>,
    schedule: Option<Arc<Schedule>>,
}

impl Pace {
    /// At a rate, or as fast as accounts come back.
    #[must_use]
    pub fn new(rate: Option<u64>) -> Self {
        let schedule = rate.map(|rate| {
            let schedule = Arc::new(Schedule::new(rate));
            let clock = Arc::downgrade(&schedule);
            // The timer of tokio counts whole milliseconds, and they would be in every latency.
            std::thread::spawn(move || release(&clock));
            schedule
        });
        Self { stopped: Arc::new(AtomicBool::new(false)), schedule }
    }

    /// Nothing more is handed in.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(schedule) = &self.schedule {
            schedule.turns.close();
        }
    }

    /// Whether [`Pace::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Waits for turns and takes up to `most` that are due, each with the time it was due; none when it is over.
    ///
    /// The latency of a transaction counts from when it was due, not from when an account was free for
    /// it: a system that falls behind must not look faster by being asked less.
    pub async fn take(&self, most: usize) -> Vec<Instant> {
        match &self.schedule {
            None => vec![Instant::now(); most],
            Some(_) if most == 0 => Vec::new(),
            Some(schedule) => schedule.take(most).await,
        }
    }
}

/// Turns at a rate. A turn is released when its share of a second has passed, and is due from then on.
#[derive(Debug)]
struct Schedule {
    began: Instant,
    rate: u64,
    /// Turns that are due and not taken.
    turns: Semaphore,
    taken: AtomicU64,
}

impl Schedule {
    fn new(rate: u64) -> Self {
        let (turns, taken) = (Semaphore::new(0), AtomicU64::new(0));
        Self { began: Instant::now(), rate: rate.max(1), turns, taken }
    }

    /// How many turns are due after so long.
    fn due_after(&self, elapsed: Duration) -> u64 {
        let turns = elapsed.as_micros() * u128::from(self.rate) / 1_000_000;
        u64::try_from(turns).unwrap_or(u64::MAX)
    }

    /// When a turn is due, counted from one.
    fn due_at(&self, turn: u64) -> Instant {
        self.began + Duration::from_micros(turn.saturating_mul(1_000_000).div_ceil(self.rate))
    }

    async fn take(&self, most: usize) -> Vec<Instant> {
        let Ok(turn) = self.turns.acquire().await else { return Vec::new() };
        turn.forget();
        let mut count = 1;
        while count < most
            && let Ok(turn) = self.turns.try_acquire()
        {
            turn.forget();
            count += 1;
        }
        let count = count as u64;
        let first = self.taken.fetch_add(count, Ordering::Relaxed) + 1;
        (first..first + count).map(|turn| self.due_at(turn)).collect()
    }
}

/// Releases turns as they become due, until nobody takes any.
fn release(schedule: &Weak<Schedule>) {
    let mut released = 0;
    while let Some(schedule) = schedule.upgrade() {
        if schedule.turns.is_closed() {
            return;
        }
        let due = schedule.due_after(schedule.began.elapsed());
        schedule.turns.add_permits(usize::try_from(due - released).unwrap_or(0));
        released = due;
        let next = schedule.due_at(released + 1);
        drop(schedule);
        std::thread::sleep(next.saturating_duration_since(Instant::now()).max(QUANTUM));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_due_when_its_share_of_a_second_has_passed() {
        for rate in [1, 3, 1_000, 7_777] {
            let schedule = Schedule::new(rate);
            for turn in [1, 2, 100, 12_345] {
                let due = schedule.due_at(turn) - schedule.began;
                assert_eq!(schedule.due_after(due), turn, "{rate} a second");
                assert_eq!(schedule.due_after(due - Duration::from_micros(1)), turn - 1);
            }
        }
    }

    #[tokio::test]
    async fn turns_come_once_each_and_none_before_it_is_due() {
        let pace = Pace::new(Some(2_000));
        let mut turns = Vec::new();
        while turns.len() < 100 {
            let some = pace.take(20).await;
            assert!((1..=20).contains(&some.len()), "as many as asked for: {}", some.len());
            assert!(some.iter().all(|due| *due <= Instant::now()));
            turns.extend(some);
        }
        assert!(turns.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(turns[99] - turns[0], Duration::from_micros(99 * 500));
        assert!(pace.take(0).await.is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_turn_hears_of_the_end() {
        let pace = Pace::new(Some(1));
        let waiting = tokio::spawn({
            let pace = pace.clone();
            async move { pace.take(1).await }
        });
        tokio::task::yield_now().await;
        pace.stop();
        assert_eq!(waiting.await.map_err(|error| error.to_string()), Ok(Vec::new()));
        assert!(pace.is_stopped());
    }
}
