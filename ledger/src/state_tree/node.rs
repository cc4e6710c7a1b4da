//! Nodes of the trie and how they hash.

use logothete_primitives::{Digest, domain, hash};

use crate::state::{StateKey, StateValue};

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

/// Bytes up to which a leaf holds its value: as many as the hash that it holds of a longer one.
const SHORT: usize = 32;

/// What a leaf holds of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// All of it.
    Short { len: u8, bytes: [u8; SHORT] },
    /// What is hashed of it.
    Long(Digest),
}

/// One entry: the key, and its value or what is hashed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) key: StateKey,
    kept: Kept,
    /// Kept beside what it follows from: a third more memory, and no hashing of the other leaves of a bucket.
    pub(super) digest: Digest,
}

impl Leaf {
    pub(super) fn new(key: StateKey, value: &[u8]) -> Self {
        let value_hash = hash_value(value);
        let kept = match u8::try_from(value.len()) {
            Ok(len) if value.len() <= SHORT => {
                let mut bytes = [0; SHORT];
                bytes[..value.len()].copy_from_slice(value);
                Kept::Short { len, bytes }
            }
            _ => Kept::Long(value_hash),
        };
        Self { key, kept, digest: hash_leaf(&key, &value_hash) }
    }

    /// `hash(STATE_VALUE, value)`.
    pub(super) fn value_hash(&self) -> Digest {
        match &self.kept {
            Kept::Short { len, bytes } => hash_value(&bytes[..usize::from(*len)]),
            Kept::Long(hash) => *hash,
        }
    }

    /// The value, if it is short enough to be held.
    pub(super) fn value(&self) -> Option<StateValue> {
        match &self.kept {
            Kept::Short { len, bytes } => Some(StateValue::new(&bytes[..usize::from(*len)])),
            Kept::Long(_) => None,
        }
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
