//! Proofs of the Merkle tree and the state tree: what is there is proven, nothing else is, and a
//! changed proof proves nothing.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use logothete_ledger::state::{StateKey, StateValue};
use logothete_ledger::state_tree::{HistoryLimits, StateProof, StateTree};
use logothete_primitives::codec::{decode, encode};
use logothete_primitives::{Digest, Height, MerkleProof, merkle};

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 { list(bytes) } else { map(bytes) }
});

/// The first byte is the length, three more say where and what to change.
fn list(bytes: &[u8]) {
    let [count, index, place, flip, ..] = *bytes else { return };
    let leaves: Vec<Digest> = (0..count).map(|number| Digest::new([number; 32])).collect();
    let root = merkle::root(&leaves);
    let Some(proof) = merkle::prove(&leaves, usize::from(index)) else {
        assert!(index >= count);
        return;
    };
    let leaf = leaves[usize::from(index)];
    assert!(proof.verify(&leaf, &root));
    let mut changed = encode(&proof);
    let place = usize::from(place) % changed.len();
    changed[place] ^= flip;
    if let Ok(claim) = decode::<MerkleProof>(&changed) {
        assert_eq!(claim.verify(&leaf, &root), claim == proof);
    }
    // Any bytes as a proof of a digest that is not in the list.
    if let Ok(claim) = decode::<MerkleProof>(&bytes[4..]) {
        assert!(!claim.verify(&Digest::new([255; 32]), &root) || count == 255);
    }
}

/// Keys that share long prefixes, so that the trie is deep.
fn key(number: u8) -> StateKey {
    let mut bytes = [0; 32];
    bytes[usize::from(number >> 5) * 4] = number << 3;
    StateKey::new(Digest::new(bytes))
}

/// Each pair of bytes sets or removes one key; every eighth ends a height.
fn map(bytes: &[u8]) {
    let mut tree = StateTree::empty(HistoryLimits { versions_max: 4, entries_max: 1_000 });
    let mut expected: BTreeMap<StateKey, Vec<u8>> = BTreeMap::new();
    let mut height = Height::ZERO;
    for block in bytes.chunks(16).take(6) {
        let mut changes: BTreeMap<StateKey, Option<StateValue>> = BTreeMap::new();
        for pair in block.chunks_exact(2) {
            let value = (pair[1] != 0).then(|| vec![pair[1]; usize::from(pair[1] % 40)]);
            changes.insert(key(pair[0]), value.as_deref().map(StateValue::new));
            match value {
                Some(value) => expected.insert(key(pair[0]), value),
                None => expected.remove(&key(pair[0])),
            };
        }
        height = height.next();
        let changes: Vec<_> = changes.into_iter().collect();
        tree.apply(height, &changes);
    }
    let root = tree.root();
    assert_eq!(tree.len(), expected.len());
    for number in 0..=255 {
        let (key, value) = (key(number), expected.get(&key(number)));
        let proof = tree.prove(&key, height).expect("the current height");
        assert!(proof.verify(&root, &key, value.map(Vec::as_slice)));
        assert!(!proof.verify(&root, &key, Some(b"something else")));
        assert!(value.is_none() || !proof.verify(&root, &key, None));
    }
    if let Some((last, rest)) = bytes.split_last()
        && let Ok(claim) = decode::<StateProof>(rest)
    {
        let key = key(*last);
        assert!(!claim.verify(&root, &key, Some(b"something else")));
        assert!(!(claim.verify(&root, &key, None) && expected.contains_key(&key)));
    }
}
