//! What a validator may do next. Learning a certificate, and beginning an epoch, show nothing to the others and stay
//! possible, so they are done in one with the next signature.

use super::certificates::Certificates;
use super::chain::{Block, Span, blocks};
use super::condition::{Condition, Justification, Rules, Verdict};
use super::rule::Rule;
use super::scope::View;
use super::sets::{EpochAt, NAMES, Sets, Shared};
use super::state::{Marks, Member, Set, places};
use super::validator::{State, Validator};

/// What may happen once to one validator of both epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfortune {
    None,
    /// It is killed after its first signature in the second epoch.
    Restart,
    /// Its database is an older one; the copy of its marks is not.
    Rollback,
}

/// The world and its rules.
pub(crate) struct World {
    pub(crate) span: Span,
    pub(crate) sets: Sets,
    pub(crate) misfortune: Misfortune,
    pub(crate) removed: &'static [Rule],
    pub(crate) blocks: Vec<Block>,
}

/// Where certificates bring a validator in an epoch.
#[derive(Clone, Copy)]
struct Place {
    view: View,
    high_qc: View,
}

impl World {
    pub(crate) fn new(
        span: Span,
        shared: Shared,
        misfortune: Misfortune,
        removed: &'static [Rule],
    ) -> Self {
        let blocks = blocks(&span, removed);
        Self { span, sets: Sets::new(shared), misfortune, removed, blocks }
    }

    pub(crate) fn has(&self, rule: Rule) -> bool {
        !self.removed.contains(&rule)
    }

    /// R4, R9: what a CC for a block makes final.
    pub(crate) fn decided_by(&self, block: &Block) -> Set {
        match block.end {
            Some(end) if block.epoch == 0 && self.has(Rule::NothingAfterEnd) => {
                self.blocks[end].line
            }
            _ => block.line,
        }
    }

    /// Every state after one step.
    pub(crate) fn next(&self, state: &State, has: &Certificates, found: &mut Vec<State>) {
        for name in 0..NAMES {
            let validator = &state.validators[name];
            let alike =
                self.sets.roles().into_iter().find(|role| role.contains(&name)).unwrap_or(0..0);
            if state.validators[alike.start..name.max(alike.start)].contains(validator) {
                continue;
            }
            let mut keep = |after: Validator| {
                let mut next = *state;
                next.validators[name] = after;
                found.push(next.sorted(&self.sets));
            };
            for (epoch, ready) in self.ready(name, validator, has) {
                self.sign(state, (epoch, ready), has, &mut keep);
            }
            self.suffer(state, name, found);
        }
    }

    /// The epochs in which a validator can sign, with itself as it then is.
    pub(crate) fn ready(
        &self,
        name: usize,
        validator: &Validator,
        has: &Certificates,
    ) -> Vec<(EpochAt, Validator)> {
        let mut ready = Vec::new();
        let is_over = validator.began.is_some() && self.has(Rule::OldEpochIsOver);
        if self.sets.is_member(0, name) && !is_over && !validator.is_ahead {
            ready.push((0, *validator));
        }
        if self.sets.is_member(1, name) {
            match validator.began {
                Some(_) => ready.push((1, *validator)),
                None => ready.extend(places(has.begins).map(|end| (1, self.begin(validator, end)))),
            }
        }
        ready
    }

    /// R9: the second epoch begins for a validator.
    fn begin(&self, validator: &Validator, end: usize) -> Validator {
        let mut begun = *validator;
        begun.began = Some(u8::try_from(end).unwrap());
        let [first, second] = &mut begun.lives;
        if !validator.is_ahead {
            second.marks = if self.has(Rule::FreshMarks) { Marks::default() } else { first.marks };
            second.view = if self.has(Rule::ViewsFromOne) { 1 } else { first.view };
            second.lost = first.lost;
        }
        begun.is_ahead = false;
        begun
    }

    fn sign(
        &self,
        state: &State,
        (epoch, ready): (EpochAt, Validator),
        has: &Certificates,
        keep: &mut impl FnMut(Validator),
    ) {
        let mut offer = |signed: &dyn Fn(&mut Member) -> Verdict| {
            let mut after = ready;
            let before = after.lives[epoch];
            if signed(&mut after.lives[epoch]).is_ok() && !is_same(&before, &after.lives[epoch]) {
                keep(after);
            }
        };
        for (place, block) in self.blocks.iter().enumerate().filter(|(_, b)| b.epoch == epoch) {
            let bit = 1 << place;
            for on in self.justifications(state, &ready, block, has) {
                offer(&|member| prepare(member, block, bit, on));
            }
            if has.qcs & bit != 0 {
                offer(&|member| commit(member, block, bit));
            }
        }
        for place in self.positions(&ready.lives[epoch], epoch, has) {
            if place.view <= self.span.views(epoch) {
                offer(&|member| timeout(member, place));
            }
        }
    }

