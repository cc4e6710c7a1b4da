//! The tree in memory: an array for the upper levels, a subtree for each of its slots.

use logothete_primitives::{Height, StateRoot};

use super::history::{Delta, History, HistoryLimits};
use super::node::{Leaf, Node, bit};
use super::proof::{StateProof, Terminal};
use super::subtree::{LeafChange, Merger, Subtree, descend_bucket};
use crate::state::{StateKey, StateValue};

/// The array gets another level when there are more leaves than this to a slot.
pub(super) const LEAVES_PER_SLOT_MAX: usize = 4;

/// Deepest array. Beyond it the subtrees grow branches, which is slower and nothing else.
const DEPTH_MAX: usize = 26;

/// The authenticated state of one height and what is needed to prove some heights before it.
///
/// One writer: [`plan`](Self::plan) does the work by shared reference, so that proofs go on
/// meanwhile, [`commit`](Self::commit) puts the result in place. [`apply`](Self::apply) is both.
#[derive(Debug)]
pub struct StateTree {
    height: Height,
    /// Node of the place with bits `b` at index `1b`: the root at 1, the slots from `1 << depth` on.
    nodes: Vec<Node>,
    slots: Vec<Subtree>,
    depth: usize,
    leaves: usize,
    history: History,
}

/// New nodes of one height, to be given to [`StateTree::commit`].
#[derive(Debug)]
pub struct StateUpdate {
    root_before: StateRoot,
    root: StateRoot,
    depth: usize,
    leaves: usize,
    slots: Vec<(u32, Subtree)>,
    /// New nodes, and the leaves that were in place before.
    delta: Delta,
}

impl StateUpdate {
    /// The root after the update.
    #[must_use]
    pub fn root(&self) -> StateRoot {
        self.root
    }
}

/// What a tree knows of the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There is none.
    Absent,
    /// This is it.
    Value(StateValue),
    /// There is one, too long to be held here.
    Long,
}

/// Size of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeMemory {
    /// Entries of the state.
    pub leaves: usize,
    /// Bytes of the current version, allocator overhead aside.
    pub current_bytes: usize,
    /// Bytes that only earlier versions hold.
    pub history_bytes: usize,
    /// Replaced nodes and leaves of earlier versions.
    pub history_entries: usize,
}

/// Array levels for a number of leaves.
pub(super) fn depth_for(leaves: usize) -> usize {
    let mut depth = 0;
    while depth < DEPTH_MAX && leaves > LEAVES_PER_SLOT_MAX << depth {
        depth += 1;
    }
    depth
}

/// Slot of a key in an array of this depth.
pub(super) fn slot_of(key: &StateKey, depth: usize) -> u32 {
    let first = key.as_bytes().first_chunk::<4>().expect("keys have 32 bytes");
    // Two steps, because a shift by 32 is none.
    (u32::from_be_bytes(*first) >> 1) >> (31 - depth)
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("the array has less than 2^27 nodes")
}

/// Building.
impl StateTree {
    /// The tree of no entries at height zero.
    #[must_use]
    pub fn empty(limits: HistoryLimits) -> Self {
        Self::from_leaves(Height::ZERO, &[], limits)
    }

    /// The tree of leaves sorted by key.
    pub(super) fn from_leaves(height: Height, leaves: &[Leaf], limits: HistoryLimits) -> Self {
        use rayon::prelude::*;
        let depth = depth_for(leaves.len());
        let of_slot = |slot: u32| {
            let start = leaves.partition_point(|leaf| slot_of(&leaf.key, depth) < slot);
            let rest = &leaves[start..];
            let end = rest.partition_point(|leaf| slot_of(&leaf.key, depth) == slot);
            Subtree::build(&rest[..end], depth)
        };
        let built = (0..index(1 << depth)).into_par_iter().with_min_len(1_024).map(of_slot);
        let (slots, lowest): (Vec<Subtree>, Vec<Node>) = built.unzip();
        let mut tree = Self {
            height,
            nodes: vec![Node::Empty; 1 << depth],
            slots,
            depth,
            leaves: leaves.len(),
            history: History::new(limits, height),
        };
        tree.nodes.extend(lowest);
        for place in (1..1 << depth).rev() {
            tree.nodes[place] = Node::join(&tree.nodes[2 * place], &tree.nodes[2 * place + 1]);
        }
        tree
    }
}

