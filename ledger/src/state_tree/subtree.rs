//! The lower part of the trie, under one slot of the array: a sorted bucket, or branches down to
//! several when a bucket would be too large.
//!
//! Immutable and shared: a new version copies the path that changes and keeps the rest, so an old
//! version costs only what differs.

use std::sync::Arc;

use super::node::{Leaf, Node, bit, node_over, split};
use super::proof::Terminal;
use crate::state::StateKey;
use logothete_primitives::Digest;

/// Most leaves of a bucket. A bucket is hashed anew as a whole, so whoever grinds keys with a common
/// prefix only gets a branch for each bit of it.
pub(super) const BUCKET_LEAVES_MAX: usize = 16;

/// Entries below one place of the trie.
#[derive(Clone, Debug, Default)]
pub(super) enum Subtree {
    #[default]
    Empty,
    Bucket(Arc<[Leaf]>),
    Branch(Arc<Branch>),
}

/// Two subtrees with their nodes: more leaves than half a bucket, so that none of them has risen.
#[derive(Debug)]
pub(super) struct Branch {
    left: (Subtree, Node),
    right: (Subtree, Node),
}

/// A new leaf, or none where the key is removed.
pub(super) type LeafChange = (StateKey, Option<Leaf>);

impl Subtree {
    /// The subtree of sorted leaves that agree in their first `depth` bits, and its node.
    pub(super) fn build(leaves: &[Leaf], depth: usize) -> (Self, Node) {
        match leaves.len() {
            0 => (Self::Empty, Node::Empty),
            1..=BUCKET_LEAVES_MAX => (Self::Bucket(leaves.into()), node_over(leaves, depth)),
            _ => {
                let (left, right) = split(leaves, depth);
                Self::join(Self::build(left, depth + 1), Self::build(right, depth + 1))
            }
        }
    }

    fn join(left: (Self, Node), right: (Self, Node)) -> (Self, Node) {
        let node = Node::join(&left.1, &right.1);
        (Self::Branch(Arc::new(Branch { left, right })), node)
    }

    /// The subtree after sorted changes, and its node.
    pub(super) fn update(
        &self,
        depth: usize,
        changes: &[LeafChange],
        merger: &mut Merger,
    ) -> (Self, Node) {
        match self {
            Self::Empty => Self::build(merger.merge(&[], changes), depth),
            Self::Bucket(leaves) => Self::build(merger.merge(leaves, changes), depth),
            Self::Branch(branch) => branch.update(depth, changes, merger),
        }
    }

    /// The two subtrees one level down.
    pub(super) fn halves(&self, depth: usize) -> [(Self, Node); 2] {
        match self {
            Self::Empty => [(Self::Empty, Node::Empty), (Self::Empty, Node::Empty)],
            Self::Bucket(leaves) => {
                let (left, right) = split(leaves, depth);
                [Self::build(left, depth + 1), Self::build(right, depth + 1)]
            }
            Self::Branch(branch) => [branch.left.clone(), branch.right.clone()],
        }
    }

    /// Goes down to `key`, adding the siblings on the way.
    pub(super) fn descend(
        &self,
        depth: usize,
        key: &StateKey,
        siblings: &mut Vec<Digest>,
    ) -> Terminal {
        match self {
            Self::Empty => Terminal::Empty,
            Self::Bucket(leaves) => descend_bucket(leaves, depth, key, siblings),
            Self::Branch(branch) => {
                let (own, other) = match bit(key, depth) {
                    false => (&branch.left, &branch.right),
                    true => (&branch.right, &branch.left),
                };
                siblings.push(other.1.digest());
                own.0.descend(depth + 1, key, siblings)
            }
        }
    }

    /// The leaf of a key.
    pub(super) fn find(&self, depth: usize, key: &StateKey) -> Option<&Leaf> {
        match self {
            Self::Empty => None,
            Self::Bucket(leaves) => leaves.iter().find(|leaf| leaf.key == *key),
            Self::Branch(branch) => {
                let own = if bit(key, depth) { &branch.right } else { &branch.left };
                own.0.find(depth + 1, key)
            }
        }
    }

