//! Who looks after the machines: when a process ends and says that its disk is damaged, he does what it says.

use logothete_primitives::Height;

use super::cluster::Cluster;
use crate::recover::{self, RecoverError};
use crate::remedy::Remedy;

impl Cluster {
    /// Removes a damaged database and leaves the marks, if that is what helps; false when it is not, or nothing was
    /// damaged.
    pub(super) fn heal(
        &mut self,
        member: usize,
        found: &'static str,
        remedy: Remedy,
        why: &str,
    ) -> bool {
        let helps = remedy == Remedy::Heal && self.members[member].is_harmed();
        if helps {
            self.journal.fault(found, member, why);
            self.members[member].remove_database();
        }
        helps
    }

    /// Reads every record of a machine whose disk was damaged and that has not met the damage. It starts again.
    pub(super) fn look_for_damage(&mut self, member: usize) {
        if !self.members[member].is_harmed() {
            return;
        }
        self.kill(member, false);
        match self.read_all(member) {
            Ok(()) => self.journal.note(member, "the damage was written over"),
            Err(error) => {
                let error = anyhow::Error::from(error);
                let why = format!("{error:#}");
                if !self.heal(member, "damage found by reading all", Remedy::of(&error), &why) {
                    self.journal.violate(format!("v{member} cannot be read: {why}"));
                }
            }
        }
        self.members[member].trust_disk();
        self.start(member);
    }

    /// What a backup reads.
    fn read_all(&self, member: usize) -> Result<(), RecoverError> {
        let chain = self.members[member].chain(&self.stage.genesis);
        self.members[member].read_all()?;
        let Some(applied) = chain.store().applied_height() else { return Ok(()) };
        let mut height = Height::ZERO;
        while height <= applied {
            chain.executed(height)?;
            height = height.next();
        }
        recover::load_tree(&chain).map(|_| ())
    }
}
