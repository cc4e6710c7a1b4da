//! A file for readers that take a path. It lies where `TMPDIR` says: `scripts/fuzz` removes that.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("logothete-fuzz-{}", std::process::id()));
    fs::write(&path, []).expect("the temporary directory can be written");
    // Readers of secrets refuse a file that others can read.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is our file");
    path
});

/// Calls `read` with the path of a file that holds these bytes.
pub fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let file = OpenOptions::new().write(true).truncate(true).open(&*PATH);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.expect("the temporary directory can be written");
    read(&PATH)
}
