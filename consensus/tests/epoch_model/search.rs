//! Visits every state that can be reached, nearest first, until one is not as it must be.

use std::collections::HashSet;

use super::certificates::Certificates;
use super::chain::{Block, Kind};
use super::condition::Rules;
use super::fingerprint::Build;
use super::state::{self, Member, Set, places};
use super::step::World;
use super::validator::State;

/// What must never be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Two blocks are final and neither extends the other, of whatever epochs.
    Fork,
    /// There are two blocks on which the second epoch may begin.
    TwoBeginnings,
    /// The second epoch has begun, and the first makes something else final.
    OldCounts,
    /// A block that is not empty follows the end of its epoch and is final.
    Survivor,
    /// The final chain of the second epoch does not begin on the end of the first.
    WrongBeginning,
    /// Two QCs of one view and epoch.
    TwoCertificates,
    /// An honest validator signed two messages for one slot.
    DoubleSign,
    /// An honest validator is in a view, did not give it up, and will not be able to: it stands still for ever.
    Mute,
    /// An honest validator is in a view to which no certificate leads: nobody can follow.
    Stranded,
}

/// What a search saw.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) states: u64,
    pub(crate) depth: u32,
    /// States in which somebody has begun the second epoch.
    pub(crate) begun: u64,
    /// States with a final block in it.
    pub(crate) finals: u64,
    pub(crate) violation: Option<Violation>,
}

/// All states of a world, up to the first in which what is sought is wrong, or anything.
pub(crate) fn search(world: &World, sought: Option<Violation>) -> Report {
    let mut report = Report { states: 1, ..Report::default() };
    let mut seen: HashSet<u64, Build> = HashSet::default();
    seen.insert(State::START.fingerprint());
    let mut frontier = vec![State::START];
    let mut found = Vec::new();
    while !frontier.is_empty() {
        report.depth += 1;
        let mut beyond = Vec::new();
        for state in frontier {
            let has = Certificates::of(world, &state);
            report.begun += u64::from(state.validators.iter().any(|v| v.began.is_some()));
            report.finals +=
                u64::from(places(has.decided).any(|place| world.blocks[place].epoch == 1));
            report.violation = violation(world, &state, &has, sought);
            if report.violation.is_some() {
                return report;
            }
            world.next(&state, &has, &mut found);
            for after in found.drain(..) {
                if seen.insert(after.fingerprint()) {
                    report.states += 1;
                    beyond.push(after);
                }
            }
        }
        frontier = beyond;
    }
    report
}

fn violation(
    world: &World,
    state: &State,
    has: &Certificates,
    sought: Option<Violation>,
) -> Option<Violation> {
    let broken = [
        (Violation::DoubleSign, is_anybody_double(world, state)),
        (Violation::TwoCertificates, is_double(&world.blocks, has.qcs)),
        (Violation::TwoBeginnings, has.begins.count_ones() > 1),
        (Violation::Fork, is_forked(&world.blocks, has.decided)),
        (Violation::OldCounts, old_counts(world, state, has)),
        (
            Violation::Survivor,
            places(has.decided).any(|place| world.blocks[place].kind == Kind::Late),
        ),
        (Violation::WrongBeginning, places(has.decided).any(|place| begins_wrong(world, place))),
        (Violation::Mute, anybody(world, state, has, |_, life| is_mute(life))),
        (
            Violation::Stranded,
            anybody(world, state, has, |epoch, life| is_stranded(world, has, epoch, life)),
        ),
    ];
    let mut broken = broken.into_iter().filter_map(|(violation, is_so)| is_so.then_some(violation));
    broken.find(|violation| sought.is_none_or(|sought| sought == *violation))
}

/// Final blocks are one line.
fn is_forked(blocks: &[Block], decided: Set) -> bool {
    let extends = |block: usize, other: usize| blocks[block].line >> other & 1 == 1;
    places(decided)
        .any(|one| places(decided).any(|other| !extends(one, other) && !extends(other, one)))
}

/// Whether what certificates of the first epoch make final goes beyond where somebody has begun the second.
fn old_counts(world: &World, state: &State, has: &Certificates) -> bool {
    let old = places(has.ccs).map(|place| &world.blocks[place]).filter(|block| block.epoch == 0);
    let decided = old.fold(0, |all, block| all | world.decided_by(block));
    let began = state.validators.iter().filter_map(|validator| validator.began);
    began.into_iter().any(|end| decided & !world.blocks[usize::from(end)].line != 0)
}

fn begins_wrong(world: &World, place: usize) -> bool {
    let block = &world.blocks[place];
    let below = block.parent.map(|parent| &world.blocks[parent]);
    block.epoch == 1 && below.is_some_and(|below| below.epoch == 0 && below.kind != Kind::End)
}

fn is_anybody_double(world: &World, state: &State) -> bool {
    state.validators.iter().any(|validator| {
        validator.lives.iter().any(|life| {
            let claims = (1..=4).any(|view| life.claims(view) > 1);
            claims
                || is_double(&world.blocks, life.prepared)
                || is_double(&world.blocks, life.committed)
        })
    })
}

/// Whether two blocks of a set are of one view and epoch.
fn is_double(blocks: &[Block], set: Set) -> bool {
    state::is_double(set, |place| usize::from(blocks[place].view) + 16 * blocks[place].epoch)
}

/// Whether something is so for a validator that remembers, in an epoch in which it signs or could begin to.
fn anybody(
    world: &World,
    state: &State,
    has: &Certificates,
    is_so: impl Fn(usize, &Member) -> bool,
) -> bool {
    state.validators.iter().enumerate().any(|(name, validator)| {
        let ready = world.ready(name, validator, has);
        ready.iter().any(|(epoch, validator)| {
            let life = &validator.lives[*epoch];
            !life.lost && is_so(*epoch, life)
        })
    })
}

fn is_mute(life: &Member) -> bool {
    life.claimed(life.view).is_none() && Rules::ALL.timeout(life, life.view).is_err()
}

fn is_stranded(world: &World, has: &Certificates, epoch: usize, life: &Member) -> bool {
    let below = life.view - 1;
    let entries = has.qc_views(world, epoch) | has.cc_views(world, epoch);
    below > 0 && entries >> below & 1 == 0 && has.tcs(epoch, below).next().is_none()
}
