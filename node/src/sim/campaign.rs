//! Many seeds on all cores.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Plan, Report, Violation, perform, run};
use crate::supervise::panic_text;

/// One run in so many is done twice, and must be the same both times.
const REPLAY_EVERY: u64 = 100;

/// What many runs did together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Runs that were done twice with the same trace.
    pub replayed: u64,
    /// Wall time.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub elapsed: Duration,
    /// Final blocks.
    pub blocks: u64,
    /// Transactions that clients were told are final.
    pub transactions: u64,
    /// Answers that were compared with the history.
    pub reads: u64,
    /// Signed messages that were looked at.
    pub messages: u64,
    /// Faults that happened, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// A hash of all runs; it does not depend on their order.
    pub trace: u64,
}

fn as_seconds<S: serde::Serializer>(time: &Duration, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_f64(time.as_secs_f64())
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.blocks += report.height;
        self.transactions += report.transactions;
        self.reads += report.reads;
        self.messages += report.messages;
        self.trace ^= report.trace;
        for (name, count) in &report.faults {
            *self.faults.entry(name).or_default() += count;
        }
    }
}

/// Runs seeds until all are done, time is up, or one breaks a promise.
///
/// # Errors
/// The violation of the lowest seed that was found to break a promise.
pub fn campaign(
    seeds: Range<u64>,
    threads: usize,
    limit: Option<Duration>,
    progress: &(dyn Fn(&Totals) + Sync),
) -> Result<Totals, Box<Violation>> {
    let began = Instant::now();
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let state = Mutex::new((Totals::default(), None::<Box<Violation>>));
    let work = || {
        while !stop.load(Ordering::Relaxed) && limit.is_none_or(|limit| began.elapsed() < limit) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let replay = seed.is_multiple_of(REPLAY_EVERY);
            let outcome = guarded(seed).and_then(|report| match replay {
                true => replayed(seed, &report).map(|()| report),
                false => Ok(report),
            });
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(report) => {
                    state.0.add(&report);
                    state.0.replayed += u64::from(replay);
                    state.0.elapsed = began.elapsed();
                    progress(&state.0);
                }
                Err(violation) => {
                    stop.store(true, Ordering::Relaxed);
                    if state.1.as_ref().is_none_or(|first| violation.seed < first.seed) {
                        state.1 = Some(violation);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    let (totals, violation) = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    violation.map_or(Ok(totals), Err)
}

/// A panic outside of the stages is a violation too.
fn guarded(seed: u64) -> Result<Report, Box<Violation>> {
    catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|payload| {
        let (what, plan, journal) = (panic_text(&*payload), Plan::draw(seed), Vec::new());
        Err(Box::new(Violation { seed, what, plan, journal }))
    })
}

fn replayed(seed: u64, first: &Report) -> Result<(), Box<Violation>> {
    let again = guarded(seed)?;
    if again == *first {
        return Ok(());
    }
    let plan = Plan::draw(seed);
    let [(_, one), (_, other)] = [perform(plan.clone()), perform(plan.clone())];
    let parting = one.iter().zip(&other).position(|(a, b)| a.to_string() != b.to_string());
    let seen = parting.map(|at| format!("{} and {}", one[at], other[at])).unwrap_or_default();
    let what = format!("two runs differ: {first:?} and {again:?}; they part at {seen}");
    Err(Box::new(Violation { seed, what, plan, journal: one }))
}