/// Updating.
impl StateTree {
    /// Applies the changes of the next height and returns the new root.
    ///
    /// # Panics
    /// When the changes are not strictly sorted by key, or the height is not above the current one:
    /// execution guarantees both.
    pub fn apply(
        &mut self,
        height: Height,
        changes: &[(StateKey, Option<StateValue>)],
    ) -> StateRoot {
        let update = self.plan(changes);
        self.commit(height, update)
    }

    /// Computes the next version without changing this one.
    ///
    /// # Panics
    /// When the changes are not strictly sorted by key.
    #[must_use]
    pub fn plan(&self, changes: &[(StateKey, Option<StateValue>)]) -> StateUpdate {
        assert!(changes.is_sorted_by(|a, b| a.0 < b.0), "changes are sorted by key, each key once");
        let leaf = |key: &StateKey, value: &StateValue| Leaf::new(*key, value);
        let changes: Vec<LeafChange> = changes
            .iter()
            .map(|(key, value)| (*key, value.as_ref().map(|value| leaf(key, value))))
            .collect();
        let mut merger = Merger::for_changes(changes.len());
        let mut slots = Vec::with_capacity(changes.len());
        let mut lowest = Vec::with_capacity(changes.len());
        let mut leaves = self.leaves;
        for changes in changes.chunk_by(|a, b| self.slot_of(&a.0) == self.slot_of(&b.0)) {
            let slot = self.slot_of(&changes[0].0);
            let old = &self.slots[slot as usize];
            let unchanged = merger.replaced.len();
            let (new, node) = old.update(self.depth, changes, &mut merger);
            let place = index(1 << self.depth) + slot;
            if self.nodes[place as usize] == node {
                merger.replaced.truncate(unchanged);
                continue;
            }
            leaves = leaves + new.count() - old.count();
            slots.push((slot, new));
            lowest.push((place, node));
        }
        let delta = Delta { levels: self.levels_above(lowest), leaves: merger.replaced };
        let root_before = self.root();
        let top = delta.levels[0].first();
        let root = top.map_or(root_before, |(_, node)| StateRoot::new(node.digest()));
        StateUpdate { root_before, root, depth: self.depth, leaves, slots, delta }
    }

    /// Makes a planned version the current one.
    ///
    /// # Panics
    /// When the plan was not made from the current version, or the height is not above the current
    /// one.
    pub fn commit(&mut self, height: Height, update: StateUpdate) -> StateRoot {
        assert!(height > self.height, "heights are applied in order");
        assert!(
            update.root_before == self.root() && update.depth == self.depth,
            "an update belongs to the version it was planned from"
        );
        let mut delta = update.delta;
        for (index, node) in delta.levels.iter_mut().flatten() {
            std::mem::swap(node, &mut self.nodes[*index as usize]);
        }
        for (slot, subtree) in update.slots {
            self.slots[slot as usize] = subtree;
        }
        self.history.push(height, update.root_before, delta);
        self.height = height;
        self.leaves = update.leaves;
        while depth_for(self.leaves) > self.depth {
            self.deepen();
        }
        self.root()
    }

    fn slot_of(&self, key: &StateKey) -> u32 {
        slot_of(key, self.depth)
    }

    /// The changed nodes of all levels, root first, from those of the lowest.
    fn levels_above(&self, lowest: Vec<(u32, Node)>) -> Vec<Vec<(u32, Node)>> {
        let mut levels = vec![lowest];
        for _ in 0..self.depth {
            let below = levels.last().expect("starts with one level");
            levels.push(self.parents(below));
        }
        levels.reverse();
        levels
    }

    fn parents(&self, below: &[(u32, Node)]) -> Vec<(u32, Node)> {
        let parent = |children: &[(u32, Node)]| match children {
            [(left, left_node), (_, right_node)] => (left / 2, Node::join(left_node, right_node)),
            [(child, node), ..] => {
                let sibling = &self.nodes[(child ^ 1) as usize];
                let (left, right) = if child % 2 == 0 { (node, sibling) } else { (sibling, node) };
                (child / 2, Node::join(left, right))
            }
            [] => unreachable!("chunks are not empty"),
        };
        let mut parents = Vec::with_capacity(below.len());
        parents.extend(below.chunk_by(|a, b| a.0 / 2 == b.0 / 2).map(parent));
        parents
    }

