//! Nodes of the trie and how they hash.

use logothete_primitives::{Digest, domain, hash};

use crate::state::StateKey;

/// What stands at one place of the trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// No entry below.
    Empty,
    /// One entry below: its leaf rises to this place.
    Leaf(Digest),
    /// At least two entries below.
    Inner(Digest),
}

impl Node {
    /// The hash that a parent covers; zero for nothing.
    pub(super) const fn digest(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf(digest) | Self::Inner(digest) => *digest,
        }
    }

    /// The parent of two places. A leaf without a neighbour rises.
    pub(super) fn join(left: &Self, right: &Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (Self::Empty, Self::Leaf(leaf)) | (Self::Leaf(leaf), Self::Empty) => Self::Leaf(*leaf),
            _ => Self::Inner(hash_pair(&left.digest(), &right.digest())),
        }
    }
}

/// `hash(STATE_NODE, left ‖ right)`.
pub(super) fn hash_pair(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(left.as_bytes());
    bytes[32..].copy_from_slice(right.as_bytes());
    hash(domain::STATE_NODE, &bytes)
}

/// `hash(STATE_LEAF, key ‖ value hash)`.
pub(super) fn hash_leaf(key: &StateKey, value_hash: &Digest) -> Digest {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(key.as_bytes());
    bytes[32..].copy_from_slice(value_hash.as_bytes());
    hash(domain::STATE_LEAF, &bytes)
}

/// `hash(STATE_VALUE, value)`.
pub(super) fn hash_value(value: &[u8]) -> Digest {
    hash(domain::STATE_VALUE, value)
}

/// Bit of a key, the first being the most significant of the first byte.
pub(super) fn bit(key: &StateKey, depth: usize) -> bool {
    key.as_bytes()[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// One entry: the key and what is hashed of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) key: StateKey,
    pub(super) value_hash: Digest,
    /// Kept beside what it follows from: a third more memory, half of the hashing of a bucket.
    pub(super) digest: Digest,
}

impl Leaf {
    pub(super) fn new(key: StateKey, value: &[u8]) -> Self {
        let value_hash = hash_value(value);
        Self { key, value_hash, digest: hash_leaf(&key, &value_hash) }
    }
}

/// The node over sorted leaves that agree in their first `depth` bits.
pub(super) fn node_over(leaves: &[Leaf], depth: usize) -> Node {
    match leaves {
        [] => Node::Empty,
        [leaf] => Node::Leaf(leaf.digest),
        _ => {
            let (left, right) = split(leaves, depth);
            Node::join(&node_over(left, depth + 1), &node_over(right, depth + 1))
        }
    }
}

/// Divides sorted leaves by the bit at `depth`.
pub(super) fn split(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key, depth)))
}
