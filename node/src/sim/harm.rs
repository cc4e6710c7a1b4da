//! What can happen to a disk while nobody uses it.

use logothete_ledger::store::{Damage, MemoryDisk};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::cluster::{Cluster, Todo};
use super::marks::MarksDisk;

/// Bits of a slot of the marks that mean something.
const MARKS_BITS: usize = 960;

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// A bit flips.
    BitFlip,
    /// Something in the middle of what was synced was never written.
    LostWrite,
    /// What was synced last was never written: the database is an older one.
    Rollback,
    /// The same, and the copy of the marks is an older one too. No machine can see that: never drawn, but for the test
    /// that it is caught.
    Snapshot,
}

impl DiskFault {
    /// All kinds that a machine can see.
    pub const ALL: [Self; 3] = [Self::BitFlip, Self::LostWrite, Self::Rollback];

    /// Its line in the histogram.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BitFlip => "disk: bit flip",
            Self::LostWrite => "disk: lost write",
            Self::Rollback => "disk: rolled back",
            Self::Snapshot => "disk: rolled back with its marks",
        }
    }

    fn draw(self, random: &mut ChaCha8Rng) -> Harm {
        let place = random.random();
        let part = match (self, random.random_range(0..6)) {
            (Self::BitFlip, 0 | 1) => Part::Database(Damage::LogBit(place)),
            (Self::BitFlip, 2) => Part::Database(Damage::Record(place)),
            (Self::BitFlip, 3) => Part::Mark(random.random_range(0..2)),
            (Self::BitFlip, 4) => Part::Marks,
            (Self::LostWrite, 0..3) => Part::Database(Damage::LogPage(place)),
            (Self::BitFlip | Self::LostWrite, _) => Part::Database(Damage::Block(place)),
            (Self::Rollback, _) => Part::Database(Damage::LogEnd(place)),
            (Self::Snapshot, _) => Part::Both(Damage::LogEnd(place)),
        };
        Harm { fault: self, part, bit: random.random_range(0..MARKS_BITS) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Database(Damage),
    /// One slot of the copy of the marks.
    Mark(usize),
    /// Both.
    Marks,
    /// The database, and the marks of the first day.
    Both(Damage),
}

/// Damage of one disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Harm {
    pub(super) fault: DiskFault,
    part: Part,
    /// Of a slot.
    bit: usize,
}

impl Harm {
    /// Does the damage; false when there is nothing to damage.
    pub(super) fn strike(&self, database: &mut MemoryDisk, marks: &MarksDisk) -> bool {
        match self.part {
            Part::Database(damage) => database.suffer(damage),
            Part::Both(damage) => {
                marks.go_back();
                database.suffer(damage)
            }
            Part::Mark(slot) => marks.flip(slot, self.bit),
            Part::Marks => {
                [0, 1].into_iter().filter(|slot| marks.flip(*slot, self.bit)).count() > 0
            }
        }
    }

    /// Whether it is in the tables: a start may succeed, and leave it for later.
    pub(super) fn is_in_tables(&self) -> bool {
        matches!(self.part, Part::Database(Damage::Block(_) | Damage::Record(_)))
    }
}

impl Cluster {
    /// Damages the disk of a member that is stopped for it, or lets its database move its log to tables, and says when
    /// the next is due. Who is damaged may have to forget what he signed (R10), so others must be enough.
    pub(super) fn make_disk_fault(&mut self) {
        let random = &mut self.disk_random;
        let member = random.random_range(0..self.members.len());
        let moves_log = random.random_bool(0.25);
        let kind = self.plan.disk_faults[random.random_range(0..self.plan.disk_faults.len())];
        let harm = kind.draw(random);
        let pause = self.plan.disk_interval.mul_f64(random.random_range(0.2..1.8));
        if moves_log {
            self.members[member].flush();
        } else if self.may_damage(member) {
            if harm.is_in_tables() {
                // There is more in them.
                self.members[member].flush();
            }
            self.stop_for(member, harm);
            self.restart_later(member);
        }
        self.schedule(pause, Todo::DiskFault);
    }

    fn may_damage(&self, member: usize) -> bool {
        let machine = &self.members[member];
        // A disk that forgets takes the marks back with the database: nobody could know.
        let is_free = machine.is_running() && !machine.is_harmed() && !machine.may_forget();
        is_free && self.may_wipe(member)
    }
}
