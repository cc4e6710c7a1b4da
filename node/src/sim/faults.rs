//! What can go wrong in a run.

use std::time::Duration;

use logothete_ledger::store::Fate;
use logothete_p2p::simulated::LinkConfig;
use rand::RngExt;
use tokio::time::Instant;

use super::cluster::{Cluster, Todo};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A process is killed between two pieces of work.
    Kill,
    /// The power of a machine fails at a write.
    PowerLoss,
    /// A disk is full at a write.
    DiskFull,
    /// A machine loses its disk (R10).
    Wipe,
    /// All processes are killed at once.
    KillAll,
    /// The network falls into two parts.
    Partition,
    /// Nothing gets through from one member to another; the way back works.
    OneWay,
    /// What one member sends to another takes long.
    SlowLink,
    /// A machine stands still: what it hears and says, it hears and says late.
    Pause,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Kill,
        Self::PowerLoss,
        Self::DiskFull,
        Self::Wipe,
        Self::KillAll,
        Self::Partition,
        Self::OneWay,
        Self::SlowLink,
        Self::Pause,
    ];

    /// Its line in the histogram.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::PowerLoss => "power loss",
            Self::DiskFull => "disk full",
            Self::Wipe => "wipe",
            Self::KillAll => "kill all",
            Self::Partition => "partition",
            Self::OneWay => "one way",
            Self::SlowLink => "slow link",
            Self::Pause => "pause",
        }
    }
}

impl Cluster {
    /// Makes one of the drawn faults happen, and says when the next is due.
    pub(super) fn make_fault(&mut self) {
        if self.plan.faults.is_empty() {
            return;
        }
        let member = self.random.random_range(0..self.members.len());
        let kind = self.plan.faults[self.random.random_range(0..self.plan.faults.len())];
        let name = kind.name();
        match kind {
            FaultKind::Kill => self.kill_and_restart(name, member, false),
            FaultKind::PowerLoss => self.doom(name, member, Fate::StopsAfter),
            FaultKind::DiskFull => self.doom(name, member, Fate::FillsAfter),
            FaultKind::Wipe => {
                if self.may_wipe(member) {
                    self.kill_and_restart(name, member, true);
                }
            }
            FaultKind::KillAll => {
                for member in 0..self.members.len() {
                    self.kill_and_restart(name, member, false);
                }
            }
            FaultKind::Partition => self.partition(name),
            FaultKind::OneWay => {
                let dead = LinkConfig { loss: 1.0, ..self.plan.link };
                self.spoil(name, member, dead);
            }
            FaultKind::SlowLink => {
                let delay = Duration::from_millis(self.random.random_range(100..1_500));
                self.spoil(name, member, LinkConfig { delay, ..self.plan.link });
            }
            FaultKind::Pause => self.pause(name, member),
        }
        let mean = self.plan.fault_interval;
        let pause = mean.mul_f64(self.random.random_range(0.2..1.8));
        self.schedule(pause, Todo::Fault);
    }

    fn kill_and_restart(&mut self, name: &'static str, member: usize, wipe: bool) {
        if self.members[member].is_running() {
            self.journal.fault(name, member, "");
            self.kill(member, wipe);
            self.restart_later(member);
        }
    }

    pub(super) fn restart_later(&mut self, member: usize) {
        let down = Duration::from_millis(self.random.random_range(50..3_000));
        self.schedule(down, Todo::Start(member));
    }

    /// Who loses his disk must leave a quorum of others that remember, know the time and do not lie.
    pub(super) fn may_wipe(&self, member: usize) -> bool {
        let is_out = |other: usize| {
            let bad = self.plan.is_lost_in_time(other) || self.plan.liars.contains_key(&other);
            bad || other == member || self.members[other].is_impaired()
        };
        let powers = self.plan.powers.iter().enumerate();
        let out: u64 = powers.filter(|(other, _)| is_out(*other)).map(|(_, power)| power).sum();
        out <= self.plan.faulty_power()
    }

    fn doom(&mut self, name: &'static str, member: usize, fate: fn(u64) -> Fate) {
        let writes = self.random.random_range(0..40);
        if self.members[member].doom_with(name, fate(writes)) {
            self.journal.note(member, format!("{name} after {writes} writes"));
        }
    }

    fn partition(&mut self, name: &'static str) {
        let side: Vec<bool> =
            (0..self.members.len()).map(|_| self.random.random_bool(0.5)).collect();
        let keys = |wanted: bool| {
            let on_side = self.members.iter().zip(&side).filter(move |(_, side)| **side == wanted);
            on_side.map(|(member, _)| member.key()).collect::<Vec<_>>()
        };
        let (left, right) = (keys(true), keys(false));
        self.journal.fault(name, None, &format!("{side:?}"));
        self.net.partition(&[&left, &right]);
        let lasts = Duration::from_millis(self.random.random_range(200..4_000));
        self.schedule(lasts, Todo::Heal);
    }

    fn spoil(&mut self, name: &'static str, from: usize, link: LinkConfig) {
        let to = self.random.random_range(0..self.members.len());
        if from == to {
            return;
        }
        self.journal.fault(name, from, &format!("to v{to}"));
        self.net.set_direction(&self.members[from].key(), &self.members[to].key(), link);
        let lasts = Duration::from_millis(self.random.random_range(200..4_000));
        self.schedule(lasts, Todo::Mend(from, to));
    }

    fn pause(&mut self, name: &'static str, member: usize) {
        let lasts = Duration::from_millis(self.random.random_range(200..2_000));
        self.journal.fault(name, member, &format!("for {lasts:?}"));
        let late = LinkConfig { delay: self.plan.link.delay + lasts, ..self.plan.link };
        for other in (0..self.members.len()).filter(|other| *other != member) {
            for (from, to) in [(member, other), (other, member)] {
                self.net.set_direction(&self.members[from].key(), &self.members[to].key(), late);
                self.schedule(lasts, Todo::Mend(from, to));
            }
        }
    }

    pub(super) fn schedule(&mut self, after: Duration, todo: Todo) {
        self.sequence += 1;
        self.todo.insert((Instant::now() + after, self.sequence), todo);
    }
}