    /// Adds all leaves, by ascending key.
    pub(super) fn collect(&self, into: &mut Vec<Leaf>) {
        match self {
            Self::Empty => {}
            Self::Bucket(leaves) => into.extend_from_slice(leaves),
            Self::Branch(branch) => {
                branch.left.0.collect(into);
                branch.right.0.collect(into);
            }
        }
    }

    /// Number of leaves.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Bucket(leaves) => leaves.len(),
            Self::Branch(branch) => branch.left.0.count() + branch.right.0.count(),
        }
    }

    /// Bytes that this version holds on the heap, allocator overhead aside.
    pub(super) fn heap_bytes(&self) -> usize {
        const COUNTERS: usize = 2 * size_of::<usize>();
        match self {
            Self::Empty => 0,
            Self::Bucket(leaves) => COUNTERS + size_of_val(&**leaves),
            Self::Branch(branch) => {
                let below = branch.left.0.heap_bytes() + branch.right.0.heap_bytes();
                COUNTERS + size_of::<Branch>() + below
            }
        }
    }
}

impl Branch {
    fn update(&self, depth: usize, changes: &[LeafChange], merger: &mut Merger) -> (Subtree, Node) {
        let middle = changes.partition_point(|(key, _)| !bit(key, depth));
        let (left, right) = changes.split_at(middle);
        let mut side = |side: &(Subtree, Node), changes: &[LeafChange]| match changes {
            [] => side.clone(),
            _ => side.0.update(depth + 1, changes, merger),
        };
        let (left, right) = (side(&self.left, left), side(&self.right, right));
        match (left.0.few(), right.0.few()) {
            (Some(low), Some(high)) if low.len() + high.len() <= BUCKET_LEAVES_MAX / 2 => {
                Subtree::build(&[low, high].concat(), depth)
            }
            _ => Subtree::join(left, right),
        }
    }
}

impl Subtree {
    /// The leaves, if they are in one bucket.
    fn few(&self) -> Option<&[Leaf]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Bucket(leaves) => Some(leaves),
            Self::Branch(_) => None,
        }
    }
}

/// Goes down to `key` among sorted leaves that agree in their first `depth` bits.
pub(super) fn descend_bucket(
    mut leaves: &[Leaf],
    mut depth: usize,
    key: &StateKey,
    siblings: &mut Vec<Digest>,
) -> Terminal {
    while leaves.len() > 1 {
        let (left, right) = split(leaves, depth);
        let (own, other) = if bit(key, depth) { (right, left) } else { (left, right) };
        depth += 1;
        siblings.push(node_over(other, depth).digest());
        leaves = own;
    }
    Terminal::from_leaf(leaves.first())
}

/// Merges changes into leaves and remembers what they replace.
#[derive(Debug, Default)]
pub(super) struct Merger {
    merged: Vec<Leaf>,
    /// What was at the changed keys.
    pub(super) replaced: Vec<LeafChange>,
}

impl Merger {
    /// A merger that has room for what this many changes replace.
    pub(super) fn for_changes(count: usize) -> Self {
        Self { merged: Vec::new(), replaced: Vec::with_capacity(count) }
    }

    /// The leaves after sorted changes.
    pub(super) fn merge(&mut self, leaves: &[Leaf], changes: &[LeafChange]) -> &[Leaf] {
        self.merged.clear();
        let mut rest = leaves;
        for (key, change) in changes {
            let before = rest.partition_point(|leaf| leaf.key < *key);
            self.merged.extend_from_slice(&rest[..before]);
            rest = &rest[before..];
            let old = rest.first().filter(|leaf| leaf.key == *key).copied();
            rest = &rest[usize::from(old.is_some())..];
            self.replaced.push((*key, old));
            self.merged.extend(change);
        }
        self.merged.extend_from_slice(rest);
        &self.merged
    }
}
