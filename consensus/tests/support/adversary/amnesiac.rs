//! Loses its memory at every start and signs on as if it never had one: R10 broken.

use super::{Adversary, Disk};

#[derive(Default)]
pub(crate) struct Amnesiac {
    started: bool,
    count: u64,
}

impl Adversary for Amnesiac {
    fn start(&mut self, disk: &mut Disk) {
        if self.started {
            *disk = Disk::fresh();
            self.count += 1;
        }
        self.started = true;
    }

    fn misdeeds(&self) -> u64 {
        self.count
    }
}