    /// Adds a level to the array. No hash of an existing place changes.
    fn deepen(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots.reserve_exact(2 * old.len());
        self.nodes.reserve_exact(2 * old.len());
        for subtree in old {
            for (half, node) in subtree.halves(self.depth) {
                self.slots.push(half);
                self.nodes.push(node);
            }
        }
        self.depth += 1;
    }
}

/// Reading.
impl StateTree {
    /// The current height.
    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    /// The current root.
    #[must_use]
    pub fn root(&self) -> StateRoot {
        StateRoot::new(self.nodes[1].digest())
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves
    }

    /// True without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// Oldest height that can be proved.
    #[must_use]
    pub fn oldest_height(&self) -> Height {
        self.history.oldest()
    }

    /// What is known of the current value of a key.
    #[must_use]
    pub fn get(&self, key: &StateKey) -> Known {
        let leaf = self.slots[self.slot_of(key) as usize].find(self.depth, key);
        leaf.map_or(Known::Absent, |leaf| leaf.value().map_or(Known::Long, Known::Value))
    }

    fn holds(&self, at: Height) -> bool {
        (self.history.oldest()..=self.height).contains(&at)
    }

    /// The root at a height between the oldest and the current one.
    #[must_use]
    pub fn root_at(&self, at: Height) -> Option<StateRoot> {
        self.holds(at).then(|| self.history.root_at(at).unwrap_or_else(|| self.root()))
    }

    /// Proves the value of a key, or its absence, at a height between the oldest and the current one.
    #[must_use]
    pub fn prove(&self, key: &StateKey, at: Height) -> Option<StateProof> {
        if !self.holds(at) {
            return None;
        }
        let depth = self.depth_at(at);
        let mut siblings = Vec::new();
        let mut place = 1;
        for level in 0..depth {
            match self.node_at(place, at) {
                Node::Empty => return Some(StateProof::new(siblings, Terminal::Empty)),
                Node::Leaf(_) => {
                    let leaf = self.risen_leaf(place, depth, at);
                    return Some(StateProof::new(siblings, leaf));
                }
                Node::Inner(_) => {
                    place = 2 * place + u32::from(bit(key, level));
                    siblings.push(self.node_at(place ^ 1, at).digest());
                }
            }
        }
        let terminal = if at == self.height {
            self.slots[self.slot_of(key) as usize].descend(depth, key, &mut siblings)
        } else {
            descend_bucket(&self.leaves_at(place, depth, at), depth, key, &mut siblings)
        };
        Some(StateProof::new(siblings, terminal))
    }

    /// Size of the tree. Walks over all of it.
    #[must_use]
    pub fn memory(&self) -> TreeMemory {
        let below: usize = self.slots.iter().map(Subtree::heap_bytes).sum();
        TreeMemory {
            leaves: self.leaves,
            current_bytes: size_of_val(&*self.nodes) + size_of_val(&*self.slots) + below,
            history_bytes: self.history.heap_bytes(),
            history_entries: self.history.entries(),
        }
    }

    /// Depth of the array at a height. It may have got levels since.
    fn depth_at(&self, at: Height) -> usize {
        self.history.depth_at(at).unwrap_or(self.depth)
    }

    fn node_at(&self, place: u32, at: Height) -> Node {
        *self.history.node_at(place, at).unwrap_or(&self.nodes[place as usize])
    }

    /// The leaves below a place of the lowest level that the array had at a height.
    fn leaves_at(&self, place: u32, depth: usize, at: Height) -> Vec<Leaf> {
        let slot = place - index(1 << depth);
        let deeper = self.depth - depth;
        let mut leaves = Vec::new();
        for slot in slot << deeper..(slot + 1) << deeper {
            self.slots[slot as usize].collect(&mut leaves);
        }
        self.history.rewind(&mut leaves, slot, depth, at);
        leaves
    }

    /// The one leaf below a place of the array.
    fn risen_leaf(&self, mut place: u32, depth: usize, at: Height) -> Terminal {
        while place < index(1 << depth) {
            place *= 2;
            if self.node_at(place, at) == Node::Empty {
                place += 1;
            }
        }
        Terminal::from_leaf(self.leaves_at(place, depth, at).first())
    }
}
