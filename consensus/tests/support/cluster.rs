//! A whole cluster from one seed: network, clocks, disks, crashes and the application. The same seed
//! gives the same run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use logothete_consensus::{
    Action, Block, CertificateCache, Config, Context, Event, Message, Mode, Now, Replica,
    verify_cached, verify_commit, verify_quorum,
};
use logothete_primitives::{Height, ValidatorIndex, View};

use super::adversary::{Adversary, Liar, Misdeed, Parcel};
use super::checker::Checker;
use super::disk::Disk;
use super::faults::Faults;
use super::keyed_hash::{KeyedHash, KeyedHashVerifier};
use super::random::Random;
use super::stage::{self, EPOCH_MS};
use super::tally::Tally;

mod network;

/// A running or stopped process.
pub(crate) struct Process {
    pub(crate) index: ValidatorIndex,
    pub(crate) replica: Option<Replica>,
    pub(crate) disk: Disk,
    /// Events of an earlier life are dropped.
    life: u32,
    /// Difference of its wall clock, in milliseconds.
    skew: i64,
    /// The view a payload is wanted for.
    wanted: Option<(View, Height, Height)>,
    pending: bool,
    cut: u64,
    /// Nothing that it sends arrives.
    mute: bool,
    /// When the next timer is due that was set in this life.
    timer: Option<u64>,
    /// Height of the last final block of this life.
    committed: Height,
    adversary: Option<Box<dyn Adversary>>,
    cache: CertificateCache,
    /// Views in which the own timeout was sent.
    pub(crate) timeouts: Vec<View>,
    pub(crate) entered: BTreeMap<View, Duration>,
}

enum Item {
    /// From one process to another.
    Deliver(usize, usize, Arc<Message>),
    Timer(usize, u32),
    Happen(usize, u32, Box<Event>),
    Start(usize),
    Work(usize),
    Cut,
}

/// The world.
pub(crate) struct Cluster {
    pub(crate) ctx: Context,
    pub(crate) config: Config,
    pub(crate) faults: Faults,
    pub(crate) processes: Vec<Process>,
    pub(crate) checker: Checker,
    /// Validators that run twice with one key.
    pub(crate) twins: Vec<ValidatorIndex>,
    /// Validators that do what they should not.
    pub(crate) liars: Vec<(ValidatorIndex, Misdeed)>,
    /// Everybody always has something to order.
    pub(crate) busy: bool,
    /// Nobody has anything to order.
    pub(crate) idle: bool,
    pub(crate) random: Random,
    pub(crate) now: u64,
    /// A hash of everything that happened.
    pub(crate) trace: u64,
    /// What really happened.
    pub(crate) tally: Tally,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    items: BTreeMap<u64, Item>,
    sequence: u64,
}

impl Cluster {
    /// Honest validators of these powers on fresh disks, all started at once.
    pub(crate) fn new(seed: u64, powers: &[u64], faults: Faults) -> Self {
        let mut cluster = Self {
            ctx: stage::context(powers),
            config: Config {
                delta: Duration::from_millis(50),
                timeout_base: Duration::from_millis(400),
                timeout_max: Duration::from_secs(5),
                backoff_percent: 150,
                empty_block_interval: Duration::from_millis(500),
                max_clock_drift_ms: 5_000,
                resend_interval: Duration::from_millis(300),
            },
            faults,
            processes: Vec::new(),
            checker: Checker::default(),
            twins: Vec::new(),
            liars: Vec::new(),
            busy: false,
            idle: false,
            random: Random::new(seed),
            now: 0,
            trace: seed,
            tally: Tally::default(),
            queue: BinaryHeap::new(),
            items: BTreeMap::new(),
            sequence: 0,
        };
        for index in 0..powers.len() {
            cluster.add(ValidatorIndex::new(u16::try_from(index).unwrap()));
        }
        cluster.schedule(1_000_000, Item::Cut);
        cluster
    }

    /// Runs a second process with the key of a validator, on a disk of its own.
    pub(crate) fn add_twin(&mut self, index: ValidatorIndex) {
        self.twins.push(index);
        self.add(index);
    }

