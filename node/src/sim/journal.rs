//! What happened in a run, for whoever has to understand a violation.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines that are kept; the oldest go first.
const LINES_MAX: usize = 20_000;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Line {
    /// Virtual time since the run began.
    pub at: Duration,
    /// The member it happened to.
    pub member: Option<usize>,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.6} s  ", self.at.as_secs_f64())?;
        match self.member {
            Some(member) => write!(f, "{:width$}v{member}  {}", "", self.what, width = member * 3),
            None => write!(f, "-- {}", self.what),
        }
    }
}

struct Inner {
    lines: VecDeque<Line>,
    faults: BTreeMap<&'static str, u64>,
    violation: Option<String>,
}

/// The shared record of a run; the first broken promise counts.
#[derive(Clone)]
pub(super) struct Journal {
    began: Instant,
    inner: Arc<Mutex<Inner>>,
}

impl Journal {
    /// An empty record.
    pub(super) fn new() -> Self {
        let inner = Inner { lines: VecDeque::new(), faults: BTreeMap::new(), violation: None };
        Self { began: Instant::now(), inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Virtual time since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Records something that happened to a member.
    pub(super) fn note(&self, member: impl Into<Option<usize>>, what: impl Into<String>) {
        let line = Line { at: self.began.elapsed(), member: member.into(), what: what.into() };
        let mut inner = self.lock();
        if inner.lines.len() == LINES_MAX {
            inner.lines.pop_front();
        }
        inner.lines.push_back(line);
    }

    /// Counts a fault that happened.
    pub(super) fn fault(&self, name: &'static str, member: impl Into<Option<usize>>, detail: &str) {
        *self.lock().faults.entry(name).or_default() += 1;
        self.note(member, format!("{name} {detail}"));
    }

    /// Counts what came of faults.
    pub(super) fn count(&self, name: &'static str, count: u64) {
        if count > 0 {
            *self.lock().faults.entry(name).or_default() += count;
        }
    }

    /// Records a broken promise.
    pub(super) fn violate(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(None, format!("VIOLATION: {what}"));
        self.lock().violation.get_or_insert(what);
    }

    /// The first broken promise.
    pub(super) fn violation(&self) -> Option<String> {
        self.lock().violation.clone()
    }

    /// The faults by name.
    pub(super) fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.lock().faults.clone()
    }

    /// All that was recorded, oldest first.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.lock().lines.iter().cloned().collect()
    }
}
