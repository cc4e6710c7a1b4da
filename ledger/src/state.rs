//! The flat view of the state: 32-byte keys, short values, and who may read them.
//!
//! A ledger module owns a [`Namespace`]. Its keys are digests, so the state tree needs no knowledge of modules.

use std::fmt;
use std::ops::Deref;

use logothete_primitives::address::Address;
use logothete_primitives::codec::{Decode, Encode};
use logothete_primitives::domain;
use logothete_primitives::hash::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::modules::accounts;

/// The part of the state that one ledger module owns. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Namespace {
    /// Balances and nonces, by address.
    Accounts = 1,
}

/// Place of a value in the state: `hash(STATE_KEY, namespace || key)`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
pub struct StateKey(Digest);

impl StateKey {
    /// The key with this digest.
    pub const fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// The key of an item of a namespace.
    pub fn derive(namespace: Namespace, item: &[u8]) -> Self {
        Self(Hasher::new(domain::STATE_KEY).update(&[namespace as u8]).update(item).finish())
    }

    /// The key of an account.
    pub fn account(address: &Address) -> Self {
        Self::derive(Namespace::Accounts, address.as_bytes())
    }

    /// The digest.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// The bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes up to this length need no allocation; an account has 16.
const INLINE_BYTES: usize = 22;

/// A value of the state. Short values live inside it.
#[derive(Clone)]
pub struct StateValue(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE_BYTES] },
    Heap(Box<[u8]>),
}

impl StateValue {
    /// Copies a value.
    pub fn new(value: &[u8]) -> Self {
        match u8::try_from(value.len()) {
            Ok(len) if value.len() <= INLINE_BYTES => {
                let mut bytes = [0; INLINE_BYTES];
                bytes[..value.len()].copy_from_slice(value);
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Heap(value.into())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Heap(bytes) => bytes,
        }
    }
}

impl Deref for StateValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for StateValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for StateValue {}

impl fmt::Debug for StateValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// One change of the state; `None` removes the key.
pub type StateChange = (StateKey, Option<StateValue>);

/// Reads of the state at one height.
pub trait StateView {
    /// The value of a key.
    fn read(&self, key: &StateKey) -> Option<StateValue>;

    /// The values of many keys, in their order. Views that gain from it fetch them in one go.
    fn read_many(&self, keys: &[StateKey]) -> Vec<Option<StateValue>> {
        keys.iter().map(|key| self.read(key)).collect()
    }

    /// The account of an address.
    ///
    /// # Panics
    /// When the state holds something else at that key: what is read here was verified against a root.
    fn account(&self, address: &Address) -> Option<Account> {
        self.read(&StateKey::account(address)).map(|value| accounts::decode(&value))
    }

    /// The accounts of many addresses, in their order, read in one go.
    ///
    /// # Panics
    /// As [`account`](Self::account).
    fn accounts(&self, addresses: &[Address]) -> Vec<Option<Account>> {
        let keys: Vec<StateKey> = addresses.iter().map(StateKey::account).collect();
        let values = self.read_many(&keys).into_iter();
        values.map(|value| value.map(|value| accounts::decode(&value))).collect()
    }
}

impl<V: StateView + ?Sized> StateView for &V {
    fn read(&self, key: &StateKey) -> Option<StateValue> {
        (**self).read(key)
    }

    fn read_many(&self, keys: &[StateKey]) -> Vec<Option<StateValue>> {
        (**self).read_many(keys)
    }

    fn account(&self, address: &Address) -> Option<Account> {
        (**self).account(address)
    }
}

/// A plain map is a view: for genesis, tests and examples.
impl StateView for std::collections::BTreeMap<StateKey, StateValue> {
    fn read(&self, key: &StateKey) -> Option<StateValue> {
        self.get(key).cloned()
    }
}