    /// What a block can be proposed on, if it is valid and its parent is known.
    fn justifications(
        &self,
        state: &State,
        voter: &Validator,
        block: &Block,
        has: &Certificates,
    ) -> Vec<Justification> {
        let parent = block.parent.filter(|parent| self.blocks[*parent].epoch == block.epoch);
        let is_on_end = block.epoch == 0 || voter.began.map(usize::from) == block.end;
        let is_certified = parent.is_none_or(|parent| has.qcs >> parent & 1 == 1);
        let is_next = block.elder.is_none_or(|elder| {
            state.validators.iter().any(|v| v.lives[block.epoch].prepared >> elder & 1 == 1)
        });
        if !(is_on_end && is_certified && is_next) {
            return Vec::new();
        }
        let mut qcs = vec![block.parent_view];
        // The QC of the end, from the epoch before.
        let of_end = block.parent.filter(|parent| has.foreign >> parent & 1 == 1);
        qcs.extend(of_end.filter(|_| parent.is_none()).map(|end| self.blocks[end].view));
        let mut found = Vec::new();
        for qc in qcs {
            found.push(Justification { qc, tc: None });
            for view in 1..block.view {
                let tcs = has.tcs(block.epoch, view);
                found.extend(tcs.map(|maximum| Justification { qc, tc: Some((view, maximum)) }));
            }
        }
        found
    }

    /// R0: where the certificates can bring a member.
    fn positions(&self, member: &Member, epoch: EpochAt, has: &Certificates) -> Vec<Place> {
        let (qcs, ccs) = (has.qc_views(self, epoch), has.cc_views(self, epoch));
        let mut found = Vec::new();
        for view in member.view..=self.span.views(epoch) {
            let by_qc = view > 1 && qcs >> (view - 1) & 1 == 1;
            let stays = view == member.view || view > 1 && ccs >> (view - 1) & 1 == 1;
            let entries = stays.then_some(0).into_iter().chain(by_qc.then(|| view - 1));
            for entry in entries.chain(has.tcs(epoch, view - 1)) {
                let least = entry.max(member.marks.high_qc);
                let more = (least + 1..view).filter(|qc| qcs >> qc & 1 == 1);
                found.extend(
                    std::iter::once(least).chain(more).map(|high_qc| Place { view, high_qc }),
                );
            }
        }
        found
    }

    /// The one misfortune of a run.
    fn suffer(&self, state: &State, name: usize, found: &mut Vec<State>) {
        let validator = &state.validators[name];
        let is_in_both = self.sets.is_member(0, name) && self.sets.is_member(1, name);
        if self.misfortune == Misfortune::None || state.is_struck || !is_in_both {
            return;
        }
        let mut next = *state;
        next.is_struck = true;
        let after = &mut next.validators[name];
        match (self.misfortune, validator.older) {
            (Misfortune::Restart, _) if validator.began.is_some() => self.restart(after),
            (Misfortune::Rollback, Some(older)) => {
                self.roll_back(after, older);
                after.older = None;
            }
            (Misfortune::Rollback, None) if !state.is_copied => {
                (next.is_struck, next.is_copied) = (false, true);
                after.older = Some(validator.database());
            }
            _ => return,
        }
        found.push(next.sorted(&self.sets));
    }

    /// What was not durable is gone.
    fn restart(&self, validator: &mut Validator) {
        if self.has(Rule::EndIsDurable) {
            return;
        }
        validator.began = None;
        validator.lives[0].view = 1;
        if self.has(Rule::MarksNameEpoch) {
            validator.is_ahead = true;
        } else {
            validator.lives[0].marks = validator.lives[1].marks;
        }
    }

    /// The database is an older one; whether that is seen is up to the marks (R10).
    fn roll_back(&self, validator: &mut Validator, older: super::validator::Database) {
        let names_epoch = self.has(Rule::MarksNameEpoch);
        let copy = validator.database().marks(names_epoch);
        if !older.marks(names_epoch).covers(&copy) {
            validator.lives.iter_mut().for_each(|life| life.lost = true);
            return;
        }
        validator.began = older.began;
        for (epoch, life) in validator.lives.iter_mut().enumerate() {
            (life.marks, life.view) = (older.marks[epoch], older.views[epoch]);
        }
    }
}

/// Whether nothing was said and nothing marked.
fn is_same(before: &Member, after: &Member) -> bool {
    let said = |member: &Member| (member.prepared, member.committed, member.timeouts, member.marks);
    said(before) == said(after)
}

fn prepare(member: &mut Member, block: &Block, bit: Set, on: Justification) -> Verdict {
    let tc = on.tc.unwrap_or((0, 0));
    // R0: what the proposal carries comes first.
    learn(member, (on.qc + 1).max(tc.0 + 1), on.qc.max(tc.1));
    Rules::ALL.prepare(member, block.view, on)?;
    member.prepared |= bit;
    member.marks.prepared = block.view;
    Ok(())
}

fn commit(member: &mut Member, block: &Block, bit: Set) -> Verdict {
    learn(member, block.view + 1, block.view);
    if member.marks.high_qc > block.view {
        return Err(Condition::CommitOnce);
    }
    Rules::ALL.commit(member, block.view)?;
    member.committed |= bit;
    member.marks.committed = block.view;
    Ok(())
}

fn timeout(member: &mut Member, place: Place) -> Verdict {
    learn(member, place.view, place.high_qc);
    Rules::ALL.timeout(member, place.view)?;
    if member.marks.high_qc >= place.view {
        // Nobody counts a timeout with a QC that is not below its view.
        return Err(Condition::TimeoutCurrent);
    }
    member.timeouts |= Member::timeout_bit(place.view, member.marks.high_qc);
    member.marks.timed_out = place.view;
    Ok(())
}

/// R0.
fn learn(member: &mut Member, view: View, qc: View) {
    member.view = member.view.max(view);
    member.marks.high_qc = member.marks.high_qc.max(qc);
}
