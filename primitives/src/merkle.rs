//! A binary Merkle tree over a list of digests, with proofs of place.
//!
//! Leaves and nodes are hashed in domains of their own. A level of odd length passes its last node up
//! unchanged. The root also covers the number of leaves: without it, a proof could claim another place
//! in a list of another length.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::bounded::BoundedVec;
use crate::codec::{Decode, Encode};
use crate::domain::{MERKLE_LEAF, MERKLE_NODE, MERKLE_ROOT};
use crate::hash::{Digest, Hasher, hash};

/// The deepest path: lists have fewer than 2^32 leaves.
const MAX_DEPTH: usize = 32;

/// Proves that a digest stands at a place of a list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct MerkleProof {
    /// The place, from 0.
    pub index: u32,
    /// The length of the list.
    pub count: u32,
    /// The sibling at each level that has one, from the leaf upwards.
    pub path: BoundedVec<Digest, MAX_DEPTH>,
}

impl MerkleProof {
    /// Whether `leaf` stands at `index` of the list of `count` digests with this root.
    #[must_use]
    pub fn verify(&self, leaf: &Digest, root: &Digest) -> bool {
        if self.index >= self.count {
            return false;
        }
        let mut node = hash_leaf(leaf);
        let mut path = self.path.iter();
        let (mut index, mut width) = (self.index, self.count);
        while width > 1 {
            let alone = index % 2 == 0 && index + 1 == width;
            if !alone {
                let Some(sibling) = path.next() else {
                    return false;
                };
                node = if index % 2 == 0 {
                    hash_node(&node, sibling)
                } else {
                    hash_node(sibling, &node)
                };
            }
            index /= 2;
            width = width.div_ceil(2);
        }
        path.next().is_none() && hash_root(self.count, &node) == *root
    }
}

/// The root of a list.
#[must_use]
pub fn root(leaves: &[Digest]) -> Digest {
    if leaves.is_empty() {
        return hash(MERKLE_NODE, b"");
    }
    let mut level: Vec<Digest> = leaves.iter().map(hash_leaf).collect();
    while level.len() > 1 {
        level = parents(&level);
    }
    hash_root(count(leaves), &level[0])
}

/// The proof for a place, if the list has it.
#[must_use]
pub fn prove(leaves: &[Digest], index: usize) -> Option<MerkleProof> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = BoundedVec::new();
    let mut level: Vec<Digest> = leaves.iter().map(hash_leaf).collect();
    let mut place = index;
    while level.len() > 1 {
        if let Some(sibling) = level.get(place ^ 1) {
            path.push(*sibling).expect("a list of u32 length has at most 32 levels");
        }
        level = parents(&level);
        place /= 2;
    }
    let index = u32::try_from(index).expect("below the count");
    Some(MerkleProof { index, count: count(leaves), path })
}

fn count(leaves: &[Digest]) -> u32 {
    u32::try_from(leaves.len()).expect("every list of the protocol is bounded far below u32")
}

fn parents(level: &[Digest]) -> Vec<Digest> {
    let parent = |pair: &[Digest]| match pair {
        [left, right] => hash_node(left, right),
        _ => pair[0],
    };
    level.chunks(2).map(parent).collect()
}

fn hash_leaf(leaf: &Digest) -> Digest {
    hash(MERKLE_LEAF, leaf.as_bytes())
}

fn hash_node(left: &Digest, right: &Digest) -> Digest {
    Hasher::new(MERKLE_NODE).update(left.as_bytes()).update(right.as_bytes()).finish()
}

fn hash_root(count: u32, top: &Digest) -> Digest {
    Hasher::new(MERKLE_ROOT).update(&count.to_le_bytes()).update(top.as_bytes()).finish()
}
