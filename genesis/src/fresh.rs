//! The mark of a key that has never signed (rule R10).
//!
//! A validator without its safety state must not sign at once: it may have signed before. Only where
//! key and data directory were made together is that known to be false, and this file says so. The
//! node makes its first safety state from it and removes it; nothing else ever writes it.

use std::io;
use std::path::{Path, PathBuf};

use logothete_primitives::{ChainId, PublicKey};
use thiserror::Error;

use crate::files;

/// Name of the file in the data directory.
pub const FRESH_MARKER: &str = "fresh";

/// First line of the file.
const TITLE: &str = "logothete: this key has never signed on this chain";

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshMarker {
    /// The key that was made together with the directory.
    pub key: PublicKey,
    /// The chain it was made for.
    pub chain: ChainId,
}

/// Why a marker does not count.
#[derive(Debug, Error)]
pub enum MarkerError {
    /// It cannot be read or removed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not one of ours.
    #[error(
        "{path} is not a marker of a fresh key; remove it, the node will then join as a learner"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// It was made for another key or chain.
    #[error("{path} was made for key {} on chain {}; remove it, the node will then join as a learner", found.key, found.chain)]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: FreshMarker,
    },
}

impl FreshMarker {
    /// Writes the marker into a data directory. Call it only right after the key was made.
    ///
    /// # Errors
    /// Those of the file system; there must not be one already.
    pub fn write_new(&self, data: &Path) -> io::Result<()> {
        let text = format!("{TITLE}\nkey {}\nchain {}\n", self.key, self.chain);
        files::write_new(&data.join(FRESH_MARKER), text.as_bytes(), files::PUBLIC)
    }

    /// The marker of a data directory, if it has one.
    ///
    /// # Errors
    /// A file that cannot be read or is not a marker.
    pub fn read(data: &Path) -> Result<Option<Self>, MarkerError> {
        let path = data.join(FRESH_MARKER);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(MarkerError::Malformed { path });
            }
            Err(source) => return Err(MarkerError::Io { path, source }),
        };
        Self::parse(&text).map(Some).ok_or(MarkerError::Malformed { path })
    }

    /// True when the directory is marked for exactly this key and chain, false when it is unmarked.
    ///
    /// # Errors
    /// A marker that cannot be read, or is for something else: that is a mistake somebody made,
    /// and going on in silence would hide it.
    pub fn is_present(&self, data: &Path) -> Result<bool, MarkerError> {
        match Self::read(data)? {
            None => Ok(false),
            Some(found) if found == *self => Ok(true),
            Some(found) => Err(MarkerError::Foreign { path: data.join(FRESH_MARKER), found }),
        }
    }

    /// Removes the marker for good. Call it once the first safety state is durable, and whenever a
    /// safety state is found beside a marker.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(data: &Path) -> Result<(), MarkerError> {
        let path = data.join(FRESH_MARKER);
        match std::fs::remove_file(&path).and_then(|()| files::sync_parent(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(MarkerError::Io { path, source }),
            Ok(()) => Ok(()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let key = lines.next()?.strip_prefix("key ")?.parse().ok()?;
        let chain = lines.next()?.strip_prefix("chain ")?.parse().ok()?;
        lines.next().is_none().then_some(Self { key, chain })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::{Digest, SecretKey};

    use super::*;

    fn marker(seed: u8) -> FreshMarker {
        let key = SecretKey::from_seed([seed; 32]).public();
        FreshMarker { key, chain: ChainId::new(Digest::new([seed; 32])) }
    }

    #[test]
    fn is_read_back_and_removed_once() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(FreshMarker::read(data.path()).unwrap(), None);
        assert!(!marker(1).is_present(data.path()).unwrap());

        marker(1).write_new(data.path()).unwrap();
        assert_eq!(FreshMarker::read(data.path()).unwrap(), Some(marker(1)));
        assert!(marker(1).is_present(data.path()).unwrap());
        assert!(marker(1).write_new(data.path()).is_err());

        FreshMarker::remove(data.path()).unwrap();
        FreshMarker::remove(data.path()).unwrap();
        assert!(!marker(1).is_present(data.path()).unwrap());
    }

    #[test]
    fn of_another_key_or_chain_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        marker(1).write_new(data.path()).unwrap();
        let refused = marker(2).is_present(data.path());
        assert!(matches!(refused, Err(MarkerError::Foreign { .. })));
    }

    #[test]
    fn refuses_anything_else() {
        let data = tempfile::tempdir().unwrap();
        marker(1).write_new(data.path()).unwrap();
        let path = data.path().join(FRESH_MARKER);
        let text = std::fs::read(&path).unwrap();
        let shorter = (0..text.len() - 1).map(|end| text[..end].to_vec());
        let longer = [text.clone(), b"more\n".to_vec()].concat();
        for bad in shorter.chain([longer, vec![0xff], Vec::new()]) {
            std::fs::write(&path, &bad).unwrap();
            let read = FreshMarker::read(data.path());
            assert!(matches!(read, Err(MarkerError::Malformed { .. })), "{bad:?}");
        }
    }
}
