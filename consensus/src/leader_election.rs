//! Who leads a view: a schedule by voting power, without those who failed lately.
//!
//! The leader is a function of the view and of the chain that the proposal stands on, and of nothing
//! else, so all who see the proposal agree (`docs/adr/0003-leader-reputation.md`):
//! - Views are cut into periods. In each, smooth weighted round robin gives every place of the
//!   schedule to a validator in proportion to its power.
//! - A view between two blocks of the chain, or between the last block and the view in question,
//!   ended without a block: its leader has failed and is skipped for a while, longer each time in a
//!   row. A block of its own clears a validator.
//! - Never more than f power is skipped: the ones who failed longest ago come back first.
//! - A new period forgets everything, so that the headers of one period are all that is needed.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use logothete_primitives::{ValidatorIndex, ValidatorSet, View};

use crate::block::BlockHeader;

/// Views of a period: the largest multiple of the number of validators up to this.
const PERIOD_MAX: u64 = 8192;
/// Turns (rounds of all validators) for which a leader is skipped after its first failure.
const SKIP_TURNS: u64 = 64;
/// How often the skip is doubled.
const DOUBLINGS_MAX: u32 = 6;

/// The schedule of one epoch.
#[derive(Clone, Debug)]
pub struct LeaderElection {
    schedule: Vec<ValidatorIndex>,
    powers: Vec<u64>,
    max_faulty: u64,
}

/// Who failed lately on one chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reputation {
    /// View of the last block of the chain.
    last: View,
    failures: BTreeMap<ValidatorIndex, Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    /// The view it failed last.
    at: View,
    /// The first view in which it is not skipped any more.
    until: View,
    /// How often it failed without a block of its own between.
    strikes: u32,
}

impl LeaderElection {
    /// The schedule of a validator set.
    #[must_use]
    pub fn new(validators: &ValidatorSet) -> Self {
        let powers: Vec<u64> = validators.iter().map(|(_, validator)| validator.power).collect();
        let schedule = smooth_round_robin(&powers, Self::period(validators.len()));
        Self { schedule, powers, max_faulty: validators.max_faulty() }
    }

    /// Views of a period of `validators` members.
    #[must_use]
    pub fn period(validators: usize) -> u64 {
        let count = u64::try_from(validators).unwrap_or(PERIOD_MAX).clamp(1, PERIOD_MAX);
        PERIOD_MAX / count * count
    }

    /// The first view whose header is needed to know the leaders after `view`.
    #[must_use]
    pub fn history_from(validators: usize, view: View) -> View {
        let period = Self::period(validators);
        View::new(view.get() / period * period)
    }

    /// The reputation after these headers of the chain, oldest first.
    #[must_use]
    pub fn replay<'a>(&self, headers: impl IntoIterator<Item = &'a BlockHeader>) -> Reputation {
        let mut reputation = Reputation::default();
        for header in headers {
            self.extend(&mut reputation, header);
        }
        reputation
    }

    /// The reputation after one more block: views without a block failed, its proposer did not.
    pub fn extend(&self, reputation: &mut Reputation, header: &BlockHeader) {
        self.pass_gap(reputation, header.view);
        reputation.failures.remove(&header.proposer);
        reputation.last = header.view;
    }

    /// The leader of `view` on the chain with this reputation.
    #[must_use]
    pub fn leader(&self, reputation: &Reputation, view: View) -> ValidatorIndex {
        let mut reputation = reputation.clone();
        self.pass_gap(&mut reputation, view);
        self.scheduled(&reputation, view)
    }

    /// Who is skipped in `view` on the chain with this reputation.
    #[must_use]
    pub fn skipped(&self, reputation: &Reputation, view: View) -> Vec<ValidatorIndex> {
        let mut reputation = reputation.clone();
        self.pass_gap(&mut reputation, view);
        reputation.skipped(view).collect()
    }

    /// Every view after the last block and before `view` ended without a block on this chain.
    fn pass_gap(&self, reputation: &mut Reputation, view: View) {
        let start = Self::history_from(self.powers.len(), view);
        if reputation.last < start {
            reputation.failures.clear();
        }
        let mut gap = reputation.last.next().max(start);
        while gap < view {
            let leader = self.scheduled(reputation, gap);
            self.fail(reputation, leader, gap);
            gap = gap.next();
        }
    }

    fn fail(&self, reputation: &mut Reputation, leader: ValidatorIndex, view: View) {
        let strikes = reputation.failures.get(&leader).map_or(0, |f| f.strikes).saturating_add(1);
        let turns = SKIP_TURNS << (strikes - 1).min(DOUBLINGS_MAX);
        let views = turns.saturating_mul(self.powers.len() as u64);
        let failure = Failure { at: view, until: view.next().plus(views), strikes };
        reputation.failures.insert(leader, failure);
        while self.skipped_power(reputation, view.next()) > self.max_faulty {
            let oldest = reputation
                .skipped(view.next())
                .min_by_key(|index| reputation.failures[index].at)
                .expect("some power is skipped");
            if let Some(failure) = reputation.failures.get_mut(&oldest) {
                failure.until = view.next();
            }
        }
    }

    fn skipped_power(&self, reputation: &Reputation, view: View) -> u64 {
        reputation.skipped(view).map(|index| self.powers[index.as_usize()]).sum()
    }

    /// The one whose place it is, or else the next in the schedule who is not skipped. Where the
    /// search starts moves on each turn, so that not one neighbour inherits all places.
    fn scheduled(&self, reputation: &Reputation, view: View) -> ValidatorIndex {
        let period = self.schedule.len() as u64;
        let place = |number: u64| {
            let place = usize::try_from(number % period).expect("below the length of a Vec");
            self.schedule[place]
        };
        let number = view.get() % period;
        let first = place(number);
        if !reputation.is_skipped(first, view) {
            return first;
        }
        let validators = self.powers.len() as u64;
        let start = number + 1 + (number / validators) % validators;
        (start..start + period)
            .map(place)
            .find(|index| !reputation.is_skipped(*index, view))
            .unwrap_or(first)
    }
}

impl Reputation {
    fn is_skipped(&self, index: ValidatorIndex, view: View) -> bool {
        self.failures.get(&index).is_some_and(|failure| view < failure.until)
    }

    fn skipped(&self, view: View) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.failures.iter().filter(move |(_, f)| view < f.until).map(|(index, _)| *index)
    }
}

/// Each step every validator gains its power; the one with the most gets the place and pays the
/// total. Once nobody has gained or lost, it all begins again.
fn smooth_round_robin(powers: &[u64], places: u64) -> Vec<ValidatorIndex> {
    let places = usize::try_from(places).expect("at most PERIOD_MAX");
    let total: i128 = powers.iter().map(|power| i128::from(*power)).sum();
    let mut credit = vec![0i128; powers.len()];
    let mut schedule = Vec::with_capacity(places);
    while schedule.len() < places {
        let mut best = 0;
        for (index, power) in powers.iter().enumerate() {
            credit[index] += i128::from(*power);
            if credit[index] > credit[best] {
                best = index;
            }
        }
        credit[best] -= total;
        schedule.push(ValidatorIndex::new(u16::try_from(best).expect("at most MAX_VALIDATORS")));
        if credit.iter().all(|credit| *credit == 0) {
            break;
        }
    }
    schedule.iter().copied().cycle().take(places).collect()
}

#[cfg(test)]
mod tests;
