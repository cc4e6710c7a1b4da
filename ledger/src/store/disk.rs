//! Free space of the disk, for the guard that stops the node before the disk is full.

use std::path::Path;

use super::StoreError;

/// Space of the file system that holds a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Size of the file system in bytes.
    pub total_bytes: u64,
}

/// Measures the file system of `path`, which must exist.
pub fn disk_space(path: &Path) -> Result<DiskSpace, StoreError> {
    let stat = rustix::fs::statvfs(path).map_err(|errno| StoreError::io(path, errno.into()))?;
    Ok(DiskSpace {
        free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
    })
}
