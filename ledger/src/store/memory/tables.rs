//! Sorted families of records, as the tables of a database hold them.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::StoreError;
use crate::store::schema::Family;

/// A record that is set, or removed.
pub(super) type Change = (Family, Vec<u8>, Option<Vec<u8>>);

/// The records of one family by key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// All families, and what of them cannot be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) families: [Records; Family::ALL.len()],
    /// Records in blocks that do not match their checksum, until they are written anew.
    pub(super) unreadable: BTreeSet<(Family, Vec<u8>)>,
}

impl Tables {
    /// Sets a record or removes it.
    pub(super) fn set(&mut self, (family, key, value): Change) {
        if !self.unreadable.is_empty() {
            self.unreadable.remove(&(family, key.clone()));
        }
        let records = &mut self.families[family.position()];
        match value {
            Some(value) => records.insert(key, value),
            None => records.remove(&key),
        };
    }

    /// The value of a key.
    pub(super) fn get(&self, family: Family, key: &[u8]) -> Result<Option<&Vec<u8>>, StoreError> {
        self.check(family, key)?;
        Ok(self.family(family).get(key))
    }

    /// All records of a family, those that cannot be read among them.
    pub(super) fn family(&self, family: Family) -> &Records {
        &self.families[family.position()]
    }

    /// Fails as RocksDB does when it reads a block that holds this record and was damaged.
    pub(super) fn check(&self, family: Family, key: &[u8]) -> Result<(), StoreError> {
        if self.unreadable.is_empty() || !self.unreadable.contains(&(family, key.to_vec())) {
            return Ok(());
        }
        let family = family.name();
        Err(StoreError::CorruptedFile(format!("block checksum mismatch in a table of {family}")))
    }
}
