//! Why a store could not be opened, read or written.

use std::path::PathBuf;

use logothete_primitives::{ChainId, Height};

/// A failure of the environment or a damaged record. None of these is a peer's fault.
///
/// A failed write of the safety state must end the process: after a failed fsync the operating
/// system may have dropped the dirty pages, so trying again proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record does not match its checksum or its layout.
    #[error("corrupted record in {family}: {fault} (key {key})")]
    Corrupted {
        /// Column family of the record.
        family: &'static str,
        /// Key of the record, in hex.
        key: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The engine found a damaged file.
    #[error("corrupted database: {0}")]
    CorruptedFile(String),
    /// The database belongs to another chain.
    #[error(
        "the database belongs to chain {found}, this node to {expected}: use another data directory"
    )]
    ForeignChain {
        /// Chain id of the configuration.
        expected: ChainId,
        /// Chain id in the database.
        found: ChainId,
    },
    /// The database was written by a newer program.
    #[error(
        "the database has schema {found}, this program reads up to {supported}: install a newer version"
    )]
    NewerSchema {
        /// Schema version in the database.
        found: u32,
        /// Newest version known here.
        supported: u32,
    },
    /// The database was written by an older program, whose blocks this one does not read.
    #[error(
        "the database has schema {found}, this program needs {needed}: run the version that wrote it, or join a newer chain with an empty data directory"
    )]
    OlderSchema {
        /// Schema version in the database.
        found: u32,
        /// The version needed here.
        needed: u32,
    },
    /// The directory holds a database that is not a Logothete database.
    #[error("{} holds a database without Logothete's metadata", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// There is no database, and none was to be created.
    #[error("no database in {}", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses the data directory.
    #[error("{} is in use by another process{}", path.display(), owner_text(*owner))]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Process id that the holder wrote into the lock file.
        owner: Option<u32>,
    },
    /// A height was written out of order.
    #[error("{what} must continue at height {expected}, got {got}")]
    OutOfOrder {
        /// The operation.
        what: &'static str,
        /// The height that comes next.
        expected: Height,
        /// The height that was given.
        got: Height,
    },
    /// A block was committed that was never stored.
    #[error("block {hash} at height {height} is not in the store")]
    UnknownBlock {
        /// Height of the block.
        height: Height,
        /// Hash of the block, in hex.
        hash: String,
    },
    /// The disk is full.
    #[error("no space left on the disk of the database")]
    NoSpace,
    /// This store has no such operation.
    #[error("{0} is not supported by this store")]
    Unsupported(&'static str),
    /// The engine failed.
    #[error("database: {0}")]
    Engine(String),
    /// The file system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl StoreError {
    /// A damaged record.
    pub(crate) fn corrupted(family: &'static str, key: &[u8], fault: &'static str) -> Self {
        Self::Corrupted { family, key: hex_of(key), fault }
    }

    /// An error of the file system at `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::NoSpace;
        }
        Self::Io { path: path.into(), source }
    }

    /// True when the disk or its file system failed a call, which is never tried again.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        match self {
            Self::Io { .. } => true,
            Self::Engine(text) => text.starts_with("IO error"),
            _ => false,
        }
    }

    /// True when stored bytes are damaged, so that healing from peers or a backup is the way on.
    #[must_use]
    pub fn is_corruption(&self) -> bool {
        matches!(self, Self::Corrupted { .. } | Self::CorruptedFile(_))
    }
}

fn owner_text(owner: Option<u32>) -> String {
    owner.map_or_else(String::new, |pid| format!(" (pid {pid})"))
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
