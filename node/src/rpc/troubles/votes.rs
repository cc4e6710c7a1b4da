//! Whose votes are missing, and what that does to the chain.

use std::time::Duration;

use logothete_client::rpc::types::{Absence, Attendance, Culprit, Effect, Obstacle, Trouble};
use logothete_primitives::{Power, ValidatorIndex};

use super::{Scene, names};
use crate::cli::show;
use crate::rpc::attendance::learning;

impl Scene<'_> {
    /// Validators whose votes do not come: too many of them, or some.
    pub(super) fn absence(&self) -> Option<Trouble> {
        if self.roll.power_present >= self.set.quorum() {
            return self.some_missing();
        }
        let lost = self.set.power_of(&self.status.amnesiacs);
        if lost > self.set.max_faulty() {
            return Some(self.amnesia(lost));
        }
        let (obstacle, why, advice) = if self.set.total_power() - self.unreachable()
            < self.set.quorum()
        {
            let advice =
                "mend the network between this node and them; where a machine is down, start it";
            (Obstacle::Partition, "the network to them is cut or their machines are down", advice)
        } else {
            let advice =
                "start them, or mend what keeps each from voting, as is said beside its name";
            (Obstacle::NoQuorum, "they do not vote", advice)
        };
        let culprits = self.culprits();
        let (present, quorum) = (self.roll.power_present, self.set.quorum());
        let summary = format!(
            "the chain stands still in view {}: missing {}, {why}; power {present} of {} is present, {quorum} decides, \
             {} is short",
            self.status.view,
            names(&culprits),
            self.set.total_power(),
            quorum - present,
        );
        Some(Trouble {
            obstacle,
            effect: Effect::Stalled,
            summary,
            culprits,
            advice: advice.to_owned(),
        })
    }

    fn some_missing(&self) -> Option<Trouble> {
        let culprits = self.culprits();
        if culprits.is_empty() {
            return None;
        }
        let spare = self.roll.power_present - self.set.quorum();
        let margin = match spare {
            0 => "no more may be missing".to_owned(),
            spare => format!("power {spare} more than decides is left"),
        };
        let summary = format!("the chain goes on without {}: {margin}", names(&culprits));
        let advice = "bring them back before another one fails".to_owned();
        let effect = Effect::Degraded;
        Some(Trouble { obstacle: Obstacle::ValidatorsMissing, effect, summary, culprits, advice })
    }

    /// R10: the chain cannot go on by itself.
    fn amnesia(&self, lost: Power) -> Trouble {
        let forgot = self.set.iter().filter(|(index, _)| self.status.amnesiacs.contains(*index));
        let detail = || "lost its safety state, must not sign before a new final block".to_owned();
        let culprits: Vec<Culprit> = forgot
            .map(|(index, _)| match Some(index) == self.status.index {
                true => self.this_node(detail()),
                false => self.validator(index, detail()),
            })
            .collect();
        let summary = format!(
            "the chain stands still in view {}: {} lost their safety state, with power {lost} of {}, more than may fail \
             ({}); it waits for their records",
            self.status.view,
            names(&culprits),
            self.set.total_power(),
            self.set.max_faulty(),
        );
        let advice = "do not start them with older data: give them back their own data directories if those still exist; \
                      else this chain ends here (docs/troubleshooting.md, the chain stands still)";
        let (obstacle, effect) = (Obstacle::Amnesia, Effect::Stalled);
        Trouble { obstacle, effect, summary, culprits, advice: advice.to_owned() }
    }

    /// A quorum is there, and still no view brings a block.
    pub(super) fn failing_views(&self) -> Option<Trouble> {
        if !self.views_fail() || self.roll.power_present < self.set.quorum() {
            return None;
        }
        let summary = format!(
            "a quorum is present, but {} views in a row timed out, the last is {}",
            self.status.failed_views, self.status.view
        );
        let detail = || "leads the view that has brought nothing yet".to_owned();
        let culprits = self.status.leader.map(|leader| self.validator(leader, detail()));
        Some(Trouble {
            obstacle: Obstacle::ViewsTimeOut,
            effect: Effect::Stalled,
            summary,
            culprits: culprits.into_iter().collect(),
            advice: "look at the round trips of node_peers, at the votes of consensus_views, and at `why` of the leaders"
                .to_owned(),
        })
    }

    /// R10: this validator may not vote.
    pub(super) fn learning(&self) -> Option<Trouble> {
        let summary = learning(self.set, self.status)?;
        Some(Trouble {
            obstacle: Obstacle::Learning,
            effect: Effect::Behind,
            culprits: vec![self.this_node("lost its safety state".to_owned())],
            summary,
            advice: "wait: it votes again by itself once that is safe".to_owned(),
        })
    }

    /// Power of the validators of which nothing comes.
    fn unreachable(&self) -> Power {
        let members = self.roll.members.iter();
        let gone = members.filter(|member| member.absence == Some(Absence::Unreachable));
        gone.map(|member| member.power).sum()
    }

    /// The missing validators but this one.
    fn culprits(&self) -> Vec<Culprit> {
        let others = self.roll.members.iter().filter(|member| {
            member.missing && self.status.index != Some(ValidatorIndex::new(member.index))
        });
        others
            .map(|member| self.validator(ValidatorIndex::new(member.index), self.describe(member)))
            .collect()
    }

    fn describe(&self, member: &Attendance) -> String {
        let heard = match member.last_heard {
            Some(at) => {
                let silent = self.roll.now_ms.saturating_sub(at.get());
                let silent = show::duration(Duration::from_millis(silent));
                format!("last heard {silent} ago, in view {}", member.last_vote_view)
            }
            None => "not heard since this node started".to_owned(),
        };
        let why = match member.absence {
            Some(Absence::Gone) => {
                "its connection was closed and it is not back: its process ended"
            }
            Some(Absence::Unreachable) => {
                "it answers nothing: the network is cut or its machine is down"
            }
            Some(Absence::Silent) => "it is connected and does not vote",
            Some(Absence::Learning) => "it lost its safety state and may not vote yet",
            Some(Absence::Refused) => "it is not let in: see who is refused",
            Some(Absence::NeverReached) | None => "it was not reached",
        };
        format!("power {}, {heard}; {why}", member.power)
    }
}
