//! A schedule of the model on production replicas: at every step they sign what the model signs, and
//! nothing else. The core votes as soon as it may, so the model is led to do the same.

use std::time::Duration;

use logothete_consensus::{
    Action, Certificate, Config, Event, Message, Now, Recovered, Replica, SafetyState, verify,
    verify_quorum,
};
use logothete_primitives::Epoch;

use super::cast::{Cast, honest, real};
use super::scope::View;
use super::state::{Set, State, places};
use super::step::{Act, Position, Step, World, learn};
use super::support::keyed_hash::{KeyedHash, KeyedHashVerifier};
use super::support::stage::{self, EPOCH_MS};

/// What a replica has signed, in the words of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signed {
    Prepare(usize),
    Commit(usize),
    Timeout(View, View),
}

/// Core and model do not agree.
#[derive(Debug)]
#[allow(dead_code)] // Read by people.
pub(crate) struct Difference {
    pub(crate) step: Step,
    pub(crate) core: Vec<Signed>,
    pub(crate) model: Vec<Signed>,
}

struct Player {
    replica: Replica,
    mono: Duration,
    /// Blocks it was told are good, and those it wants to know of.
    good: Set,
    asked: Set,
    signed: Vec<Signed>,
}

/// The model and the replicas, side by side.
pub(crate) struct Replay<'a> {
    world: &'a World,
    cast: Cast,
    players: Vec<Player>,
    /// The members in the places of the players, not sorted.
    pub(crate) state: State,
    /// A certificate of the model is none in the core.
    refused: bool,
    pub(crate) seen: Seen,
}

