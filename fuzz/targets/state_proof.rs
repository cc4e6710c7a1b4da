//! State proofs from any bytes, and honest ones with bytes changed, against one tree of 64 entries.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::{decode_canonical, state_key};
use logothete_ledger::state_tree::{HistoryLimits, StateProof, StateTree};
use logothete_primitives::Height;
use logothete_primitives::codec::encode;

/// The even numbers below 128 are in the tree, each with itself as the value.
static TREE: LazyLock<StateTree> = LazyLock::new(|| {
    let mut entries: Vec<_> = (0..128).step_by(2).map(|n| (state_key(n), vec![n])).collect();
    entries.sort_unstable();
    entries.dedup_by_key(|(key, _)| *key);
    StateTree::from_sorted(Height::ZERO, entries, HistoryLimits::default()).expect("sorted")
});

// The first byte names a key, the next two change its honest proof, the rest is a claim.
fuzz_target!(|bytes: &[u8]| {
    let [number, place, flip, ref rest @ ..] = *bytes else { return };
    let key = state_key(number);
    let mut changed = encode(&TREE.prove(&key, Height::ZERO).expect("the current height"));
    let place = usize::from(place) * changed.len() / 256;
    changed[place] ^= flip;
    for claim in [changed.as_slice(), rest] {
        if let Some(claim) = decode_canonical::<StateProof>(claim) {
            assert_sound(&claim, number);
        }
    }
});

fn assert_sound(claim: &StateProof, number: u8) {
    let (key, root) = (state_key(number), TREE.root());
    let held = number < 128 && number % 2 == 0;
    let value = [number];
    assert!(!claim.verify(&root, &key, Some(b"something else")), "another value");
    let there = claim.verify(&root, &key, Some(&value));
    let absent = claim.verify(&root, &key, None);
    assert!(!there || held, "presence of what is not there");
    assert!(!absent || !held, "absence of what is there");
    if there || absent {
        let honest = TREE.prove(&key, Height::ZERO).expect("the current height");
        assert_eq!(*claim, honest, "two proofs of one thing");
    }
}
