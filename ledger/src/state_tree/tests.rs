//! The tree against a naive model, proofs under mutation, and keys that an attacker chooses.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use logothete_primitives::{Digest, Height, StateRoot, decode, domain, encode, hash};
use proptest::prelude::*;

use super::tree::{LEAVES_PER_SLOT_MAX, depth_for};
use super::{HistoryLimits, Known, StateProof, StateTree, StateTreeBuilder, Terminal};
use crate::state::{Namespace, StateKey, StateValue};

type Model = BTreeMap<StateKey, StateValue>;
type Changes = Vec<(StateKey, Option<StateValue>)>;

/// The definition of the root, word by word from the documentation.
fn naive_root(entries: &[(&StateKey, &StateValue)], depth: usize) -> Digest {
    match entries {
        [] => Digest::ZERO,
        [(key, value)] => {
            let value_hash = hash(domain::STATE_VALUE, value);
            let leaf = [*key.as_bytes(), *value_hash.as_bytes()].concat();
            hash(domain::STATE_LEAF, &leaf)
        }
        _ => {
            let one = |key: &StateKey| key.as_bytes()[depth / 8] & (0x80 >> (depth % 8)) != 0;
            let (right, left): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| one(key));
            let left = naive_root(&left, depth + 1);
            let right = naive_root(&right, depth + 1);
            hash(domain::STATE_NODE, &[*left.as_bytes(), *right.as_bytes()].concat())
        }
    }
}

fn root_of(model: &Model) -> StateRoot {
    StateRoot::new(naive_root(&model.iter().collect::<Vec<_>>(), 0))
}

fn key(number: u64) -> StateKey {
    StateKey::derive(Namespace::Accounts, &number.to_le_bytes())
}

fn value(number: u64) -> StateValue {
    StateValue::new(&number.to_le_bytes())
}

/// A key with `ones` leading one bits, then a number at the end.
fn ground_key(ones: usize, number: u16) -> StateKey {
    let mut bytes = [0; 32];
    for bit in 0..ones {
        bytes[bit / 8] |= 0x80 >> (bit % 8);
    }
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    StateKey::new(Digest::new(bytes))
}

fn sorted(changes: impl IntoIterator<Item = (StateKey, Option<StateValue>)>) -> Changes {
    changes.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn change(model: &mut Model, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(*key, value.clone()),
            None => model.remove(key),
        };
    }
}

fn tree_of(model: &Model) -> StateTree {
    let entries = model.iter().map(|(key, value)| (*key, value.as_bytes().to_vec()));
    StateTree::from_sorted(Height::ZERO, entries, HistoryLimits::default()).unwrap()
}

/// Keys from a small set, so that they meet, and ground ones.
fn any_key() -> impl Strategy<Value = StateKey> {
    prop_oneof![
        4 => (0_u64..300).prop_map(key),
        1 => ((0_usize..240), (0_u16..40)).prop_map(|(ones, n)| ground_key(ones, n)),
        1 => (0_u16..40).prop_map(|n| ground_key(200, n)),
    ]
}

/// Few different ones, so that some are set again, and some too long for the tree.
fn any_value() -> impl Strategy<Value = StateValue> {
    prop_oneof![
        3 => (0_u64..5).prop_map(value),
        1 => (0_usize..40).prop_map(|len| StateValue::new(&vec![7; len])),
    ]
}

fn any_change() -> impl Strategy<Value = (StateKey, Option<StateValue>)> {
    (any_key(), proptest::option::weighted(0.7, any_value()))
}

