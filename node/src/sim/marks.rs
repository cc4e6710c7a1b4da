//! The copy of the safety marks on a simulated disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use logothete_ledger::store::{Sector, Sectors, StoreError};

const EMPTY: [Sector; 2] = [[0; 512]; 2];

#[derive(Debug)]
struct Slots {
    written: [Sector; 2],
    synced: [Sector; 2],
    /// What was synced first.
    first: [Sector; 2],
}

/// Two sectors that a machine keeps beside its database.
#[derive(Clone, Debug)]
pub(super) struct MarksDisk(Arc<Mutex<Slots>>);

impl MarksDisk {
    /// Sectors that nobody wrote.
    pub(super) fn empty() -> Self {
        Self::holding(EMPTY, EMPTY)
    }

    fn holding(sectors: [Sector; 2], first: [Sector; 2]) -> Self {
        Self(Arc::new(Mutex::new(Slots { written: sectors, synced: sectors, first })))
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left when a machine stops: a slot that was not synced survives or does not.
    pub(super) fn left(&self, mut survives: impl FnMut() -> bool) -> Self {
        let slots = self.lock();
        let mut left = slots.synced;
        for (left, written) in left.iter_mut().zip(&slots.written) {
            if survives() {
                *left = *written;
            }
        }
        Self::holding(left, slots.first)
    }

    /// Holds what was synced first.
    pub(super) fn go_back(&self) {
        let mut slots = self.lock();
        (slots.written, slots.synced) = (slots.first, slots.first);
    }

    /// Flips a bit of a slot; false when nothing was written there.
    pub(super) fn flip(&self, slot: usize, bit: usize) -> bool {
        let mut slots = self.lock();
        if slots.written[slot] == EMPTY[slot] {
            return false;
        }
        slots.written[slot][bit / 8] ^= 1 << (bit % 8);
        slots.synced[slot] = slots.written[slot];
        true
    }
}

impl Sectors for MarksDisk {
    fn read(&self, slot: usize) -> Result<Option<Sector>, StoreError> {
        Ok(Some(self.lock().written[slot]))
    }

    fn write(&mut self, slot: usize, bytes: &Sector) -> Result<(), StoreError> {
        self.lock().written[slot] = *bytes;
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut slots = self.lock();
        slots.synced = slots.written;
        if slots.first == EMPTY {
            slots.first = slots.written;
        }
        Ok(())
    }
}
