//! What a member may do next. Learning a certificate shows nothing to the others and stays possible,
//! so it is done in one with the next signature: that leaves out orders that make no difference.

use super::certificates::Certificates;
use super::condition::{Condition, Justification, Rules, Verdict};
use super::scope::{Block, Scope, View};
use super::state::{Marks, Member, State, places};

/// Something that one member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its place in the sorted state.
    pub(crate) member: usize,
    pub(crate) act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Votes for a block in `on.qc`'s and `on.tc`'s company.
    Prepare { block: usize, on: Justification },
    /// Commit-votes on a QC.
    Commit { block: usize },
    /// Gives `view` up, after it came to `position`.
    Timeout { view: View, position: Position },
    /// Loses its memory.
    Wipe,
    /// Hears a quorum of others (R10).
    Ask,
    /// Signs again from a CC on (R10).
    Readmit { cc: View },
}

/// Where certificates brought a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) view: View,
    pub(crate) high_qc: View,
}

/// The world and its rules.
pub(crate) struct World {
    pub(crate) scope: Scope,
    pub(crate) rules: Rules,
    pub(crate) blocks: Vec<Block>,
}

impl World {
    pub(crate) fn new(scope: Scope, rules: Rules) -> Self {
        Self { blocks: super::scope::blocks(&scope), scope, rules }
    }

    pub(crate) fn certificates(&self, state: &State) -> Certificates {
        Certificates::of(state, self.rules, self.scope.views())
    }

    /// Every step that the rules permit, with the state after it.
    pub(crate) fn next(&self, state: &State, found: &mut Vec<(Step, State)>) {
        let certificates = self.certificates(state);
        for member in 0..3 {
            if state.members[..member].contains(&state.members[member]) {
                continue;
            }
            self.acts(state, member, &certificates, &mut |act| {
                let step = Step { member, act };
                if let Ok(after) = self.take(state, step)
                    && after != *state
                {
                    found.push((step, after.sorted()));
                }
            });
        }
    }

    /// Everything a member could be led to do, permitted or not.
    pub(crate) fn acts(
        &self,
        state: &State,
        who: usize,
        has: &Certificates,
        offer: &mut impl FnMut(Act),
    ) {
        let member = &state.members[who];
        self.prepares(state, member, has, offer);
        for block in places(has.qcs) {
            offer(Act::Commit { block });
        }
        if self.scope.timeouts {
            self.timeouts(member, has, offer);
        }
        if self.scope.wipes {
            self.amnesia(state, member, has, offer);
        }
    }

    fn prepares(
        &self,
        state: &State,
        member: &Member,
        has: &Certificates,
        offer: &mut impl FnMut(Act),
    ) {
        let seen = state.members.iter().fold(0, |all, member| all | member.prepared);
        for (place, block) in self.blocks.iter().enumerate() {
            let certified = block.parent.is_none_or(|parent| has.qcs >> parent & 1 == 1);
            let in_order = block.elder.is_none_or(|elder| seen >> elder & 1 == 1);
            if !certified || !in_order || member.prepared >> place & 1 == 1 {
                continue;
            }
            let qc = block.parent_view;
            offer(Act::Prepare { block: place, on: Justification { qc, tc: None } });
            for view in 1..block.view {
                for maximum in has.tcs(view) {
                    let on = Justification { qc, tc: Some((view, maximum)) };
                    offer(Act::Prepare { block: place, on });
                }
            }
        }
    }

    fn timeouts(&self, member: &Member, has: &Certificates, offer: &mut impl FnMut(Act)) {
        for position in self.positions(member, has) {
            if self.rules.has(Condition::TimeoutCurrent) {
                if position.view <= self.scope.views() {
                    offer(Act::Timeout { view: position.view, position });
                }
                continue;
            }
            for view in 1..=self.scope.views() {
                offer(Act::Timeout { view, position });
            }
        }
    }