fn any_batches() -> impl Strategy<Value = Vec<Changes>> {
    let batch = proptest::collection::vec(any_change(), 0..120).prop_map(sorted);
    proptest::collection::vec(batch, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn agrees_with_the_model_at_every_kept_height(batches in any_batches()) {
        let mut tree = StateTree::empty(HistoryLimits::default());
        let mut model = Model::new();
        let mut past = vec![model.clone()];
        for (batch, height) in batches.iter().zip(1..) {
            change(&mut model, batch);
            let root = tree.apply(Height::new(height), batch);
            prop_assert_eq!(root, root_of(&model));
            prop_assert_eq!(tree.len(), model.len());
            past.push(model.clone());
        }
        for key in (0..300).map(key).chain(model.keys().copied()) {
            let known = match model.get(&key) {
                None => Known::Absent,
                Some(value) if value.len() > 32 => Known::Long,
                Some(value) => Known::Value(value.clone()),
            };
            prop_assert_eq!(tree.get(&key), known);
        }
        for (model, height) in past.iter().zip(0..) {
            let at = Height::new(height);
            let root = root_of(model);
            prop_assert_eq!(tree.root_at(at), Some(root));
            let asked = (0..300).step_by(7).map(key).chain((0..240).map(|n| ground_key(n, 3)));
            for key in asked.chain(model.keys().copied()) {
                let proof = tree.prove(&key, at).unwrap();
                let value = model.get(&key).map(StateValue::as_bytes);
                prop_assert!(proof.verify(&root, &key, value), "{key} at {height}: {proof:?}");
            }
        }
    }

    #[test]
    fn root_depends_on_the_content_alone(batches in any_batches()) {
        let mut tree = StateTree::empty(HistoryLimits::default());
        let mut model = Model::new();
        for (batch, height) in batches.iter().zip(1..) {
            tree.apply(Height::new(height), batch);
            change(&mut model, batch);
        }
        prop_assert_eq!(tree.root(), tree_of(&model).root());
        // One entry at a time, backwards.
        let mut single = StateTree::empty(HistoryLimits::default());
        for ((key, value), height) in model.iter().rev().zip(1..) {
            single.apply(Height::new(height), &[(*key, Some(value.clone()))]);
        }
        prop_assert_eq!(tree.root(), single.root());
        // Down to nothing.
        let all: Changes = model.keys().map(|key| (*key, None)).collect();
        prop_assert_eq!(tree.apply(Height::new(1_000), &all), StateRoot::ZERO);
        prop_assert!(tree.is_empty());
    }

    #[test]
    fn no_mutated_proof_verifies(seed in 0_u64..2_000, flip in any::<(u8, u8)>()) {
        let model: Model = (0..400).map(|n| (key(n), value(n))).collect();
        let tree = tree_of(&model);
        let root = tree.root();
        let key = key(seed % 800);
        let held = model.get(&key).map(StateValue::as_bytes);
        let proof = tree.prove(&key, Height::ZERO).unwrap();
        prop_assert!(proof.verify(&root, &key, held));

        let other = value(seed + 1_000);
        prop_assert!(!proof.verify(&root, &key, Some(&other)), "another value");
        if held.is_some() {
            prop_assert!(!proof.verify(&root, &key, None), "absence of what is there");
        }
        let mut bytes = encode(&proof);
        let place = usize::from(flip.0) * bytes.len() / 256;
        bytes[place] ^= 1 << (flip.1 % 8);
        if let Ok(mutated) = decode::<StateProof>(&bytes) {
            prop_assert!(!mutated.verify(&root, &key, held), "flipped byte {place}");
        }
        for wrong in [StateRoot::ZERO, StateRoot::new(hash(domain::STATE_NODE, b"other"))] {
            prop_assert!(!proof.verify(&wrong, &key, held));
        }
    }
}

#[test]
fn no_other_shape_of_a_proof_verifies() {
    let model: Model = (0..64).map(|n| (key(n), value(n))).collect();
    let tree = tree_of(&model);
    let root = tree.root();
    for n in 0..128 {
        let key = key(n);
        let held = model.get(&key).map(StateValue::as_bytes);
        let proof = tree.prove(&key, Height::ZERO).unwrap();
        let siblings = proof.siblings.to_vec();
        let with = |siblings: Vec<Digest>, terminal| StateProof::new(siblings, terminal);
        let claims = |proof: &StateProof| {
            [None, Some(&value(n)[..]), held].iter().any(|v| proof.verify(&root, &key, *v))
        };
        // Shorter and longer ways.
        for length in 0..siblings.len() {
            assert!(!claims(&with(siblings[..length].to_vec(), proof.terminal)));
            assert!(!claims(&with(siblings[length + 1..].to_vec(), proof.terminal)));
        }
        let longer = [siblings.clone(), vec![Digest::ZERO]].concat();
        assert!(!claims(&with(longer, proof.terminal)));
        // Siblings in another order.
        for place in (1..siblings.len()).filter(|n| siblings[n - 1] != siblings[*n]) {
            let mut swapped = siblings.clone();
            swapped.swap(place - 1, place);
            assert!(!claims(&with(swapped, proof.terminal)));
        }
        // Absence claimed for a key that is there.
        if held.is_some() {
            let empty = with(siblings.clone(), Terminal::Empty);
            assert!(!empty.verify(&root, &key, None));
        }
    }
}

#[test]
fn one_entry_and_none() {
    let mut tree = StateTree::empty(HistoryLimits::default());
    assert_eq!(tree.root(), StateRoot::ZERO);
    let nothing = tree.prove(&key(1), Height::ZERO).unwrap();
    assert_eq!(nothing, StateProof::new(Vec::new(), Terminal::Empty));
    assert!(nothing.verify(&StateRoot::ZERO, &key(1), None));

    tree.apply(Height::new(1), &[(key(1), Some(value(1)))]);
    let root = tree.root();
    let there = tree.prove(&key(1), Height::new(1)).unwrap();
    assert!(there.siblings.is_empty() && there.verify(&root, &key(1), Some(&value(1))));
    let other = tree.prove(&key(2), Height::new(1)).unwrap();
    assert!(other.verify(&root, &key(2), None) && !other.verify(&root, &key(1), None));
}

#[test]
fn ground_prefixes_cost_a_branch_for_each_bit() {
    let mut tree = StateTree::empty(HistoryLimits::default());
    let mut model = Model::new();
    let keys = || (0..2_000).map(|n| ground_key(80, n)).chain((0..240).map(|n| ground_key(n, 9)));
    let batch = sorted(keys().map(|key| (key, Some(value(7)))));
    change(&mut model, &batch);
    assert_eq!(tree.apply(Height::new(1), &batch), root_of(&model));
    for (number, key) in keys().enumerate().step_by(50) {
        let height = Height::new(2 + number as u64);
        let batch = vec![(key, (number % 100 != 0).then(|| value(8)))];
        change(&mut model, &batch);
        assert_eq!(tree.apply(height, &batch), root_of(&model));
        let proof = tree.prove(&key, height).unwrap();
        let held = model.get(&key).map(StateValue::as_bytes);
        assert!(proof.verify(&tree.root(), &key, held));
        assert!(proof.siblings.len() <= 256);
    }
}

#[test]
fn the_past_is_proved_across_growth_of_the_array() {
    let mut tree = StateTree::empty(HistoryLimits::default());
    let mut model = Model::new();
    let mut past = vec![model.clone()];
    for height in 1..40 {
        // From one slot to several hundred.
        let fresh = (0..LEAVES_PER_SLOT_MAX as u64 * height).map(|n| key(height * 1_000 + n));
        let old = model.keys().step_by(3).copied().collect::<Vec<_>>();
        let batch = sorted(
            old.into_iter()
                .map(|key| (key, None))
                .chain(fresh.map(|key| (key, Some(value(height))))),
        );
        change(&mut model, &batch);
        assert_eq!(tree.apply(Height::new(height), &batch), root_of(&model));
        past.push(model.clone());
    }
    for (model, height) in past.iter().zip(0..) {
        let (at, root) = (Height::new(height), root_of(model));
        assert_eq!(tree.root_at(at), Some(root));
        for key in (0..40).flat_map(|h| (0..8).map(move |n| key(h * 1_000 + n))) {
            let proof = tree.prove(&key, at).unwrap();
            assert!(proof.verify(&root, &key, model.get(&key).map(StateValue::as_bytes)));
        }
    }
}

/// The same in a moment: over a few heights, from two leaves on, with changes of the same keys.
#[test]
fn a_short_past_is_proved() {
    let mut tree = StateTree::empty(HistoryLimits::default());
    let mut model = Model::new();
    let mut past = vec![model.clone()];
    for (height, keys) in (1..).zip([3, 18, 27, 36, 45, 54]) {
        let written = |n: u64| !(height + n).is_multiple_of(5);
        let batch = sorted((0..keys).filter(|n| n % 4 != height % 4).map(|n| {
            let value = written(n).then(|| value(height));
            (key(n), value)
        }));
        change(&mut model, &batch);
        assert_eq!(tree.apply(Height::new(height), &batch), root_of(&model));
        assert_eq!((tree.height(), tree.len()), (Height::new(height), model.len()));
        past.push(model.clone());
    }
    for (model, height) in past.iter().zip(0..) {
        let (at, root) = (Height::new(height), root_of(model));
        assert_eq!(tree.root_at(at), Some(root));
        for key in (0..60).map(key) {
            let proof = tree.prove(&key, at).unwrap();
            let value = model.get(&key).map(StateValue::as_bytes);
            assert!(proof.verify(&root, &key, value), "{key} at {height}");
        }
    }
}

/// A leaf alone in its half of the array stands high up, wherever in that half it is: it is proved there,
/// and after it has changed, and so is what never changed while the array grew.
#[test]
fn lone_leaves_are_proved() {
    for first in (0x00..=0xe0).step_by(0x20) {
        let lone = StateKey::new(Digest::new([first; 32]));
        let ones = if first < 0x80 { 3 } else { 0 };
        let crowd = (0..40).map(|number| ground_key(ones, number));
        let mut tree = StateTree::empty(HistoryLimits::default());
        let kept = ground_key(ones, 99);
        tree.apply(Height::new(1), &sorted([(kept, Some(value(1))), (lone, Some(value(1)))]));
        tree.apply(Height::new(2), &sorted(crowd.map(|key| (key, Some(value(2))))));
        tree.apply(Height::new(3), &[(lone, Some(value(3)))]);
        for (height, written) in [(1, 1), (2, 1), (3, 3)] {
            let (at, root) = (Height::new(height), tree.root_at(Height::new(height)).unwrap());
            for (key, written) in [(lone, written), (kept, 1)] {
                let proof = tree.prove(&key, at).unwrap();
                let held = value(written);
                assert!(proof.verify(&root, &key, Some(&held)), "{first:02x} at {height}");
            }
        }
    }
}

#[test]
fn the_array_grows_with_the_leaves_up_to_its_limit() {
    let depths = [0, 4, 5, 8, 9, 16, 17].map(depth_for);
    assert_eq!(depths, [0, 0, 1, 1, 2, 2, 3]);
    assert_eq!(depth_for(usize::MAX), 26);
}

#[test]
fn forgets_what_is_beyond_the_limits() {
    let limits = HistoryLimits { versions_max: 3, entries_max: 1_000 };
    let mut tree = StateTree::empty(limits);
    for height in 1..=10 {
        tree.apply(Height::new(height), &[(key(height), Some(value(height)))]);
    }
    assert_eq!(tree.oldest_height(), Height::new(7));
    assert!(tree.root_at(Height::new(7)).is_some());
    for outside in [0, 6, 11] {
        assert_eq!(tree.root_at(Height::new(outside)), None);
        assert_eq!(tree.prove(&key(1), Height::new(outside)), None);
    }
    let large = sorted((0..2_000).map(|n| (key(n), Some(value(n)))));
    tree.apply(Height::new(11), &large);
    assert_eq!(tree.oldest_height(), Height::new(11), "one update above the limit has no past");
    assert_eq!(tree.memory().history_entries, 0);

    // A leaf and the node over it for each version: the limits themselves are within them.
    let limits = HistoryLimits { versions_max: 9, entries_max: 4 };
    let mut tree = StateTree::empty(limits);
    for height in 1..=5 {
        tree.apply(Height::new(height), &[(key(1), Some(value(height)))]);
    }
    assert_eq!((tree.oldest_height(), tree.memory().history_entries), (Height::new(3), 4));
}

/// The size of small trees, counted by hand. All but 17 leaves with 240 bits in common are in one bucket.
#[test]
fn memory_is_counted_to_the_byte() {
    use super::TreeMemory;
    use super::node::{Leaf, Node};
    use super::subtree::{Branch, LeafChange, Subtree};
    let (node, slot, leaf) = (size_of::<Node>(), size_of::<Subtree>(), size_of::<Leaf>());
    let shared = 2 * size_of::<usize>();
    let (old_node, old_leaf) = (size_of::<(u32, Node)>(), size_of::<LeafChange>());
    let memory = |leaves, current_bytes, history_bytes, history_entries| TreeMemory {
        leaves,
        current_bytes,
        history_bytes,
        history_entries,
    };

    let limits = HistoryLimits { versions_max: 2, ..HistoryLimits::default() };
    let mut tree = StateTree::empty(limits);
    assert_eq!(tree.memory(), memory(0, 2 * node + slot, 0, 0));
    assert!(tree.is_empty());
    let one = 2 * node + slot + shared + leaf;
    for (height, versions) in [(1, 1), (2, 2), (3, 2)] {
        tree.apply(Height::new(height), &[(key(7), Some(value(height)))]);
        let history = versions * (old_node + old_leaf);
        assert_eq!(tree.memory(), memory(1, one, history, 2 * versions));
    }
    assert!(!tree.is_empty());

    // What grows takes what is built anew.
    let grown: Model = (0..60).map(|number| (key(number), value(1))).collect();
    for ((key, value), height) in grown.iter().zip(4..) {
        tree.apply(Height::new(height), &[(*key, Some(value.clone()))]);
    }
    assert_eq!(tree.memory().current_bytes, tree_of(&grown).memory().current_bytes);

    // An array of 8 slots; from there a branch for each common bit, then one bucket of 16 and one of 1.
    let ground: Model = (0..17).map(|number| (ground_key(200, number), value(1))).collect();
    let array = 16 * node + 8 * slot;
    let branches = (3..=251).count() * (shared + size_of::<Branch>());
    let buckets = 2 * shared + 17 * leaf;
    let mut tree = tree_of(&ground);
    assert_eq!(tree.memory(), memory(17, array + branches + buckets, 0, 0));

    // Nine leaves on both sides of the last branch stay there; eight are one bucket, right under the array.
    let keys: Vec<StateKey> = ground.into_keys().collect();
    let remove = |keys: &[StateKey]| sorted(keys.iter().map(|key| (*key, None)));
    tree.apply(Height::new(1), &remove(&keys[..8]));
    let buckets = 2 * shared + 9 * leaf;
    assert_eq!(tree.memory().current_bytes, array + branches + buckets);
    tree.apply(Height::new(2), &remove(&keys[8..9]));
    assert_eq!(tree.memory().current_bytes, array + shared + 8 * leaf);
}

#[test]
fn a_plan_changes_nothing_until_it_is_committed() {
    let model: Model = (0..1_000).map(|n| (key(n), value(n))).collect();
    let mut tree = tree_of(&model);
    let before = tree.root();
    let plan = tree.plan(&sorted((0..50).map(|n| (key(n * 31), Some(value(0))))));
    assert_eq!(tree.root(), before);
    let planned = plan.root();
    assert_ne!(planned, before);
    assert_eq!(tree.commit(Height::new(1), plan), planned);
    assert_eq!(tree.root_at(Height::ZERO), Some(before));
    // Writing what is there already is no change.
    let same = vec![(key(3), Some(value(3))), (key(5_000), None)];
    assert_eq!(tree.plan(&sorted(same)).root(), planned);
}

#[test]
#[should_panic(expected = "planned from")]
fn refuses_a_plan_of_another_version() {
    let mut tree = StateTree::empty(HistoryLimits::default());
    let plan = tree.plan(&[(key(1), Some(value(1)))]);
    tree.apply(Height::new(1), &[(key(2), Some(value(2)))]);
    tree.commit(Height::new(2), plan);
}

#[test]
fn the_builder_refuses_unsorted_keys() {
    let mut keys = [key(1), key(2)];
    keys.sort();
    let mut builder = StateTreeBuilder::new();
    builder.push(keys[1], b"x").unwrap();
    assert_eq!(builder.push(keys[0], b"y").unwrap_err().key, keys[0]);
    assert_eq!(builder.push(keys[1], b"y").unwrap_err().key, keys[1]);
}

/// The vectors of `docs/wire-state.md`.
#[test]
fn golden_vectors() {
    let byte_key = |byte: u8| StateKey::new(Digest::new([byte; 32]));
    let entries: Model = [(0x00, "zero"), (0x40, "forty"), (0x41, "forty-one"), (0xff, "end")]
        .map(|(byte, text)| (byte_key(byte), StateValue::new(text.as_bytes())))
        .into();
    let tree = tree_of(&entries);
    let text = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut lines = vec![format!("root {}", tree.root())];
    for (byte, what) in [(0x41, "inclusion"), (0x42, "absence"), (0x80, "absence by a leaf")] {
        let proof = tree.prove(&byte_key(byte), Height::ZERO).unwrap();
        let held = entries.get(&byte_key(byte)).map(StateValue::as_bytes);
        assert!(proof.verify(&tree.root(), &byte_key(byte), held));
        lines.push(format!("{what} {byte:02x} {}", text(&encode(&proof))));
    }
    let documented = include_str!("../../../docs/wire-state.md");
    for line in &lines {
        assert!(documented.contains(line), "docs/wire-state.md lacks:\n{}", lines.join("\n"));
    }
}
