//! Visits every state that can be reached, nearest first, and says what it found.

use std::collections::{HashMap, HashSet};

use super::certificates::Certificates;
use super::fingerprint::Build;
use super::state::{Set, State, is_double, places};
use super::step::{Act, Step, World};

/// What must never be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Two blocks are final and neither extends the other.
    Fork,
    /// A QC at or above a final block does not extend it: a fork is next.
    Heart,
    /// Two QCs of one view.
    TwoCertificates,
    /// An honest member signed two messages for one slot.
    DoubleSign,
}

/// What a search saw.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) states: u64,
    pub(crate) steps: u64,
    pub(crate) depth: u32,
    /// States with a final block in the last view.
    pub(crate) finals: u64,
    pub(crate) readmitted: u64,
    /// The way to the first violation.
    pub(crate) violation: Option<(Violation, Vec<Step>)>,
}

/// All states of a world in which nothing goes wrong; the first in which something does.
pub(crate) fn explore(world: &World, way: Way) -> Report {
    let mut report = Report { states: 1, ..Report::default() };
    let mut seen: HashSet<u64, Build> = HashSet::default();
    let mut parents: HashMap<u64, (u64, Step), Build> = HashMap::default();
    seen.insert(State::START.fingerprint());
    let mut frontier = vec![State::START];
    let mut found = Vec::new();
    while !frontier.is_empty() {
        report.depth += 1;
        let mut beyond = Vec::new();
        for state in frontier {
            found.clear();
            world.next(&state, &mut found);
            for (step, after) in found.drain(..) {
                report.steps += 1;
                let mark = after.fingerprint();
                if !seen.insert(mark) {
                    continue;
                }
                report.states += 1;
                report.readmitted += u64::from(matches!(step.act, Act::Readmit { .. }));
                if way == Way::Kept {
                    parents.insert(mark, (state.fingerprint(), step));
                }
                let certificates = world.certificates(&after);
                report.finals += u64::from(is_final(world, &certificates));
                if let Some(violation) = violation(world, &after, &certificates) {
                    report.violation = Some((violation, way_to(mark, &parents)));
                    return report;
                }
                beyond.push(after);
            }
        }
        frontier = beyond;
    }
    report
}

/// Whether a search remembers how it came to each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Kept,
    Forgotten,
}

fn way_to(mark: u64, parents: &HashMap<u64, (u64, Step), Build>) -> Vec<Step> {
    let mut way = Vec::new();
    let mut at = mark;
    while let Some((before, step)) = parents.get(&at) {
        way.push(*step);
        at = *before;
    }
    way.reverse();
    way
}

fn is_final(world: &World, certificates: &Certificates) -> bool {
    places(certificates.ccs).any(|place| world.blocks[place].view == world.scope.views())
}

pub(crate) fn violation(world: &World, state: &State, has: &Certificates) -> Option<Violation> {
    let blocks = &world.blocks;
    let extends = |block: usize, other: usize| blocks[block].line >> other & 1 == 1;
    for cc in places(has.ccs) {
        for other in places(has.ccs) {
            if !extends(cc, other) && !extends(other, cc) {
                return Some(Violation::Fork);
            }
        }
        for qc in places(has.qcs) {
            if blocks[qc].view >= blocks[cc].view && !extends(qc, cc) {
                return Some(Violation::Heart);
            }
        }
    }
    let is_double = |set: Set| is_double(set, |place| blocks[place].view.into());
    if is_double(has.qcs) {
        return Some(Violation::TwoCertificates);
    }
    let twice = |m: &super::state::Member| {
        is_double(m.prepared)
            || is_double(m.committed)
            || (1..=world.scope.views()).any(|view| m.claims(view) > 1)
    };
    state.members.iter().any(twice).then_some(Violation::DoubleSign)
}

/// A way through sorted states with the members named as at its start.
pub(crate) fn with_names(world: &World, way: &[Step]) -> Vec<Step> {
    let (mut state, mut names) = (State::START, [0, 1, 2]);
    let mut named = Vec::new();
    for step in way {
        named.push(Step { member: names[step.member], act: step.act });
        let after = world.take(&state, *step).expect("a way is permitted");
        let mut order = [0, 1, 2];
        order.sort_by_key(|place| after.members[*place]);
        names = order.map(|place| names[place]);
        state = after.sorted();
    }
    named
}
