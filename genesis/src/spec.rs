//! The content of a genesis file, and what follows from it.

use std::io;
use std::path::{Path, PathBuf};

use logothete_ledger::account::Account;
use logothete_ledger::params::ChainParams;
use logothete_ledger::state::{StateKey, StateValue};
use logothete_primitives::{
    Address, Amount, ChainId, Epoch, PublicKey, TimestampMs, Validator, ValidatorSet, domain, hash,
};
use thiserror::Error;

use crate::fault::{Fault, Faults, What};
use crate::{encoding, files, read, render, validate};

/// What all members of a chain agree on before its first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name for people. Not an identity: that is the chain id.
    pub chain_name: String,
    /// Time of the block at height 0.
    pub timestamp: TimestampMs,
    /// Who decides. Their order is the order of the validator set.
    pub validators: Vec<ValidatorSpec>,
    /// Who owns what at height 0. Their order means nothing.
    pub accounts: Vec<AccountSpec>,
    /// The rules of the chain.
    pub params: ChainParams,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSpec {
    /// Name for people, unique.
    pub name: String,
    /// Its public key, also its identity on the network.
    pub key: PublicKey,
    /// Its voting power.
    pub power: u64,
    /// Where it can be reached at first. A hint: not part of the chain id.
    pub address: Option<String>,
}

/// An account with coins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// Whose account.
    pub address: Address,
    /// Its coins, more than none.
    pub balance: Amount,
    /// Name for people, unique. A hint: not part of the chain id.
    pub name: Option<String>,
}

/// Why a genesis file was not taken.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("cannot read the genesis file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is wrong.
    #[error("the genesis file {path} has {faults}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        faults: Faults,
    },
}

impl Spec {
    /// Reads a file, without accepting any fault.
    ///
    /// # Errors
    /// When it cannot be read, or with every fault it has.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let bytes = std::fs::read(path)
            .map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
        let parsed = match String::from_utf8(bytes) {
            Ok(text) => Self::parse(&text),
            Err(_) => Err(Faults(vec![Fault::new("", What::Syntax("not UTF-8".to_owned()))])),
        };
        parsed.map_err(|faults| LoadError::Invalid { path: path.to_owned(), faults })
    }

    /// Reads the text of a file, without accepting any fault.
    ///
    /// # Errors
    /// With every fault it has.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        read::spec(text)
    }

    /// Reads the text of a file that is still being written: syntax and types, not the rules.
    ///
    /// # Errors
    /// With every fault of syntax and types.
    pub fn draft(text: &str) -> Result<Self, Faults> {
        read::draft(text)
    }

    /// Everything that is wrong with it.
    ///
    /// # Errors
    /// With every fault it has.
    pub fn validate(&self) -> Result<(), Faults> {
        let faults = validate::faults(self);
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    /// The text of a file that reads back as this.
    #[must_use]
    pub fn to_toml(&self) -> String {
        render::spec(self)
    }

    /// Writes the file as one step: it is there whole or not at all. It must not exist yet.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_new(&self, path: &Path) -> io::Result<()> {
        files::write_new(path, self.to_toml().as_bytes(), files::PUBLIC)
    }

    /// Writes the file as one step, in the place of one that is there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn replace(&self, path: &Path) -> io::Result<()> {
        files::replace(path, self.to_toml().as_bytes(), files::PUBLIC)
    }

    /// The identity of the chain: a hash of the meaning of the file, not of its text.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        ChainId::new(hash(domain::CHAIN, &self.encoding()))
    }

    /// The bytes the chain id is the hash of: what the file means (`docs/genesis.md`).
    #[must_use]
    pub fn encoding(&self) -> Vec<u8> {
        encoding::canonical(self)
    }

    /// The first validator set.
    ///
    /// # Panics
    /// When the specification was built by hand and never validated.
    #[must_use]
    pub fn validator_set(&self) -> ValidatorSet {
        let validator = |spec: &ValidatorSpec| Validator {
            key: spec.key,
            power: spec.power,
            name: spec.name.as_str().try_into().expect("validated names are short"),
        };
        let validators = self.validators.iter().map(validator).collect();
        ValidatorSet::new(Epoch::ZERO, validators)
            .expect("a validated specification has a valid set")
    }

    /// The state at height 0, sorted by key.
    #[must_use]
    pub fn state_entries(&self) -> Vec<(StateKey, StateValue)> {
        let entry = |account: &AccountSpec| {
            let value = Account::with_balance(account.balance).to_value();
            (StateKey::account(&account.address), value)
        };
        let mut entries: Vec<_> = self.accounts.iter().map(entry).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }

    /// All coins there are.
    ///
    /// # Panics
    /// When the specification was built by hand and never validated.
    #[must_use]
    pub fn supply(&self) -> Amount {
        Amount::checked_sum(self.accounts.iter().map(|account| account.balance))
            .expect("a validated supply fits")
    }

    /// The account with a name.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<&AccountSpec> {
        self.accounts.iter().find(|account| account.name.as_deref() == Some(name))
    }

    /// The validator with a key.
    #[must_use]
    pub fn validator_with(&self, key: &PublicKey) -> Option<&ValidatorSpec> {
        self.validators.iter().find(|validator| validator.key == *key)
    }
}

#[cfg(test)]
mod tests;