    /// R0: where the certificates can bring a member.
    pub(crate) fn positions(&self, member: &Member, has: &Certificates) -> Vec<Position> {
        let qc_views = Certificates::views(has.qcs, &self.blocks);
        let cc_views = Certificates::views(has.ccs, &self.blocks);
        let mut found = Vec::new();
        for view in member.view..=self.scope.views() + 1 {
            let mut entries = Vec::new();
            if view == member.view {
                entries.push(0);
            }
            if cc_views >> (view - 1) & 1 == 1 && view > 1 {
                entries.push(0);
            }
            entries.extend(has.tcs(view - 1));
            if qc_views >> (view - 1) & 1 == 1 && view > 1 {
                entries.push(view - 1);
            }
            for entry in entries {
                let least = entry.max(member.marks.high_qc);
                let more = (least + 1..view).filter(|qc| qc_views >> qc & 1 == 1);
                for high_qc in std::iter::once(least).chain(more) {
                    found.push(Position { view, high_qc });
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn amnesia(
        &self,
        state: &State,
        member: &Member,
        has: &Certificates,
        offer: &mut impl FnMut(Act),
    ) {
        if !state.wiped {
            offer(Act::Wipe);
        }
        if member.lost && member.above == 0 {
            offer(Act::Ask);
        }
        if member.lost && member.above > 0 {
            for block in places(has.ccs) {
                offer(Act::Readmit { cc: self.blocks[block].view });
            }
        }
    }

    /// The state after a step, with the members in their places; or what is against it.
    pub(crate) fn take(&self, state: &State, step: Step) -> Result<State, Condition> {
        let mut after = *state;
        let member = &mut after.members[step.member];
        match step.act {
            Act::Prepare { block, on } => self.prepare(member, block, on)?,
            Act::Commit { block } => self.commit(member, block)?,
            Act::Timeout { view, position } => self.timeout(member, view, position)?,
            Act::Wipe => {
                let Member { prepared, committed, timeouts, .. } = *member;
                *member = Member { prepared, committed, timeouts, lost: true, ..Member::FRESH };
                after.wiped = true;
            }
            Act::Ask => {
                let others = (0..3).filter(|other| *other != step.member);
                let highest = others.map(|other| state.members[other].view).max().unwrap();
                let fair = self.rules.has(Condition::Statements);
                // Too few answers, or old ones: all of them can be of view 1.
                member.above = if fair { highest + 1 } else { 2 };
            }
            Act::Readmit { cc } => self.readmit(member, cc)?,
        }
        Ok(after)
    }

    fn prepare(&self, member: &mut Member, place: usize, on: Justification) -> Verdict {
        let block = &self.blocks[place];
        let tc = on.tc.unwrap_or((0, 0));
        // R0: what the proposal carries comes first.
        learn(member, (on.qc + 1).max(tc.0 + 1), on.qc.max(tc.1));
        self.rules.prepare(member, block.view, on)?;
        member.prepared |= 1 << place;
        member.marks.prepared = member.marks.prepared.max(block.view);
        Ok(())
    }

    fn commit(&self, member: &mut Member, place: usize) -> Verdict {
        let view = self.blocks[place].view;
        learn(member, view + 1, self.rules.known(view));
        if member.marks.high_qc > view {
            // A replica speaks for its highest QC only, as a vote for a higher one says more.
            return Err(Condition::CommitOnce);
        }
        self.rules.commit(member, view)?;
        member.committed |= 1 << place;
        member.marks.committed = member.marks.committed.max(view);
        Ok(())
    }

    fn timeout(&self, member: &mut Member, view: View, position: Position) -> Verdict {
        learn(member, position.view, self.rules.known_on_entry(position.high_qc));
        self.rules.timeout(member, view)?;
        let signs_qc = self.rules.has(Condition::TimeoutSignsQc);
        let high_qc = if signs_qc { member.marks.high_qc } else { 0 };
        if high_qc >= view {
            // Nobody counts a timeout with a QC that is not below its view.
            return Err(Condition::TimeoutCurrent);
        }
        member.timeouts |= Member::timeout_bit(view, high_qc);
        member.marks.timed_out = member.marks.timed_out.max(view);
        Ok(())
    }

    fn readmit(&self, member: &mut Member, cc: View) -> Verdict {
        if cc <= member.above && self.rules.has(Condition::AboveStatements) {
            return Err(Condition::AboveStatements);
        }
        learn(member, cc + 1, if self.rules.has(Condition::ReadmitQc) { cc } else { 0 });
        if self.rules.has(Condition::ReadmitMarks) {
            let high_qc = member.marks.high_qc;
            member.marks = Marks { prepared: cc, timed_out: cc, committed: cc, high_qc };
        }
        (member.lost, member.above) = (false, 0);
        Ok(())
    }
}

/// R0.
pub(crate) fn learn(member: &mut Member, view: View, qc: View) {
    member.view = member.view.max(view);
    member.marks.high_qc = member.marks.high_qc.max(qc);
}
