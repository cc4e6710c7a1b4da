//! What the latest updates replaced, so that recent versions can still be proved.

use std::collections::VecDeque;

use logothete_primitives::{Height, StateRoot};

use super::node::{Leaf, Node};
use super::subtree::{LeafChange, Merger};
use super::tree::slot_of;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Most versions before the current one.
    pub versions_max: usize,
    /// Most replaced nodes and leaves over all versions, about 60 bytes each on average; large
    /// updates shorten the past.
    pub entries_max: usize,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { versions_max: 64, entries_max: 2_000_000 }
    }
}

/// What one update replaced, or puts in its place.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Nodes of the array by depth, each level sorted by index; the last level is that of the slots.
    pub(super) levels: Vec<Vec<(u32, Node)>>,
    /// Leaves sorted by key.
    pub(super) leaves: Vec<LeafChange>,
}

impl Delta {
    fn entries(&self) -> usize {
        self.leaves.len() + self.levels.iter().map(Vec::len).sum::<usize>()
    }

    fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    fn node(&self, index: u32) -> Option<&Node> {
        let level = &self.levels[index.ilog2() as usize];
        let place = level.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(&level[place].1)
    }

    /// The leaves whose keys have the first `depth` bits of `slot`.
    fn leaves_of(&self, slot: u32, depth: usize) -> &[LeafChange] {
        let start = self.leaves.partition_point(|(key, _)| slot_of(key, depth) < slot);
        let rest = &self.leaves[start..];
        &rest[..rest.partition_point(|(key, _)| slot_of(key, depth) == slot)]
    }
}

/// Undo records of consecutive versions, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    limits: HistoryLimits,
    /// Height whose state is that before the first record.
    oldest: Height,
    records: VecDeque<Record>,
    entries: usize,
}

#[derive(Debug)]
struct Record {
    /// Height whose update made the record.
    height: Height,
    root_before: StateRoot,
    delta: Delta,
}

impl History {
    pub(super) fn new(limits: HistoryLimits, oldest: Height) -> Self {
        Self { limits, oldest, ..Self::default() }
    }

    /// Adds what the update of `height` replaced, and forgets what is beyond the limits.
    pub(super) fn push(&mut self, height: Height, root_before: StateRoot, delta: Delta) {
        self.entries += delta.entries();
        self.records.push_back(Record { height, root_before, delta });
        while self.records.len() > self.limits.versions_max
            || self.entries > self.limits.entries_max
        {
            let Some(record) = self.records.pop_front() else {
                break;
            };
            self.entries -= record.delta.entries();
            self.oldest = record.height;
        }
    }

    /// Oldest height that can be proved.
    pub(super) fn oldest(&self) -> Height {
        self.oldest
    }

    /// Root at a height from the oldest on, if it is not the current one.
    pub(super) fn root_at(&self, at: Height) -> Option<StateRoot> {
        self.after(at).next().map(|record| record.root_before)
    }

    /// Depth of the array down to which [`node_at`](Self::node_at) knows what was replaced since.
    pub(super) fn depth_at(&self, at: Height) -> Option<usize> {
        self.after(at).map(|record| record.delta.depth()).min()
    }

    /// The node that stood at `index` at a height, if it was replaced since.
    pub(super) fn node_at(&self, index: u32, at: Height) -> Option<&Node> {
        self.after(at).find_map(|record| record.delta.node(index))
    }

    /// Turns the current leaves of a slot into those of a height.
    pub(super) fn rewind(&self, leaves: &mut Vec<Leaf>, slot: u32, depth: usize, at: Height) {
        let mut merger = Merger::default();
        for record in self.after(at).rev() {
            let changes = record.delta.leaves_of(slot, depth);
            if !changes.is_empty() {
                *leaves = merger.merge(leaves, changes).to_vec();
            }
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let of = |record: &Record| {
            let nodes = record.delta.levels.iter().map(|level| size_of_val(&**level));
            nodes.sum::<usize>() + size_of_val(&*record.delta.leaves)
        };
        self.records.iter().map(of).sum()
    }

    /// Records of the updates after a height, oldest first.
    fn after(&self, at: Height) -> impl DoubleEndedIterator<Item = &Record> {
        let first = self.records.partition_point(|record| record.height <= at);
        self.records.range(first..)
    }
}
