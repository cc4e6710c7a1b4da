//! Writing files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::keystore::random;

/// Mode of files that hold a secret.
pub(crate) const SECRET: u32 = 0o600;
/// Mode of other files.
pub const PUBLIC: u32 = 0o644;

/// Writes a file that must not exist yet.
///
/// A link is made to a finished temporary file: unlike a rename, that never replaces anything.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = Temporary::write(path, bytes, mode)?;
    fs::hard_link(&temporary.0, path)?;
    drop(temporary);
    sync_parent(path)
}

/// Writes a file in the place of one that may exist.
///
/// # Errors
/// Those of the file system; then the one that was there is whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = Temporary::write(path, bytes, mode)?;
    fs::rename(&temporary.0, path)?;
    sync_parent(path)
}

/// Makes the names in the directory of a file durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file beside the one that is wanted, removed when it is no longer needed.
struct Temporary(PathBuf);

impl Temporary {
    fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let suffix = hex::encode(*random::<8>()?);
        let hidden = format!(".{}.{suffix}.tmp", name.to_string_lossy());
        let temporary = Self(parent(path).join(hidden));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary.0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is gone already; otherwise a leftover harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}