    /// Makes a liar of a validator.
    pub(crate) fn corrupt(&mut self, index: ValidatorIndex, misdeed: Misdeed) {
        self.liars.push((index, misdeed));
        let process = self.processes.iter_mut().find(|process| process.index == index).unwrap();
        process.adversary = Some(misdeed.adversary());
    }

    /// Counts the misdeeds, at the end of a run.
    pub(crate) fn count_misdeeds(&mut self) {
        for (index, misdeed) in &self.liars {
            let liars = self.processes.iter().filter(|process| process.index == *index);
            let done = liars.filter_map(|process| process.adversary.as_ref());
            self.tally.add(misdeed.name(), done.map(|adversary| adversary.misdeeds()).sum());
        }
    }

    fn add(&mut self, index: ValidatorIndex) {
        let process = Process {
            index,
            replica: None,
            disk: Disk::fresh(),
            life: 0,
            skew: i64::try_from(self.random.below(400)).unwrap() - 200,
            wanted: None,
            pending: false,
            cut: 0,
            mute: false,
            timer: None,
            committed: Height::ZERO,
            adversary: None,
            cache: CertificateCache::default(),
            timeouts: Vec::new(),
            entered: BTreeMap::new(),
        };
        self.processes.push(process);
        let id = self.processes.len() - 1;
        self.schedule(0, Item::Start(id));
        self.schedule(10_000, Item::Work(id));
    }

    /// Runs for so many milliseconds of simulated time.
    pub(crate) fn run_ms(&mut self, ms: u64) {
        let end = self.now + ms * 1000;
        while let Some(Reverse((time, id))) = self.queue.peek().copied() {
            if time > end {
                break;
            }
            self.queue.pop();
            self.now = time;
            let item = self.items.remove(&id).expect("scheduled once");
            self.perform(item);
        }
        self.now = end;
    }

    /// Ends all faults and starts whoever is down.
    pub(crate) fn heal(&mut self) {
        self.faults = Faults::NONE;
        for id in 0..self.processes.len() {
            self.processes[id].cut = 0;
            self.processes[id].mute = false;
            if self.processes[id].replica.is_none() {
                self.schedule(0, Item::Start(id));
            }
        }
    }

    /// Kills a process, which stays down until it is started.
    pub(crate) fn kill(&mut self, id: usize) {
        let process = &mut self.processes[id];
        process.replica = None;
        process.life += 1;
        process.disk.crash(&mut self.random);
    }

    /// Starts a process that is down.
    pub(crate) fn start(&mut self, id: usize) {
        self.schedule(0, Item::Start(id));
    }

    /// Loses the disk of a process that is down.
    pub(crate) fn wipe(&mut self, id: usize) {
        assert!(self.processes[id].replica.is_none());
        self.processes[id].disk = Disk::default();
    }

    /// Cuts the network into groups; messages pass only within a group.
    pub(crate) fn partition(&mut self, groups: &[u64]) {
        for (process, group) in self.processes.iter_mut().zip(groups) {
            process.cut = *group;
        }
    }

    pub(crate) fn committed(&self, id: usize) -> Height {
        let process = &self.processes[id];
        if process.replica.is_some() { process.committed } else { Height::ZERO }
    }

    pub(crate) fn lowest(&self) -> Height {
        self.honest().map(|id| self.committed(id)).min().unwrap()
    }

