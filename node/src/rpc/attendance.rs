//! Whose votes are missing, and what that means for the chain.

use std::time::Duration;

use logothete_client::rpc::types::{Absence, Attendance};
use logothete_consensus::{Mode, Status};
use logothete_primitives::{Power, TimestampMs, ValidatorIndex, ValidatorSet, View};

use crate::service::VoteWatch;

/// How long a validator may be silent while views go by.
const SILENCE: Duration = Duration::from_secs(3);
/// How long it may be silent once this node has given up the view: who lives sends its timeout
/// again every tick (R5).
const SILENCE_IN_STALL: Duration = Duration::from_secs(2);
/// Who is connected answers pings, which are sent every five seconds, whatever else it does.
const NO_ANSWER: Duration = Duration::from_secs(7);
/// How much later than ours the timer of another may run out.
const TIMER_SPREAD: Duration = Duration::from_secs(1);

/// What is known when attendance is taken.
pub(super) struct Sight<'a> {
    pub(super) set: &'a ValidatorSet,
    pub(super) status: &'a Status,
    pub(super) votes: &'a VoteWatch,
    /// What the network says of a validator.
    pub(super) reach: &'a dyn Fn(ValidatorIndex) -> Reach,
    /// Now and the start of the process, in milliseconds since the Unix epoch.
    pub(super) now_ms: u64,
    pub(super) started_ms: u64,
    /// The longest pause between blocks of an idle chain.
    pub(super) idle: Duration,
}

/// The list of the validators, with those marked whose votes are awaited and do not come.
pub(super) struct Roll {
    pub(super) members: Vec<Attendance>,
    pub(super) power_present: Power,
    /// When it was taken, in milliseconds since the Unix epoch.
    pub(super) now_ms: u64,
}

/// What the network says of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It is connected; nothing at all was heard of it for so long.
    Connected { silent: Duration },
    /// It closed its last connection.
    Gone,
    /// Its last connection ended because it answered nothing.
    Unreachable,
    /// It is not let in, or does not let us in.
    Refused,
    /// It was never connected.
    Never,
}

impl Roll {
    pub(super) fn take(sight: &Sight<'_>) -> Self {
        let members: Vec<Attendance> = sight
            .set
            .iter()
            .map(|(index, member)| {
                let missing = sight.misses(index);
                Attendance {
                    index: index.get(),
                    name: member.name.to_string(),
                    power: member.power,
                    last_vote_view: sight.last_vote_view(index),
                    last_heard: sight.last_heard(index),
                    missing,
                    absence: missing.then(|| sight.absence(index)),
                }
            })
            .collect();
        let present = members.iter().filter(|member| !member.missing);
        let power_present = present.map(|member| member.power).sum();
        Self { members, power_present, now_ms: sight.now_ms }
    }

    /// The names of those who are missing.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = self.members.iter().filter(|member| member.missing);
        missing.map(|member| member.name.clone()).collect()
    }
}

impl Sight<'_> {
    /// Whether the votes of a member are awaited and do not come. A vote in hand is no sign of
    /// life: its signer may have died after it.
    fn misses(&self, index: ValidatorIndex) -> bool {
        let status = self.status;
        if status.index == Some(index) {
            return matches!(status.mode, Mode::Learner { .. });
        }
        let seen_ms = last(&self.votes.last_seen_ms, index);
        // Votes go from validator to validator; who is none may never hear them.
        if status.index.is_none() && seen_ms == 0 {
            return false;
        }
        let silent = self.now_ms.saturating_sub(seen_ms.max(self.started_ms));
        Duration::from_millis(silent) > self.patience()
    }

    fn absence(&self, index: ValidatorIndex) -> Absence {
        if self.status.amnesiacs.contains(index) {
            return Absence::Learning;
        }
        match (self.reach)(index) {
            Reach::Connected { silent } if silent > NO_ANSWER => Absence::Unreachable,
            Reach::Connected { .. } => Absence::Silent,
            Reach::Gone => Absence::Gone,
            Reach::Unreachable => Absence::Unreachable,
            Reach::Refused => Absence::Refused,
            Reach::Never => Absence::NeverReached,
        }
    }

    fn last_heard(&self, index: ValidatorIndex) -> Option<TimestampMs> {
        let seen_ms = last(&self.votes.last_seen_ms, index);
        (seen_ms > 0).then(|| TimestampMs::new(seen_ms))
    }

    fn patience(&self) -> Duration {
        let status = self.status;
        if status.index.is_some_and(|own| status.timeouts.contains(own)) {
            return SILENCE_IN_STALL;
        }
        SILENCE.max(self.idle * 3).max(self.idle + status.timeout + TIMER_SPREAD)
    }

    /// The highest view in which a vote or timeout of a member was seen, or was signed here.
    fn last_vote_view(&self, index: ValidatorIndex) -> View {
        match &self.status.marks {
            Some(marks) if self.status.index == Some(index) => {
                marks.prepared.max(marks.committed).max(marks.timed_out)
            }
            _ => View::new(last(&self.votes.last_view, index)),
        }
    }
}

fn last(values: &[u64], index: ValidatorIndex) -> u64 {
    values.get(index.as_usize()).copied().unwrap_or(0)
}

/// What a node that only learns waits for (R10).
pub(super) fn learning(set: &ValidatorSet, status: &Status) -> Option<String> {
    let Mode::Learner { statements, above } = &status.mode else { return None };
    let lost = set.power_of(&status.amnesiacs);
    if lost > set.max_faulty() {
        return Some(format!(
            "learning: power {lost} of {} lost its safety state, more than may fail ({}); \
             the chain waits for their records",
            set.total_power(),
            set.max_faulty()
        ));
    }
    Some(match above {
        Some(view) => format!("learning: votes again after a final block of a view above {view}"),
        None => format!(
            "learning: waits for statements of the current view from a quorum ({} of {})",
            statements.count(),
            set.len().saturating_sub(1)
        ),
    })
}

#[cfg(test)]
pub(super) mod tests;
