//! Merkle proofs: complete, sound, and bound to place and length.

#![allow(clippy::unwrap_used)]

use logothete_primitives::{BoundedVec, Digest, MerkleProof, domain, hash, merkle};
use proptest::collection::vec;
use proptest::prelude::*;

fn leaves(count: usize) -> Vec<Digest> {
    (0..count).map(|index| hash(domain::FILE, &index.to_le_bytes())).collect()
}

#[test]
fn every_place_of_every_small_list_is_proven_and_no_other() {
    for count in 1..=33 {
        let list = leaves(count);
        let root = merkle::root(&list);
        for (index, leaf) in list.iter().enumerate() {
            let proof = merkle::prove(&list, index).unwrap();
            assert!(proof.verify(leaf, &root));
            for (other, leaf) in list.iter().enumerate() {
                assert_eq!(proof.verify(leaf, &root), other == index);
            }
        }
        assert_eq!(merkle::prove(&list, count), None);
    }
}

/// The path of one place must not serve for another place or another length.
#[test]
fn place_and_length_cannot_be_claimed_otherwise() {
    for count in 1..=20u32 {
        let list = leaves(count as usize);
        let root = merkle::root(&list);
        for (index, leaf) in list.iter().enumerate() {
            let proof = merkle::prove(&list, index).unwrap();
            for (index, count) in (0..40).flat_map(|index| (0..40).map(move |count| (index, count)))
            {
                let claim = MerkleProof { index, count, path: proof.path.clone() };
                assert_eq!(claim.verify(leaf, &root), claim == proof, "{claim:?}");
            }
        }
    }
}

#[test]
fn nothing_is_in_the_empty_list() {
    let root = merkle::root(&[]);
    assert_eq!(root, hash(domain::MERKLE_NODE, b""));
    assert_eq!(merkle::prove(&[], 0), None);
    let claim = MerkleProof { index: 0, count: 0, path: BoundedVec::new() };
    assert!(!claim.verify(&Digest::ZERO, &root));
}

#[test]
fn extreme_claims_are_refused_without_work() {
    let list = leaves(3);
    let root = merkle::root(&list);
    for (index, count) in [(0, u32::MAX), (u32::MAX - 1, u32::MAX), (u32::MAX, u32::MAX), (5, 3)] {
        let path = BoundedVec::try_from(vec![Digest::ZERO; 32]).unwrap();
        assert!(!MerkleProof { index, count, path }.verify(&list[0], &root));
    }
}

proptest! {
    #[test]
    fn roots_of_different_lists_differ(a in vec(0..4u8, 0..12), b in vec(0..4u8, 0..12)) {
        let digests = |list: &[u8]| -> Vec<Digest> {
            list.iter().map(|byte| hash(domain::FILE, &[*byte])).collect()
        };
        prop_assert_eq!(merkle::root(&digests(&a)) == merkle::root(&digests(&b)), a == b);
    }

    #[test]
    fn a_changed_proof_is_refused(
        count in 2..70usize, index in any::<prop::sample::Index>(), bit in 0..256usize,
        step in any::<prop::sample::Index>(),
    ) {
        let list = leaves(count);
        let root = merkle::root(&list);
        let index = index.index(count);
        let proof = merkle::prove(&list, index).unwrap();
        let mut path = proof.path.clone().into_inner();
        let step = step.index(path.len());
        let mut sibling = *path[step].as_bytes();
        sibling[bit / 8] ^= 1 << (bit % 8);
        path[step] = Digest::new(sibling);
        let changed = MerkleProof { path: path.clone().try_into().unwrap(), ..proof };
        prop_assert!(!changed.verify(&list[index], &root));
        path.pop();
        let short = MerkleProof { path: path.try_into().unwrap(), ..changed };
        prop_assert!(!short.verify(&list[index], &root));
    }
}