    /// All processes but those of twins and liars.
    pub(crate) fn honest(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.processes.len()).filter(|id| !self.is_faulty(self.processes[*id].index))
    }

    pub(crate) fn is_faulty(&self, index: ValidatorIndex) -> bool {
        self.twins.contains(&index) || self.liars.iter().any(|(liar, _)| *liar == index)
    }

    /// Whether the process may sign.
    pub(crate) fn is_active(&self, id: usize) -> bool {
        self.processes[id].replica.as_ref().is_some_and(Replica::is_active)
    }

    pub(crate) fn schedule_event(&mut self, delay: u64, id: usize, event: Event) {
        let life = self.processes[id].life;
        self.schedule(delay, Item::Happen(id, life, Box::new(event)));
    }

    fn schedule(&mut self, delay: u64, item: Item) {
        self.sequence += 1;
        self.queue.push(Reverse((self.now + delay, self.sequence)));
        self.items.insert(self.sequence, item);
    }

    fn perform(&mut self, item: Item) {
        match item {
            Item::Deliver(from, id, message) => self.deliver(from, id, message),
            Item::Timer(id, life) => self.on_timer(id, life),
            Item::Happen(id, life, event) => {
                if self.processes[id].life == life {
                    self.step(id, *event);
                }
            }
            Item::Start(id) => self.on_start(id),
            Item::Work(id) => self.on_work(id),
            Item::Cut => self.on_cut(),
        }
    }

    fn on_start(&mut self, id: usize) {
        let nonce = self.random.bytes();
        let process = &mut self.processes[id];
        if process.replica.is_some() {
            return;
        }
        process.life += 1;
        process.wanted = None;
        process.timer = None;
        if let Some(adversary) = process.adversary.as_mut() {
            adversary.start(&mut process.disk);
        }
        process.cache = CertificateCache::default();
        let recovered = process.disk.recovered(nonce);
        process.committed = recovered.committed.header.height;
        let signer = Box::new(KeyedHash::new(process.index.get()));
        let replica = Replica::new(self.config.clone(), self.ctx.clone(), Some(signer), recovered);
        process.replica = Some(replica);
        let pending = process.pending;
        self.step(id, Event::Started);
        self.step(id, Event::PendingWork(pending));
    }

    fn on_timer(&mut self, id: usize, life: u32) {
        let process = &mut self.processes[id];
        if process.life == life && process.timer.is_some_and(|timer| timer <= self.now) {
            process.timer = None;
        }
        if process.life != life {
            return;
        }
        let due = process.replica.as_ref().and_then(Replica::next_deadline);
        if due.is_some_and(|due| due <= Duration::from_micros(self.now)) {
            self.step(id, Event::Tick);
        } else {
            self.set_timer(id);
        }
    }

    /// One timer at a time: a later deadline is seen when the earlier one has come.
    fn set_timer(&mut self, id: usize) {
        let process = &mut self.processes[id];
        let Some(due) = process.replica.as_ref().and_then(Replica::next_deadline) else { return };
        // Whatever is due already is done in a moment, as a driver would.
        let at = u64::try_from(due.as_micros()).unwrap().max(self.now + 1);
        if process.timer.is_none_or(|timer| at < timer) {
            process.timer = Some(at);
            let life = process.life;
            self.schedule(at - self.now, Item::Timer(id, life));
        }
    }

    /// Work comes and goes.
    fn on_work(&mut self, id: usize) {
        self.processes[id].pending = !self.idle && (self.busy || !self.random.chance(400));
        let pending = self.processes[id].pending;
        self.step(id, Event::PendingWork(pending));
        if pending && self.processes[id].replica.is_some() {
            self.build(id);
        }
        let pause = self.random.between(20_000, 1_500_000);
        self.schedule(pause, Item::Work(id));
    }

    fn deliver(&mut self, from: usize, id: usize, message: Arc<Message>) {
        let process = &mut self.processes[id];
        if process.replica.is_none() {
            return;
        }
        let message = Arc::unwrap_or_clone(message);
        let heard = process.adversary.is_some().then(|| message.clone());
        match verify_cached(&self.ctx, &KeyedHashVerifier, &mut process.cache, message) {
            Ok(message) => self.step(id, Event::Message(message)),
            Err(rejection) => {
                let liar = self.is_faulty(self.processes[from].index);
                assert!(liar, "honest {:?} refused: {rejection}", self.processes[from].index);
                self.tally.add("refused by the verifier", 1);
                return;
            }
        }
        if let Some(message) = heard {
            self.lie(id, |adversary, liar| adversary.hear(liar, &message));
        }
    }

    fn step(&mut self, id: usize, event: Event) {
        let process = &mut self.processes[id];
        let Some(replica) = process.replica.as_mut() else { return };
        let wall = i64::try_from(EPOCH_MS + self.now / 1000).unwrap() + process.skew;
        let now =
            Now { mono: Duration::from_micros(self.now), unix_ms: u64::try_from(wall).unwrap() };
        let actions = replica.step(now, event);
        let life = process.life;
        for action in actions {
            self.note(id, &action);
            if self.faults.crash > 0 && self.random.below(100_000) < self.faults.crash {
                self.crash(id);
            }
            if self.processes[id].life != life {
                return;
            }
            self.act(id, action);
        }
        self.set_timer(id);
    }

    fn note(&mut self, id: usize, action: &Action) {
        let name = match action {
            Action::StoreBlock { .. } => 1,
            Action::PersistSafety(_) => 2,
            Action::Send { .. } => 3,
            Action::Broadcast(_) => 4,
            Action::EnteredView { view, .. } => 1000 + view.get(),
            Action::Commit { .. } => 5,
            _ => 6,
        };
        self.trace = (self.trace ^ name ^ ((id as u64) << 32)).wrapping_mul(0x0100_0000_01b3)
            ^ self.now.rotate_left(20);
    }

    /// Before the action at hand; whoever is wiped must leave the others a quorum with memory.
    fn crash(&mut self, id: usize) {
        self.kill(id);
        self.tally.add("crash", 1);
        if self.random.chance(self.faults.wipe) && self.may_wipe(id) {
            self.wipe(id);
            self.tally.add("wipe", 1);
        }
        let down = self.random.between(self.faults.down.0, self.faults.down.1);
        self.schedule(down, Item::Start(id));
    }

    fn may_wipe(&self, id: usize) -> bool {
        let validators = &self.ctx.validators;
        let lost: u64 = self
            .processes
            .iter()
            .enumerate()
            .filter(|(other, process)| {
                let lost = process.disk.safety().is_none();
                *other != id && (lost || self.is_faulty(process.index))
            })
            .map(|(_, process)| validators.power(process.index))
            .sum();
        lost + validators.power(self.processes[id].index) <= validators.max_faulty()
    }

    fn act(&mut self, id: usize, action: Action) {
        match action {
            Action::StoreBlock { block, qc } => self.processes[id].disk.store_block(&block, &qc),
            Action::PersistSafety(state) => self.processes[id].disk.persist(&state),
            Action::Send { to, message } => self.send(id, Parcel { to: Some(to), message }),
            Action::Broadcast(message) => self.send(id, Parcel::to_all(message)),
            Action::BuildPayload { view, ancestors, executed_min, idle_expired, .. } => {
                let parent = ancestors.last().map(|block| block.header.height);
                let parent = parent.unwrap_or_else(|| self.committed(id));
                self.processes[id].wanted = Some((view, parent, executed_min));
                if idle_expired || self.processes[id].pending {
                    self.build(id);
                }
            }
            Action::CheckPayload { block, .. } => {
                let delay = self.payload_delay();
                let event = Event::PayloadChecked { block: block.hash(), verdict: Ok(()) };
                self.schedule_event(delay, id, event);
            }
            Action::FetchBlock { block, holders, .. } => {
                let holders: Vec<ValidatorIndex> = holders.iter().collect();
                let pick = self.random.below(holders.len().max(1) as u64);
                let holder = holders.get(usize::try_from(pick).unwrap()).copied();
                let other = self.processes.iter().position(|p| Some(p.index) == holder);
                let other = other.filter(|other| self.is_linked(id, *other));
                let found = other.and_then(|other| self.processes[other].disk.block(&block));
                if let Some((block, qc)) = found {
                    let qc = verify_quorum(&self.ctx, &KeyedHashVerifier, qc).unwrap();
                    let delay = self.delay() * 2;
                    self.schedule_event(delay, id, Event::Block { block, qc });
                }
            }
            Action::Commit { blocks, cc } => {
                let blocks: Vec<Block> = blocks.iter().map(|block| (**block).clone()).collect();
                let index = self.processes[id].index;
                if !self.is_faulty(index) {
                    self.checker.on_commit(index, &blocks);
                }
                let process = &mut self.processes[id];
                process.committed = blocks.last().unwrap().header.height;
                process.disk.commit(&blocks, &cc);
            }
            Action::Behind { .. } => self.sync(id),
            Action::Evidence(evidence) => {
                assert!(self.is_faulty(evidence.signer()), "evidence of an honest one");
                evidence.verify(&self.ctx, &KeyedHashVerifier).expect("evidence proves");
                self.tally.add("evidence", 1);
            }
            Action::EnteredView { view, .. } => {
                self.processes[id].entered.insert(view, Duration::from_micros(self.now));
            }
            Action::Rejected { from, rejection } => {
                let faulty = from.is_some_and(|from| self.is_faulty(from));
                self.tally.add("refused by the core", u64::from(faulty));
                assert!(faulty || !rejection.is_fault(), "honest {from:?} rejected: {rejection}");
            }
        }
    }

    fn build(&mut self, id: usize) {
        let Some((view, parent, executed_min)) = self.processes[id].wanted.take() else { return };
        let delay = self.payload_delay();
        let latest = parent.minus(self.random.below(3)).max(executed_min);
        let payload = self.random.bytes()[..8].to_vec();
        let event = Event::PayloadBuilt { view, payload, executed: stage::executed(latest) };
        self.schedule_event(delay, id, event);
    }

    /// Sync: the final chain of somebody who has more of it.
    fn sync(&mut self, id: usize) {
        let mine = self.committed(id);
        let mut others = (0..self.processes.len()).filter(|other| self.is_linked(id, *other));
        let found = others.find_map(|other| self.processes[other].disk.final_above(mine));
        if let Some((blocks, cc)) = found {
            let cc = verify_commit(&self.ctx, &KeyedHashVerifier, cc).unwrap();
            let delay = 5 * self.delay();
            self.schedule_event(delay, id, Event::Committed { blocks, cc });
        }
    }

    fn send(&mut self, from: usize, parcel: Parcel) {
        let index = self.processes[from].index;
        if let Message::Timeout(timeout) = &parcel.message {
            self.processes[from].timeouts.push(timeout.view);
        }
        if self.processes[from].adversary.is_some() {
            self.lie(from, |adversary, liar| adversary.say(liar, parcel));
            return;
        }
        if !self.is_faulty(index) && !matches!(parcel.message, Message::Certificate(_)) {
            self.checker.on_send(index, &parcel.message, &self.processes[from].disk);
        }
        self.post(from, parcel);
    }

    /// Sends what a liar says.
    fn lie(
        &mut self,
        id: usize,
        say: impl FnOnce(&mut dyn Adversary, &mut Liar<'_>) -> Vec<Parcel>,
    ) {
        let process = &mut self.processes[id];
        let Some(adversary) = process.adversary.as_mut() else { return };
        let mut liar = Liar { ctx: &self.ctx, index: process.index, random: &mut self.random };
        for parcel in say(adversary.as_mut(), &mut liar) {
            self.post(id, parcel);
        }
    }

    /// The modes of all, for messages of failed assertions.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for process in &self.processes {
            let status = process.replica.as_ref().map(Replica::status);
            text.push_str(&match status {
                None => format!("{:?} down\n", process.index),
                Some(s) => format!(
                    "{:?} view {} leader {:?} qc {} final {} mode {} failed {} prep {:?} to {:?} missing {}\n",
                    process.index,
                    s.view,
                    s.leader,
                    s.high_qc_view,
                    s.committed_height,
                    match s.mode {
                        Mode::Active => "active".to_owned(),
                        other => format!("{other:?}"),
                    },
                    s.failed_views,
                    s.prepare_votes,
                    s.timeouts,
                    s.missing,
                ),
            });
        }
        text
    }
}