/// What happened in replays, to see that they are worth something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) prepares: u64,
    pub(crate) prepares_after_timeouts: u64,
    pub(crate) commits: u64,
    pub(crate) commits_in_last_view: u64,
    pub(crate) timeouts: u64,
    pub(crate) refusals: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let cast = Cast::new(&world.blocks);
        let mut replay = Self {
            players: (0..3).map(|member| player(&cast, member)).collect(),
            world,
            cast,
            state: State::START,
            refused: false,
            seen: Seen::default(),
        };
        for member in 0..3 {
            replay.step(member, Event::Started);
            replay.step(member, Event::PendingWork(true));
            let opening = Certificate::Timeout(replay.cast.opening());
            replay.hear(member, Message::Certificate(Box::new(opening)));
        }
        replay
    }

    /// Does a step in both worlds, whether it is permitted or not.
    pub(crate) fn perform(&mut self, step: Step) -> Result<(), Difference> {
        let member = step.member;
        self.players[member].signed.clear();
        let mut expected = Vec::new();
        match step.act {
            Act::Prepare { block, on } => {
                let message = Message::Proposal(Box::new(self.cast.proposal(block, on)));
                if !self.hear(member, message) {
                    self.seen.refusals += 1;
                    return if self.world.take(&self.state, step).is_err() {
                        Ok(())
                    } else {
                        let model = vec![Signed::Prepare(block)];
                        Err(Difference { step, core: Vec::new(), model })
                    };
                }
                let tc = on.tc.unwrap_or((0, 0));
                self.learn(member, (on.qc + 1).max(tc.0 + 1), on.qc.max(tc.1), &mut expected);
                if self.take(step) {
                    expected.push(Signed::Prepare(block));
                }
                self.say_good(member, block);
                self.eager(member, &mut expected);
            }
            Act::Commit { block } => {
                let view = self.world.blocks[block].view;
                self.hear_qc(member, block);
                let known = self.world.rules.known(view);
                self.learn(member, view + 1, known, &mut expected);
                self.say_good(member, block);
                self.eager(member, &mut expected);
            }
            Act::Timeout { view, position } => {
                self.lead(member, position, &mut expected);
                self.players[member].mono += Duration::from_secs(60);
                self.step(member, Event::Tick);
                if self.take(step) {
                    let claimed = self.state.members[member].claimed(view).expect("just signed");
                    expected.push(Signed::Timeout(view, claimed));
                }
            }
            Act::Wipe | Act::Ask | Act::Readmit { .. } => panic!("amnesia is not replayed"),
        }
        self.compare(step, expected)
    }

    fn compare(&mut self, step: Step, mut model: Vec<Signed>) -> Result<(), Difference> {
        let mut core = self.players[step.member].signed.clone();
        core.sort_unstable();
        model.sort_unstable();
        let status = self.players[step.member].replica.status();
        let member = &self.state.members[step.member];
        let known = (real(member.view), real(member.marks.high_qc));
        if core != model || (status.view, status.high_qc_view) != known || self.refused {
            return Err(Difference { step, core, model });
        }
        self.count(step, &core);
        Ok(())
    }

    fn count(&mut self, step: Step, signed: &[Signed]) {
        let last = self.world.scope.views();
        self.seen.refusals += u64::from(signed.is_empty());
        for said in signed {
            match said {
                Signed::Prepare(_) => {
                    let late = matches!(step.act, Act::Prepare { on, .. } if on.tc.is_some());
                    self.seen.prepares += 1;
                    self.seen.prepares_after_timeouts += u64::from(late);
                }
                Signed::Commit(block) => {
                    let is_last = self.world.blocks[*block].view == last;
                    self.seen.commits += 1;
                    self.seen.commits_in_last_view += u64::from(is_last);
                }
                Signed::Timeout(..) => self.seen.timeouts += 1,
            }
        }
    }

    /// Steps that anybody could try now.
    pub(crate) fn acts(&self) -> Vec<Step> {
        let certificates = self.world.certificates(&self.state);
        let mut steps = Vec::new();
        for member in 0..3 {
            let offer = &mut |act| steps.push(Step { member, act });
            self.world.acts(&self.state, member, &certificates, offer);
        }
        steps
    }

    fn take(&mut self, step: Step) -> bool {
        let after = self.world.take(&self.state, step);
        if let Ok(state) = after {
            self.state = state;
        }
        after.is_ok()
    }

    /// The model learns what the core was just shown.
    fn learn(&mut self, member: usize, view: View, qc: View, expected: &mut Vec<Signed>) {
        learn(&mut self.state.members[member], view, qc);
        self.eager(member, expected);
    }

    /// The core commit-votes for its highest QC as soon as it may.
    fn eager(&mut self, member: usize, expected: &mut Vec<Signed>) {
        let high_qc = self.state.members[member].marks.high_qc;
        let qcs = self.world.certificates(&self.state).qcs;
        for block in places(qcs & self.players[member].good) {
            let step = Step { member, act: Act::Commit { block } };
            let is_highest = self.world.blocks[block].view == high_qc;
            if is_highest && self.take(step) {
                expected.push(Signed::Commit(block));
            }
        }
    }

    /// Shows the certificates that bring a member to a position.
    fn lead(&mut self, member: usize, to: Position, expected: &mut Vec<Signed>) {
        let has = self.world.certificates(&self.state);
        let at = |set: Set, view| places(set).find(|p| self.world.blocks[*p].view == view);
        let (qc, cc) = (at(has.qcs, to.high_qc), at(has.ccs, to.view - 1));
        let tc = has.tcs(to.view - 1).find(|maximum| *maximum <= to.high_qc);
        if to.view > self.state.members[member].view && to.high_qc + 1 != to.view {
            let entry = match (tc, cc) {
                (Some(maximum), _) => Certificate::Timeout(self.cast.tc(to.view - 1, maximum)),
                (None, Some(place)) => Certificate::Commit(self.cast.cc(place)),
                (None, None) => panic!("no way to {to:?}"),
            };
            self.refused |= !self.hear(member, Message::Certificate(Box::new(entry)));
            let known = self.world.rules.known_on_entry(tc.unwrap_or(0));
            self.learn(member, to.view, known, expected);
        }
        if let Some(qc) = qc.filter(|_| to.high_qc > self.state.members[member].marks.high_qc) {
            self.hear_qc(member, qc);
            let known = self.world.rules.known_on_entry(to.high_qc);
            self.learn(member, to.high_qc + 1, known, expected);
        }
    }

    fn say_good(&mut self, member: usize, block: usize) {
        let player = &mut self.players[member];
        if player.asked >> block & 1 == 1 {
            player.asked &= !(1 << block);
            player.good |= 1 << block;
            let block = self.cast.blocks[block].hash();
            self.step(member, Event::PayloadChecked { block, verdict: Ok(()) });
        }
    }

    fn hear_qc(&mut self, member: usize, block: usize) {
        let qc = Certificate::Quorum(self.cast.qc(Some(block)));
        self.refused |= !self.hear(member, Message::Certificate(Box::new(qc)));
    }

    /// Whether the message is well-formed.
    fn hear(&mut self, member: usize, message: Message) -> bool {
        match verify(&self.cast.ctx, &KeyedHashVerifier, message) {
            Ok(message) => self.step(member, Event::Message(message)),
            Err(_) => return false,
        }
        true
    }

    fn step(&mut self, member: usize, event: Event) {
        let player = &mut self.players[member];
        let now = Now { mono: player.mono, unix_ms: EPOCH_MS };
        for action in player.replica.step(now, event) {
            match action {
                Action::Broadcast(message) => self.note(member, message),
                Action::CheckPayload { block, .. } => {
                    self.players[member].asked |= 1 << self.cast.place(&block.hash());
                }
                Action::FetchBlock { block, .. } => {
                    let place = self.cast.place(&block);
                    let qc = self.cast.qc(self.world.blocks[place].parent);
                    let qc = verify_quorum(&self.cast.ctx, &KeyedHashVerifier, qc).unwrap();
                    let block = self.cast.blocks[place].clone();
                    self.step(member, Event::Block { block, qc });
                }
                Action::Commit { cc, .. } => {
                    let view = self.world.blocks[self.cast.place(&cc.block)].view;
                    let gone = |place: &usize| self.world.blocks[*place].view <= view;
                    let gone = (0..self.world.blocks.len()).filter(gone);
                    let gone = gone.fold(0, |set: Set, place| set | 1 << place);
                    self.players[member].good &= !gone;
                }
                _ => {}
            }
        }
    }

    /// A message that leaves; what was said before is only said again.
    fn note(&mut self, member: usize, message: Message) {
        let small = |view: logothete_primitives::View| {
            (0..8).find(|small| real(*small) == view).expect("a view of the scope")
        };
        let (said, new) = match message {
            Message::PrepareVote(vote) => {
                let place = self.cast.place(&vote.block);
                let votes = self.cast.prepared.entry(place).or_default();
                (Signed::Prepare(place), add(votes, vote))
            }
            Message::CommitVote { vote, .. } => {
                let place = self.cast.place(&vote.block);
                let votes = self.cast.committed.entry(place).or_default();
                (Signed::Commit(place), add(votes, vote))
            }
            Message::Timeout(timeout) => {
                let said = Signed::Timeout(small(timeout.view), small(timeout.high_qc.view));
                let votes = self.cast.timeouts.entry(small(timeout.view)).or_default();
                (said, add(votes, *timeout))
            }
            _ => return,
        };
        if new {
            self.players[member].signed.push(said);
        }
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) -> bool {
    let new = !list.contains(&item);
    if new {
        list.push(item);
    }
    new
}

fn player(cast: &Cast, member: usize) -> Player {
    let safety = Some(SafetyState::fresh(Epoch::ZERO));
    let recovered = Recovered::genesis(stage::genesis(), safety, [1; 32]);
    let signer = Box::new(KeyedHash::new(honest(member).get()));
    let config = Config { timeout_max: Duration::from_secs(5), ..Config::default() };
    let replica = Replica::new(config, cast.ctx.clone(), Some(signer), recovered);
    Player { replica, mono: Duration::ZERO, good: 0, asked: 0, signed: Vec::new() }
}
