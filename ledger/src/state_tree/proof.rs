//! Proofs that a key has a value, or none, under a state root.

use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::{BoundedVec, Digest, StateRoot};
use serde::{Deserialize, Serialize};

use super::node::{Leaf, bit, hash_leaf, hash_pair, hash_value};
use crate::state::StateKey;

/// Most siblings of a proof: one for each bit of a key.
pub const MAX_PROOF_DEPTH: usize = 256;

/// What stands where the way of a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terminal {
    /// Nothing.
    Empty,
    /// The only entry on this way: the key itself, or another that proves its absence.
    Leaf {
        /// Key of the entry.
        key: StateKey,
        /// `hash(STATE_VALUE, value)` of the entry.
        value_hash: Digest,
    },
}

impl Terminal {
    pub(super) fn from_leaf(leaf: Option<&Leaf>) -> Self {
        leaf.map_or(Self::Empty, |leaf| Self::Leaf { key: leaf.key, value_hash: leaf.value_hash() })
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::Leaf { key, value_hash } => hash_leaf(key, value_hash),
        }
    }
}

/// The way of a key from the root to where it ends.
///
/// Verified by a third party in thirty lines, see `docs/wire-state.md`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StateProof {
    /// Hash beside the way at each depth, that below the root first.
    pub siblings: BoundedVec<Digest, MAX_PROOF_DEPTH>,
    /// What stands at the end.
    pub terminal: Terminal,
}

impl StateProof {
    pub(super) fn new(siblings: Vec<Digest>, terminal: Terminal) -> Self {
        let siblings = siblings.try_into().expect("a way has at most one sibling for each bit");
        Self { siblings, terminal }
    }

    /// Whether `key` has exactly this value under `root`, or none for `None`.
    #[must_use]
    pub fn verify(&self, root: &StateRoot, key: &StateKey, value: Option<&[u8]>) -> bool {
        self.speaks_of(key, value) && self.root_for(key) == *root
    }

    /// Whether the end of the way says what is claimed.
    fn speaks_of(&self, key: &StateKey, value: Option<&[u8]>) -> bool {
        match (&self.terminal, value) {
            (Terminal::Leaf { key: found, value_hash }, Some(value)) => {
                found == key && *value_hash == hash_value(value)
            }
            (Terminal::Leaf { key: found, .. }, None) => {
                found != key && (0..self.siblings.len()).all(|d| bit(found, d) == bit(key, d))
            }
            (Terminal::Empty, None) => true,
            (Terminal::Empty, Some(_)) => false,
        }
    }

    /// The root that follows from the proof.
    fn root_for(&self, key: &StateKey) -> StateRoot {
        let ways = self.siblings.iter().enumerate().rev();
        let root = ways.fold(self.terminal.digest(), |own, (depth, sibling)| {
            if bit(key, depth) { hash_pair(sibling, &own) } else { hash_pair(&own, sibling) }
        });
        StateRoot::new(root)
    }
}
