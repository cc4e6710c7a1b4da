//! Building a tree from the flat state, as at the start of a node.

use logothete_primitives::{Height, StateRoot};

use super::history::HistoryLimits;
use super::node::{Leaf, node_over};
use super::tree::StateTree;
use crate::state::StateKey;

/// A key that does not come after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state key {key} does not follow its predecessor")]
pub struct UnsortedKey {
    /// The key out of order.
    pub key: StateKey,
}

/// Takes entries by ascending key, as the flat state gives them.
#[derive(Debug, Default)]
pub struct StateTreeBuilder {
    leaves: Vec<Leaf>,
}

impl StateTreeBuilder {
    /// A builder without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next entry.
    pub fn push(&mut self, key: StateKey, value: &[u8]) -> Result<(), UnsortedKey> {
        if self.leaves.last().is_some_and(|last| last.key >= key) {
            return Err(UnsortedKey { key });
        }
        self.leaves.push(Leaf::new(key, value));
        Ok(())
    }

    /// The root of what was added, without building a tree.
    #[must_use]
    pub fn root(&self) -> StateRoot {
        StateRoot::new(node_over(&self.leaves, 0).digest())
    }

    /// The tree of what was added, as the state of `height`.
    #[must_use]
    pub fn finish(self, height: Height, limits: HistoryLimits) -> StateTree {
        StateTree::from_leaves(height, &self.leaves, limits)
    }
}

impl StateTree {
    /// The tree of entries sorted by key, as the state of `height`.
    pub fn from_sorted<V: AsRef<[u8]>>(
        height: Height,
        entries: impl IntoIterator<Item = (StateKey, V)>,
        limits: HistoryLimits,
    ) -> Result<Self, UnsortedKey> {
        let mut builder = StateTreeBuilder::new();
        for (key, value) in entries {
            builder.push(key, value.as_ref())?;
        }
        Ok(builder.finish(height, limits))
    }
}
