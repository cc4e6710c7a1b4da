//! Changes of a block on top of a state that stays as it was, with undo for one transaction.

use crate::fast_map::FastMap;
use crate::state::{StateChange, StateKey, StateValue, StateView};

/// A view, what was read from it, and what was written over it.
///
/// Invariants:
/// - a slot's `before` is the value in the view; it is read once and never changes;
/// - the journal holds the former value of every write since [`commit`](Self::commit), oldest first.
pub struct Overlay<'v, V> {
    view: &'v V,
    slots: FastMap<StateKey, Slot>,
    journal: Vec<(StateKey, Option<StateValue>)>,
}

struct Slot {
    before: Option<StateValue>,
    now: Option<StateValue>,
}

impl Slot {
    fn unchanged(value: Option<StateValue>) -> Self {
        Self {
            before: value.clone(),
            now: value,
        }
    }
}

impl<'v, V: StateView> Overlay<'v, V> {
    /// An overlay without changes.
    pub fn new(view: &'v V) -> Self {
        Self {
            view,
            slots: FastMap::default(),
            journal: Vec::new(),
        }
    }

    /// Reads the keys that are not at hand, all in one go.
    pub fn prefetch(&mut self, keys: &[StateKey]) {
        let mut missing: Vec<StateKey> = keys
            .iter()
            .filter(|key| !self.slots.contains_key(*key))
            .copied()
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let values = self.view.read_many(&missing);
        assert_eq!(values.len(), missing.len(), "a view answers every key");
        self.slots.reserve(missing.len());
        for (key, value) in missing.into_iter().zip(values) {
            self.slots.insert(key, Slot::unchanged(value));
        }
    }

    /// The present value of a key.
    pub fn read(&mut self, key: &StateKey) -> Option<&StateValue> {
        self.slot(key).now.as_ref()
    }

    /// Writes a value; `None` removes the key.
    pub fn write(&mut self, key: &StateKey, value: Option<StateValue>) {
        let former = std::mem::replace(&mut self.slot(key).now, value);
        self.journal.push((*key, former));
    }

    /// Makes the writes so far part of the block: they can no longer be undone.
    pub fn commit(&mut self) {
        self.journal.clear();
    }

    /// Takes back every write since the last [`commit`](Self::commit).
    pub fn undo(&mut self) {
        while let Some((key, former)) = self.journal.pop() {
            self.slot(&key).now = former;
        }
    }

    /// The difference to the view, by ascending key. A value written and restored is no change.
    pub fn into_changes(self) -> Vec<StateChange> {
        let mut changes: Vec<StateChange> = self
            .slots
            .into_iter()
            .filter(|(_, slot)| slot.before != slot.now)
            .map(|(key, slot)| (key, slot.now))
            .collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        changes
    }

    fn slot(&mut self, key: &StateKey) -> &mut Slot {
        let view = self.view;
        self.slots
            .entry(*key)
            .or_insert_with(|| Slot::unchanged(view.read(key)))
    }
}
