//! What went on in the last views: who led, who was heard after how long, how it ended.
//!
//! The core has no clock and forgets what it no longer needs; here the driver writes down, for people, when what it
//! was told of arrived.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use logothete_consensus::EntryReason;
use logothete_primitives::{ValidatorIndex, View};

use crate::metrics::VoteKind;

/// Views that are remembered.
pub const VIEWS: usize = 200;
/// Votes of views not entered yet that are remembered. A replica keeps those of two views ahead (R8).
const EARLY_MAX: usize = 1_024;

/// When the messages of a validator came, after the view was entered here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Its prepare vote.
    pub prepare: Option<Duration>,
    /// Its commit vote.
    pub commit: Option<Duration>,
    /// Its timeout.
    pub timeout: Option<Duration>,
}

impl Delays {
    fn slot(&mut self, kind: VoteKind) -> &mut Option<Duration> {
        match kind {
            VoteKind::Prepare => &mut self.prepare,
            VoteKind::Commit => &mut self.commit,
            VoteKind::Timeout => &mut self.timeout,
        }
    }
}

/// A view as this node lived it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenView {
    /// The view.
    pub view: View,
    /// Who led it, if the chain that decides it was at hand.
    pub leader: Option<ValidatorIndex>,
    /// When it was entered, by the wall clock, in milliseconds since the Unix epoch.
    pub entered_ms: u64,
    /// How long a view without progress lasted then.
    pub timer: Duration,
    /// By which certificate it was left, and after how long.
    pub ended: Option<(EntryReason, Duration)>,
    /// By validator.
    pub votes: Vec<Delays>,
    entered: Duration,
}

/// A view that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) view: View,
    pub(super) leader: Option<ValidatorIndex>,
    /// What brought it, and ended the one before.
    pub(super) reason: EntryReason,
    pub(super) timer: Duration,
    /// Now, by both clocks.
    pub(super) mono: Duration,
    pub(super) unix_ms: u64,
}

/// The last views. A clone is the same log.
#[derive(Clone)]
pub struct ViewLog(Arc<Mutex<Views>>);

struct Views {
    validators: usize,
    seen: VecDeque<SeenView>,
    early: VecDeque<(View, ValidatorIndex, VoteKind)>,
}

impl ViewLog {
    /// An empty log about so many validators.
    pub fn new(validators: usize) -> Self {
        let views = Views { validators, seen: VecDeque::new(), early: VecDeque::new() };
        Self(Arc::new(Mutex::new(views)))
    }

    /// A view was entered.
    pub(super) fn entered(&self, entry: Entry) {
        let mut views = self.lock();
        if let Some(last) = views.seen.back_mut() {
            last.ended = Some((entry.reason, entry.mono.saturating_sub(last.entered)));
        }
        if views.seen.len() == VIEWS {
            views.seen.pop_front();
        }
        let votes = vec![Delays::default(); views.validators];
        let Entry { view, leader, timer, unix_ms: entered_ms, mono: entered, .. } = entry;
        views.seen.push_back(SeenView {
            view,
            leader,
            entered_ms,
            timer,
            ended: None,
            votes,
            entered,
        });
        let early = std::mem::take(&mut views.early);
        for (of, index, kind) in early {
            if of == view {
                views.note((of, index, kind), entered);
            } else if of > view {
                views.early.push_back((of, index, kind));
            }
        }
    }

    /// A vote or timeout arrived, or left if it is our own. The first of its kind counts.
    pub(super) fn voted(&self, vote: (View, ValidatorIndex, VoteKind), mono: Duration) {
        let mut views = self.lock();
        if views.seen.back().is_some_and(|last| vote.0 <= last.view) {
            views.note(vote, mono);
        } else if views.early.len() < EARLY_MAX {
            views.early.push_back(vote);
        }
    }

    /// A view, if it is remembered.
    pub fn view(&self, view: View) -> Option<SeenView> {
        let views = self.lock();
        views.seen.iter().rev().find(|seen| seen.view == view).cloned()
    }

    /// The views above one, newest first.
    pub fn above(&self, view: View) -> Vec<SeenView> {
        let views = self.lock();
        views.seen.iter().rev().take_while(|seen| seen.view > view).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Views> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Views {
    fn note(&mut self, (view, index, kind): (View, ValidatorIndex, VoteKind), mono: Duration) {
        let Some(seen) = self.seen.iter_mut().rev().find(|seen| seen.view == view) else { return };
        let after = mono.saturating_sub(seen.entered);
        if let Some(delays) = seen.votes.get_mut(index.as_usize()) {
            delays.slot(kind).get_or_insert(after);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn entry(view: u64, reason: EntryReason, mono: Duration) -> Entry {
        let leader = Some(ValidatorIndex::new(1));
        Entry { view: View::new(view), leader, reason, timer: MS(1_000), mono, unix_ms: 5 }
    }

    fn vote(view: u64, index: u16, kind: VoteKind) -> (View, ValidatorIndex, VoteKind) {
        (View::new(view), ValidatorIndex::new(index), kind)
    }

    #[test]
    fn a_view_is_told_with_its_votes_and_its_end() {
        let log = ViewLog::new(2);
        log.entered(entry(7, EntryReason::Start, MS(100)));
        log.voted(vote(7, 0, VoteKind::Prepare), MS(112));
        log.voted(vote(7, 0, VoteKind::Prepare), MS(900));
        log.voted(vote(7, 9, VoteKind::Prepare), MS(113));
        log.voted(vote(8, 1, VoteKind::Prepare), MS(115));
        log.entered(entry(8, EntryReason::Qc, MS(120)));
        log.voted(vote(7, 1, VoteKind::Commit), MS(130));
        let seventh = log.view(View::new(7)).unwrap();
        assert_eq!(seventh.ended, Some((EntryReason::Qc, MS(20))));
        assert_eq!(seventh.votes[0].prepare, Some(MS(12)), "a repeated vote changes nothing");
        assert_eq!(seventh.votes[1].commit, Some(MS(30)), "it comes after the view was left");
        let eighth = log.view(View::new(8)).unwrap();
        assert_eq!((eighth.ended, eighth.votes[1].prepare), (None, Some(MS(0))), "it came early");
        assert_eq!(log.view(View::new(9)), None);
        let above: Vec<u64> = log.above(View::new(6)).iter().map(|seen| seen.view.get()).collect();
        assert_eq!(above, [8, 7]);
    }

    #[test]
    fn the_log_is_bounded() {
        let log = ViewLog::new(1);
        for view in 0..500 {
            log.entered(entry(view, EntryReason::Tc, MS(view)));
        }
        for view in 1_000..5_000 {
            log.voted(vote(view, 0, VoteKind::Timeout), MS(1));
        }
        let views = log.lock();
        assert_eq!((views.seen.len(), views.early.len()), (VIEWS, EARLY_MAX));
    }
}
