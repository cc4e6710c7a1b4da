//! Four members, what is on its way between them, and their disks.

use std::collections::VecDeque;
use std::time::Duration;

use logothete_consensus::{
    Action, Block, CertificateCache, Config, Context, Event, Message, Now, Replica, verify_cached,
    verify_commit, verify_quorum,
};
use logothete_primitives::{Height, ValidatorIndex, View};

use crate::checker::Checker;
use crate::disk::Disk;
use crate::keyed_hash::{KeyedHash, KeyedHashVerifier};
use crate::liar::Liar;
use crate::random::Random;
use crate::stage::{self, EPOCH_MS};

/// Members of the cluster.
pub(crate) const SIZE: usize = 4;
/// Most that is on its way at a time; the oldest is lost first.
const ITEMS_MAX: usize = 256;
/// Most deliveries of one step of the schedule, so that two members that answer one another end.
const BURST_MAX: usize = 24;

struct Member {
    index: ValidatorIndex,
    /// `None` for the liar.
    replica: Option<Replica>,
    disk: Disk,
    /// What was meant for an earlier life is dropped.
    life: u32,
    wanted: Option<(View, Height, Height)>,
    pending: bool,
}

#[allow(clippy::large_enum_variant)] // Nearly all are messages.
enum Item {
    Deliver(usize, Message),
    Happen(usize, u32, Box<Event>),
}

/// The cluster and everything around it.
pub(crate) struct World {
    pub(crate) ctx: Context,
    members: Vec<Member>,
    checker: Checker,
    liar: Option<Liar>,
    cache: CertificateCache,
    items: VecDeque<Item>,
    now: Duration,
    /// Only for what a crash leaves; always the same.
    random: Random,
}

impl World {
    /// Everybody starts at genesis. With a liar the last member has no replica.
    pub(crate) fn new(with_liar: bool) -> Self {
        let member = |index| Member {
            index: ValidatorIndex::new(index),
            replica: None,
            disk: Disk::fresh(),
            life: 0,
            wanted: None,
            pending: true,
        };
        let mut world = Self {
            ctx: stage::context(&[1; SIZE]),
            members: (0..4).map(member).collect(),
            checker: Checker::default(),
            liar: with_liar.then(|| Liar::new(ValidatorIndex::new(3))),
            cache: CertificateCache::default(),
            items: VecDeque::new(),
            now: Duration::from_millis(1),
            random: Random::new(1),
        };
        (0..SIZE).for_each(|id| world.start(id));
        world
    }

    /// Delivers what is at a place of the queue.
    pub(crate) fn deliver_at(&mut self, place: usize) {
        if let Some(item) = self.items.remove(place) {
            self.perform(item);
        }
    }

    /// Loses what is at a place of the queue; events of the own process are not lost.
    pub(crate) fn lose_at(&mut self, place: usize) {
        if let Some(Item::Deliver(..)) = self.items.get(place) {
            self.items.remove(place);
        }
    }

    /// Delivers everything in order to those who are reached; the rest is lost.
    pub(crate) fn deliver_all(&mut self, reached: [bool; SIZE]) {
        for _ in 0..BURST_MAX {
            let Some(item) = self.items.pop_front() else { break };
            match item {
                Item::Deliver(id, _) if !reached[id] => {}
                item => self.perform(item),
            }
        }
    }

