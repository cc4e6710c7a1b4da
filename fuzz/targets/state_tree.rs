//! The state tree against a map, through updates that share long prefixes of keys; every key is
//! proven to be there or not, and nothing else is.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::state_key;
use logothete_ledger::state::{StateKey, StateValue};
use logothete_ledger::state_tree::{HistoryLimits, StateTree};
use logothete_primitives::{Height, StateRoot};

type Map = BTreeMap<StateKey, Vec<u8>>;

// Each pair of bytes sets or removes one key; every eighth ends a height.
fuzz_target!(|bytes: &[u8]| {
    let mut tree = StateTree::empty(HistoryLimits { versions_max: 4, entries_max: 1_000 });
    let mut map = Map::new();
    let mut height = Height::ZERO;
    for block in bytes.chunks(16).take(6) {
        let mut changes: BTreeMap<StateKey, Option<StateValue>> = BTreeMap::new();
        for pair in block.chunks_exact(2) {
            let key = state_key(pair[0]);
            let value = (pair[1] != 0).then(|| vec![pair[1]; usize::from(pair[1] % 40)]);
            changes.insert(key, value.as_deref().map(StateValue::new));
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        height = height.next();
        tree.apply(height, &changes.into_iter().collect::<Vec<_>>());
    }
    assert_eq!(tree.len(), map.len());
    assert_eq!(tree.root(), rebuilt(&map), "the root depends on the content alone");
    let touched = bytes.iter().step_by(2).take(48).copied();
    for number in touched.chain((0..=255).step_by(16)) {
        assert_proves(&tree, height, state_key(number), map.get(&state_key(number)));
    }
});

fn rebuilt(map: &Map) -> StateRoot {
    let entries = map.iter().map(|(key, value)| (*key, value.clone()));
    let tree = StateTree::from_sorted(Height::ZERO, entries, HistoryLimits::default());
    tree.expect("a map is sorted").root()
}

fn assert_proves(tree: &StateTree, height: Height, key: StateKey, value: Option<&Vec<u8>>) {
    let root = tree.root();
    let proof = tree.prove(&key, height).expect("the current height");
    assert!(proof.verify(&root, &key, value.map(Vec::as_slice)));
    assert!(!proof.verify(&root, &key, Some(b"something else")));
    assert!(value.is_none() || !proof.verify(&root, &key, None));
}
