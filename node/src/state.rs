//! The authenticated state as readers and the executor share it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use logothete_ledger::account::Account;
use logothete_ledger::state::{StateChange, StateKey, StateValue, StateView};
use logothete_ledger::state_tree::{Known, StateProof, StateTree, StateUpdate};
use logothete_ledger::store::{Store, StoreError};
use logothete_primitives::{Address, Height, StateRoot};

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
///
/// Only [`StateHandle::commit`] changes the tree. The store is ahead of it between the two steps of a height.
#[derive(Clone)]
pub struct StateHandle {
    store: Arc<dyn Store>,
    tree: Arc<RwLock<StateTree>>,
}

impl StateHandle {
    /// A handle on the flat state in `store` and the tree over it.
    pub fn new(store: Arc<dyn Store>, tree: StateTree) -> Self {
        Self { store, tree: Arc::new(RwLock::new(tree)) }
    }

    fn tree(&self) -> RwLockReadGuard<'_, StateTree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value at the head.
    ///
    /// # Errors
    /// When the store fails.
    pub fn value(&self, key: &StateKey) -> Result<Option<StateValue>, StoreError> {
        let known = self.tree().get(key);
        match known {
            Known::Absent => Ok(None),
            Known::Value(value) => Ok(Some(value)),
            Known::Long => self.store.state(key),
        }
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
        self.tree().root_at(height)
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
            let tree = self.tree();
            let height = at.unwrap_or_else(|| tree.height());
            let (Some(root), Some(proof)) = (tree.root_at(height), tree.prove(key, height)) else {
                return Ok(None);
            };
            drop(tree);
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
        self.tree().plan(changes)
    }

    /// Makes a planned update the newest version. The store has the changes already.
    pub fn commit(&self, height: Height, update: StateUpdate) {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        tree.commit(height, update);
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
        let tree = self.tree();
        let known: Vec<Known> = keys.iter().map(|key| tree.get(key)).collect();
        drop(tree);
        let read = |(known, key)| match known {
            Known::Absent => None,
            Known::Value(value) => Some(value),
            Known::Long => self.read(key),
        };
        known.into_iter().zip(keys).map(read).collect()
    }
}