    /// Time passes; whoever has a deadline behind it hears of it.
    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        for id in 0..SIZE {
            let due = self.members[id].replica.as_ref().and_then(Replica::next_deadline);
            if due.is_some_and(|due| due <= self.now) {
                self.step(id, Event::Tick);
            }
        }
    }

    /// Work comes or goes.
    pub(crate) fn work(&mut self, id: usize, pending: bool) {
        self.members[id].pending = pending;
        self.step(id, Event::PendingWork(pending));
        if pending {
            self.build(id);
        }
    }

    /// A process dies, loses some of what it did not sync, perhaps its disk, and starts again.
    pub(crate) fn crash(&mut self, id: usize, wipe: bool) {
        if self.members[id].replica.take().is_none() {
            return;
        }
        self.members[id].life += 1;
        self.members[id].disk.crash(&mut self.random);
        if wipe && self.may_wipe(id) {
            self.members[id].disk = Disk::default();
        }
        self.start(id);
    }

    /// At most one member is faulty at a time: a liar, or one without its memory.
    fn may_wipe(&self, id: usize) -> bool {
        let lost = |member: &Member| !member.replica.as_ref().is_none_or(Replica::is_active);
        let others = self.members.iter().enumerate().filter(|(other, _)| *other != id);
        self.liar.is_none() && !others.map(|(_, member)| member).any(lost)
    }

    /// The liar signs something and sends it to some.
    pub(crate) fn lie(&mut self, kind: usize, choice: usize, reached: usize) {
        let Some(liar) = &self.liar else { return };
        let Some(message) = liar.say(&self.ctx, kind, choice) else { return };
        for id in 0..SIZE {
            if reached >> id & 1 == 1 {
                self.push(Item::Deliver(id, message.clone()));
            }
        }
    }

    fn start(&mut self, id: usize) {
        let index = self.members[id].index;
        if self.liar.as_ref().is_some_and(|liar| liar.index() == index) {
            return;
        }
        let nonce = self.random.bytes();
        let member = &mut self.members[id];
        member.life += 1;
        member.wanted = None;
        let (config, signer) = (Config::default(), Box::new(KeyedHash::new(index.get())));
        let recovered = member.disk.recovered(nonce);
        let pending = member.pending;
        member.replica = Some(Replica::new(config, self.ctx.clone(), Some(signer), recovered));
        self.step(id, Event::Started);
        self.step(id, Event::PendingWork(pending));
    }

    fn push(&mut self, item: Item) {
        if self.items.len() == ITEMS_MAX {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    fn perform(&mut self, item: Item) {
        match item {
            Item::Happen(id, life, event) if self.members[id].life == life => self.step(id, *event),
            Item::Happen(..) => {}
            Item::Deliver(id, message) => {
                let by_liar = self.liar.as_ref().map(Liar::index) == message.author();
                let cache = &mut self.cache;
                match verify_cached(&self.ctx, &KeyedHashVerifier, cache, message) {
                    Ok(message) => self.step(id, Event::Message(message)),
                    Err(rejection) => assert!(by_liar, "an honest message is refused: {rejection}"),
                }
            }
        }
    }

    fn step(&mut self, id: usize, event: Event) {
        let unix_ms = EPOCH_MS + u64::try_from(self.now.as_millis()).expect("a few minutes");
        let now = Now { mono: self.now, unix_ms };
        let Some(replica) = self.members[id].replica.as_mut() else { return };
        for action in replica.step(now, event) {
            self.act(id, action);
        }
    }

    fn act(&mut self, id: usize, action: Action) {
        match action {
            Action::StoreBlock { block, qc } => self.members[id].disk.store_block(&block, &qc),
            Action::PersistSafety(state) => self.members[id].disk.persist(&state),
            Action::Send { to, message } => self.send(id, Some(to), &message),
            Action::Broadcast(message) => self.send(id, None, &message),
            Action::BuildPayload { view, ancestors, executed_min, idle_expired, .. } => {
                let parent = ancestors.last().map(|block| block.header.height);
                let parent = parent.unwrap_or_else(|| self.committed(id));
                self.members[id].wanted = Some((view, parent, executed_min));
                if idle_expired || self.members[id].pending {
                    self.build(id);
                }
            }
            Action::CheckPayload { block, .. } => {
                self.later(id, Event::PayloadChecked { block: block.hash(), verdict: Ok(()) });
            }
            Action::FetchBlock { block, .. } => {
                let found = self.members.iter().find_map(|member| member.disk.block(&block));
                if let Some((block, qc)) = found {
                    let qc = verify_quorum(&self.ctx, &KeyedHashVerifier, qc);
                    let qc = qc.expect("what is stored was verified");
                    self.later(id, Event::Block { block, qc });
                }
            }
            Action::Commit { blocks, cc } => {
                let blocks: Vec<Block> = blocks.iter().map(|block| (**block).clone()).collect();
                self.checker.on_commit(self.members[id].index, &blocks);
                self.members[id].disk.commit(&blocks, &cc);
            }
            Action::Behind { .. } => self.sync(id),
            Action::Evidence(evidence) => {
                let liar = self.liar.as_ref().map(Liar::index);
                assert_eq!(Some(evidence.signer()), liar, "evidence of an honest one");
                evidence.verify(&self.ctx, &KeyedHashVerifier).expect("evidence proves");
            }
            Action::EnteredView { .. } => {}
            Action::Rejected { from, rejection } => {
                let liar = from.is_some() && from == self.liar.as_ref().map(Liar::index);
                assert!(liar || !rejection.is_fault(), "honest {from:?} rejected: {rejection}");
            }
        }
    }

    fn committed(&self, id: usize) -> Height {
        let replica = self.members[id].replica.as_ref();
        replica.map_or(Height::ZERO, |replica| replica.status().committed_height)
    }

    fn later(&mut self, id: usize, event: Event) {
        self.push(Item::Happen(id, self.members[id].life, Box::new(event)));
    }

    fn build(&mut self, id: usize) {
        let Some((view, parent, executed_min)) = self.members[id].wanted.take() else { return };
        let latest = parent.minus(2).max(executed_min);
        let payload = view.get().to_le_bytes().to_vec();
        self.later(id, Event::PayloadBuilt { view, payload, executed: stage::executed(latest) });
    }

    /// The final chain of somebody who has more of it.
    fn sync(&mut self, id: usize) {
        let mine = self.committed(id);
        if let Some((blocks, cc)) =
            self.members.iter().find_map(|member| member.disk.final_above(mine))
        {
            let cc = verify_commit(&self.ctx, &KeyedHashVerifier, cc);
            self.later(
                id,
                Event::Committed { blocks, cc: cc.expect("what is stored was verified") },
            );
        }
    }

    fn send(&mut self, from: usize, to: Option<ValidatorIndex>, message: &Message) {
        let index = self.members[from].index;
        if !matches!(message, Message::Certificate(_)) {
            self.checker.on_send(index, message, &self.members[from].disk);
        }
        if let Some(liar) = &mut self.liar {
            liar.hear(message);
        }
        for other in 0..SIZE {
            let there = self.members[other].index;
            if there != index && to.is_none_or(|to| to == there) {
                self.push(Item::Deliver(other, message.clone()));
            }
        }
    }
}
