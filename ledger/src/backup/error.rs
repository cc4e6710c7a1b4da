//! What is wrong with a backup, or kept it from being made.

use std::path::PathBuf;

use logothete_primitives::{ChainId, Height, StateRoot};

use crate::audit::AuditError;
use crate::store::StoreError;

/// A backup that was not made, or is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target directory has something in it.
    #[error("{} is not empty: give a new or empty directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The node has not applied its genesis state yet.
    #[error("there is nothing to back up yet")]
    NothingApplied,
    /// There is no manifest: not a backup, or one that was not finished.
    #[error("{} has no manifest.json: not a backup, or not a finished one", path.display())]
    NoManifest {
        /// The directory.
        path: PathBuf,
    },
    /// The manifest does not match its hash.
    #[error("damaged backup: manifest.json does not match manifest.sha256")]
    ManifestDamaged,
    /// The manifest does not have the form of this version.
    #[error("manifest.json cannot be read: {0}")]
    ManifestMalformed(String),
    /// The manifest asks for something that this version does not have.
    #[error("the backup needs a newer version of this program: {what}")]
    Newer {
        /// What is not supported.
        what: String,
    },
    /// The backup belongs to another chain.
    #[error("the backup belongs to chain {found}, expected {expected}")]
    ForeignChain {
        /// The chain that was asked for.
        expected: ChainId,
        /// The chain of the backup.
        found: ChainId,
    },
    /// A file of the manifest is not there.
    #[error("damaged backup: {file} is missing")]
    FileMissing {
        /// Name relative to the backup.
        file: String,
    },
    /// There is a file that the manifest does not name.
    #[error("damaged backup: {file} is not in the manifest")]
    FileUnknown {
        /// Name relative to the backup.
        file: String,
    },
    /// A file differs from the manifest.
    #[error("damaged backup: {file} differs between offset {start} and {end}")]
    FileDamaged {
        /// Name relative to the backup.
        file: String,
        /// First byte of the first block that differs.
        start: u64,
        /// End of that block.
        end: u64,
    },
    /// The flat state does not have the root that the manifest says.
    #[error("the state of height {height} has root {found}, the manifest says {expected}")]
    StateRoot {
        /// The applied height.
        height: Height,
        /// Root in the manifest.
        expected: StateRoot,
        /// Root of the flat state.
        found: StateRoot,
    },
    /// The database and the manifest tell different heights.
    #[error("the database is at height {found}, the manifest says {expected}")]
    Height {
        /// Height in the manifest.
        expected: Height,
        /// Height in the database.
        found: Height,
    },
    /// A block, a certificate or the state is missing or not valid.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database of the backup or of the node failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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

impl BackupError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// True when the backup itself is damaged, or does not belong to the chain it claims.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) | Self::Audit(AuditError::Store(error)) => error.is_corruption(),
            Self::ManifestDamaged
            | Self::ManifestMalformed(_)
            | Self::FileMissing { .. }
            | Self::FileUnknown { .. }
            | Self::FileDamaged { .. }
            | Self::StateRoot { .. }
            | Self::Height { .. }
            | Self::Audit(AuditError::Flawed { .. }) => true,
            Self::NotEmpty { .. }
            | Self::NothingApplied
            | Self::NoManifest { .. }
            | Self::Newer { .. }
            | Self::ForeignChain { .. }
            | Self::Io { .. } => false,
        }
    }
}
