//! One process per data directory: a second one would sign with the same key (double-sign guard).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::StoreError;

const FILE_NAME: &str = "node.lock";

/// An exclusive hold on a data directory until it is dropped.
///
/// The kernel releases it when the process ends, however it ends: there is no stale lock to remove.
/// The file stays; its content, the process id, only serves the error message.
#[derive(Debug)]
pub struct DataLock {
    path: PathBuf,
    _file: File,
}

impl DataLock {
    /// Takes the lock, or says who has it.
    pub fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE_NAME);
        let io = |error| StoreError::io(&path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = owner(&mut file);
                return Err(StoreError::Locked { path: directory.to_path_buf(), owner });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(io)?;
        Ok(Self { path: directory.to_path_buf(), _file: file })
    }

    /// The locked directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.path
    }
}

fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn refuses_second_holder_and_names_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let held = DataLock::acquire(directory.path()).unwrap();
        let error = DataLock::acquire(directory.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Locked { owner: Some(pid), .. } if pid == std::process::id())
        );
        assert!(error.to_string().contains("in use by another process"), "{error}");
        drop(held);
        DataLock::acquire(directory.path()).unwrap();
    }

    #[test]
    fn reports_a_directory_that_is_missing() {
        let error = DataLock::acquire(Path::new("/nonexistent/logothete")).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }));
    }
}
