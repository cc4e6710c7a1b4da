//! Why a key file was not made or not opened.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::MAX_BYTES;
use super::seal::Cost;
use super::stored::VERSION;

/// Why a key file was not made or not opened.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is a file already; keys are never overwritten.
    #[error("{path} exists already; a key is never overwritten: move it away first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no key file {path}; `logothete keys new` makes one")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others could read the secret.
    #[error("{path} has mode {mode:03o}, so others can read it; run: chmod 600 {path}")]
    ModeTooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is cut off, or its bytes changed.
    #[error("{path} is damaged: {why}; restore it from its copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: Damage,
    },
    /// Made by a newer program.
    #[error("{path} has format version {version}; this program reads version {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it names.
        version: u32,
    },
    /// The file asks for more work than any file of ours.
    #[error("{path} asks for an unreasonable key derivation ({cost})")]
    TooCostly {
        /// The file.
        path: PathBuf,
        /// What it asks for.
        cost: Cost,
    },
    /// The file is encrypted and no passphrase was given.
    #[error("{path} is encrypted: a passphrase is needed (LOGOTHETE_PASSPHRASE, or typed)")]
    PassphraseNeeded {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not open the file.
    #[error("wrong passphrase for {path}")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A plain key where only sealed ones are allowed.
    #[error("{path} is a plain key for development; this chain is not a development chain")]
    PlainRefused {
        /// The file.
        path: PathBuf,
    },
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How a key file is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// Not the JSON of a key file.
    #[error("it is not a key file ({0})")]
    Format(String),
    /// Longer than any key file.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// The checksum does not fit the rest.
    #[error("the checksum does not match")]
    Checksum,
    /// The secret belongs to another public key.
    #[error("the secret does not belong to the public key")]
    ForeignSecret,
}
