//! A directory for what is of no use afterwards, such as the log of a database that is only read.

use std::io;
use std::path::{Path, PathBuf};

/// A new directory under the system's temporary one, gone with this value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        Self::within(&std::env::temp_dir())
    }

    /// One under another directory, which must exist.
    pub(crate) fn within(parent: &Path) -> io::Result<Self> {
        let mut unique = [0; 8];
        getrandom::fill(&mut unique).map_err(io::Error::other)?;
        let path = parent.join(format!("logothete-{}", hex::encode(unique)));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is of no use to anybody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
