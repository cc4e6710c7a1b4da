//! The certificates that can be made in a state, with the signatures of the liars, and what they decide.

use super::chain::Block;
use super::rule::Rule;
use super::scope::View;
use super::sets::{EpochAt, People};
use super::state::{Member, Set, places};
use super::step::World;
use super::validator::State;

/// What anybody can be shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Certificates {
    pub(crate) qcs: Set,
    pub(crate) ccs: Set,
    /// By epoch and view from 1: the maxima that a TC can have, as bits.
    pub(crate) tcs: [[u8; 4]; 2],
    /// QCs of the first epoch that pass for ones of the second, if votes do not name their epoch.
    pub(crate) foreign: Set,
    /// Final blocks.
    pub(crate) decided: Set,
    /// Blocks on which the second epoch may begin.
    pub(crate) begins: Set,
}

impl Certificates {
    pub(crate) fn of(world: &World, state: &State) -> Self {
        let mut found = Self::default();
        for (place, block) in world.blocks.iter().enumerate() {
            let signed =
                |of: fn(&Member) -> Set| signers(state, block.epoch, |m| of(m) >> place & 1 == 1);
            let prepared = signed(|member| member.prepared);
            if world.sets.enough(block.epoch, prepared) {
                found.qcs |= 1 << place;
            }
            if world.sets.enough(block.epoch, signed(|member| member.committed)) {
                found.ccs |= 1 << place;
                found.decided |= world.decided_by(block);
            }
            if block.epoch == 0
                && !world.has(Rule::VotesNameEpoch)
                && world.sets.enough(1, prepared)
            {
                found.foreign |= 1 << place;
            }
        }
        let known =
            if world.has(Rule::BeginsWhenFinal) { found.decided } else { lines(world, found.qcs) };
        let is_end = |place: &usize| world.blocks[*place].end == Some(*place);
        found.begins = places(known).filter(is_end).fold(0, |all, place| all | 1 << place);
        for epoch in [0, 1] {
            for view in 1..=world.span.views(epoch) {
                found.tcs[epoch][usize::from(view - 1)] = maxima(world, state, epoch, view);
            }
        }
        found
    }

    /// TCs of a view, by their maxima.
    pub(crate) fn tcs(&self, epoch: EpochAt, view: View) -> impl Iterator<Item = View> + use<> {
        let maxima = if view == 0 { 0 } else { self.tcs[epoch][usize::from(view - 1)] };
        (0..8).filter(move |maximum| maxima >> maximum & 1 == 1)
    }

    /// Views that have a QC, as bits.
    pub(crate) fn qc_views(&self, world: &World, epoch: EpochAt) -> u8 {
        let foreign = if epoch == 1 { self.foreign } else { 0 };
        views(&world.blocks, self.qcs, epoch) | views(&world.blocks, foreign, 0)
    }

    /// Views that have a CC, as bits.
    pub(crate) fn cc_views(&self, world: &World, epoch: EpochAt) -> u8 {
        views(&world.blocks, self.ccs, epoch)
    }
}

/// Who did something in an epoch.
fn signers(state: &State, epoch: EpochAt, did: impl Fn(&Member) -> bool) -> People {
    let people = state.validators.iter().enumerate();
    people.fold(0, |all, (name, validator)| all | u8::from(did(&validator.lives[epoch])) << name)
}

/// The maxima that a TC can have.
fn maxima(world: &World, state: &State, epoch: EpochAt, view: View) -> u8 {
    let mixed = !world.has(Rule::TimeoutsNameEpoch);
    let members =
        (0..).zip(&state.validators).filter(|(name, _)| world.sets.is_member(epoch, *name));
    let mut claims: Vec<View> = members
        .filter_map(|(_, validator)| {
            let of = |epoch: EpochAt| validator.lives[epoch].claimed(view);
            if mixed { [of(0), of(1)].into_iter().flatten().min() } else { of(epoch) }
        })
        .collect();
    claims.sort_unstable();
    // Of any quorum of them the maximum is at least the q-th lowest.
    claims.iter().skip(world.sets.needed(epoch) - 1).fold(0, |all, maximum| all | 1 << maximum)
}

fn views(blocks: &[Block], set: Set, epoch: EpochAt) -> u8 {
    let of = places(set).filter(|place| blocks[*place].epoch == epoch);
    of.fold(0, |views, place| views | 1 << blocks[place].view)
}

/// Blocks and their ancestors.
fn lines(world: &World, set: Set) -> Set {
    places(set).fold(0, |all, place| all | world.blocks[place].line)
}
