//! Changes of a block on top of a state that stays as it was, with undo for one transaction.

use crate::fast_map::FastMap;
use crate::state::{StateChange, StateKey, StateValue, StateView};

/// A view, what was read from it, and what was written over it.
///
/// Keys are looked up once, by [`load`](Self::load); after that everything goes by [`Slot`].
///
/// Invariants:
/// - the `before` of a record is the value in the view; it is read once and never changes;
/// - the journal holds the former value of every write since [`commit`](Self::commit), oldest first.
pub struct Overlay<'v, V> {
    view: &'v V,
    slots: FastMap<StateKey, Slot>,
    records: Vec<Record>,
    journal: Vec<(Slot, Option<StateValue>)>,
}

/// The place of a key in its [`Overlay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

struct Record {
    key: StateKey,
    before: Option<StateValue>,
    now: Option<StateValue>,
}

impl<'v, V: StateView> Overlay<'v, V> {
    /// An overlay without changes.
    pub fn new(view: &'v V) -> Self {
        Self { view, slots: FastMap::default(), records: Vec::new(), journal: Vec::new() }
    }

    /// The slots of these keys, in their order. What is not at hand is read from the view in one go.
    pub fn load(&mut self, keys: &[StateKey]) -> Vec<Slot> {
        let known = self.records.len();
        let slots = keys.iter().map(|key| self.slot(key)).collect();
        let mut new: Vec<(StateKey, usize)> = (known..self.records.len())
            .map(|position| (self.records[position].key, position))
            .collect();
        // In order of keys, as a sorted store reads best.
        new.sort_unstable_by_key(|(key, _)| *key);
        let missing: Vec<StateKey> = new.iter().map(|(key, _)| *key).collect();
        let values = self.view.read_many(&missing);
        assert_eq!(values.len(), missing.len(), "a view answers every key");
        for ((_, position), value) in new.into_iter().zip(values) {
            let record = &mut self.records[position];
            record.now.clone_from(&value);
            record.before = value;
        }
        slots
    }

    /// The present value.
    pub fn read(&self, slot: Slot) -> Option<&StateValue> {
        self.records[slot.position()].now.as_ref()
    }

    /// Writes a value; `None` removes the key.
    pub fn write(&mut self, slot: Slot, value: Option<StateValue>) {
        let record = &mut self.records[slot.position()];
        let former = std::mem::replace(&mut record.now, value);
        self.journal.push((slot, former));
    }

    /// Makes the writes so far part of the block: they can no longer be undone.
    pub fn commit(&mut self) {
        self.journal.clear();
    }

    /// Takes back every write since the last [`commit`](Self::commit).
    pub fn undo(&mut self) {
        while let Some((slot, former)) = self.journal.pop() {
            self.records[slot.position()].now = former;
        }
    }

    /// The difference to the view, by ascending key. A value written and restored is no change.
    pub fn into_changes(self) -> Vec<StateChange> {
        let changed = self.records.into_iter().filter(|record| record.before != record.now);
        let mut changes: Vec<StateChange> =
            changed.map(|record| (record.key, record.now)).collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        changes
    }

    /// The slot of a key; a new one has no value yet.
    fn slot(&mut self, key: &StateKey) -> Slot {
        *self.slots.entry(*key).or_insert_with(|| {
            let position = u32::try_from(self.records.len());
            self.records.push(Record { key: *key, before: None, now: None });
            Slot(position.expect("a block touches fewer than 2^32 keys"))
        })
    }
}

impl Slot {
    const fn position(self) -> usize {
        self.0 as usize
    }
}
