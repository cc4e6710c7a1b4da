//! The authenticated state as readers and the executor share it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use logothete_ledger::account::Account;
use logothete_ledger::recent::Recent;
use logothete_ledger::state::{StateChange, StateKey, StateValue, StateView};
use logothete_ledger::state_tree::{StateProof, StateTree, StateUpdate};
use logothete_ledger::store::{Store, StoreError};
use logothete_primitives::{Address, Height, StateRoot};

/// Values of one generation; two take about 15 MB.
const GENERATION: usize = 64 * 1024;
/// Values up to this length are kept in memory. Accounts have 16 bytes.
const SHORT: usize = 64;
/// How often a proof is tried again when the head moves between the two reads it needs.
const PROOF_TRIES: usize = 16;

/// A state value with the proof that it was, or was not, in the state at a height.
#[derive(Clone, Debug)]
pub struct ProvenState {
    /// The height whose root the proof leads to.
    pub height: Height,
    /// The root.
    pub root: StateRoot,
    /// The value; `None` proves absence.
    pub value: Option<StateValue>,
    /// The proof.
    pub proof: StateProof,
}

/// Reads of the state at the head, and proofs at recent heights. Cheap to clone.
#[derive(Clone)]
pub struct StateHandle {
    store: Arc<dyn Store>,
    newest: Arc<RwLock<Newest>>,
}

/// The tree at the head, and the values that changed lately. Only [`StateHandle::commit`] writes, so what is
/// here is never older than the head.
struct Newest {
    tree: StateTree,
    changed: Recent<StateKey, Option<StateValue>>,
}

impl StateHandle {
    /// A handle on the flat state in `store` and the tree over it.
    pub fn new(store: Arc<dyn Store>, tree: StateTree) -> Self {
        let newest = Newest { tree, changed: Recent::new(GENERATION) };
        Self { store, newest: Arc::new(RwLock::new(newest)) }
    }

    fn newest(&self) -> RwLockReadGuard<'_, Newest> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value at the head.
    ///
    /// # Errors
    /// When the store fails.
    pub fn value(&self, key: &StateKey) -> Result<Option<StateValue>, StoreError> {
        let changed = self.newest().changed.get(key).cloned();
        changed.map_or_else(|| self.store.state(key), Ok)
    }

    /// An account at the head; `None` when it holds nothing and never sent anything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        let value = self.value(&StateKey::account(address))?;
        Ok(value.map(|value| {
            Account::from_value(&value).expect("the accounts namespace holds encoded accounts")
        }))
    }

    /// The root at a recent height.
    pub fn root_at(&self, height: Height) -> Option<StateRoot> {
        self.newest().tree.root_at(height)
    }

    /// The value of a key at a recent height with its proof.
    ///
    /// The flat state holds the newest values only, so a height at which the value was another one has no proof
    /// here; neither has one that is no longer kept. Both are `None`. Without a height, the newest is proven.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prove(
        &self,
        key: &StateKey,
        at: Option<Height>,
    ) -> Result<Option<ProvenState>, StoreError> {
        for _ in 0..PROOF_TRIES {
            let value = self.value(key)?;
            let newest = self.newest();
            let tree = &newest.tree;
            let height = at.unwrap_or_else(|| tree.height());
            let (Some(root), Some(proof)) = (tree.root_at(height), tree.prove(key, height)) else {
                return Ok(None);
            };
            drop(newest);
            if proof.verify(&root, key, value.as_deref()) {
                return Ok(Some(ProvenState { height, root, value, proof }));
            }
            if at.is_some() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Computes what the changes of the next height make of the tree.
    pub fn plan(&self, changes: &[StateChange]) -> StateUpdate {
        self.newest().tree.plan(changes)
    }

    /// Makes a planned update the newest version. The store has the changes already.
    pub fn commit(&self, height: Height, update: StateUpdate, changes: &[StateChange]) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        newest.tree.commit(height, update);
        for (key, value) in changes {
            if value.as_ref().is_none_or(|value| value.len() <= SHORT) {
                newest.changed.put(*key, value.clone());
            } else {
                newest.changed.remove(key);
            }
        }
    }
}

/// The flat state as execution sees it.
///
/// A store that fails here leaves no right result, so the failure stops the node.
impl StateView for StateHandle {
    fn read(&self, key: &StateKey) -> Option<StateValue> {
        self.value(key).expect("the state can be read")
    }

    fn read_many(&self, keys: &[StateKey]) -> Vec<Option<StateValue>> {
        let newest = self.newest();
        let mut values: Vec<_> = keys.iter().map(|key| newest.changed.get(key).cloned()).collect();
        drop(newest);
        let missing = || values.iter().zip(keys).filter(|(value, _)| value.is_none());
        let wanted: Vec<StateKey> = missing().map(|(_, key)| *key).collect();
        let mut read = self.store.states(&wanted).expect("the state can be read").into_iter();
        for value in values.iter_mut().filter(|value| value.is_none()) {
            *value = read.next();
        }
        values.into_iter().map(Option::flatten).collect()
    }
}
