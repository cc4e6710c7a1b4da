//! Files of a backup: listing, hashing, copying, comparing.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::Path;

use logothete_primitives::Digest;
use sha2::{Digest as _, Sha256};

use super::{BackupError, FileEntry};

/// Damage is located to a block of this size.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// Hex digits of one block's hash in the manifest.
const BLOCK_DIGITS: usize = 16;

/// Plain SHA-256, so that `sha256sum` gives the same.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

/// Names of all files in a directory, sorted, with `prefix` before each. RocksDB keeps its files in
/// one directory; anything else in it does not belong there.
pub(super) fn list(directory: &Path, prefix: &str) -> Result<Vec<String>, BackupError> {
    let io = |error| BackupError::io(directory)(error);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        names.push(format!("{prefix}{}", name.to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

/// Bytes of some files of a directory.
pub(super) fn total_bytes(directory: &Path, names: &[String]) -> Result<u64, BackupError> {
    let bytes = |name: &String| {
        let path = directory.join(name);
        Ok(fs::metadata(&path).map_err(BackupError::io(path))?.len())
    };
    names.iter().map(bytes).sum()
}

/// True for a directory that is missing or has nothing in it.
pub(super) fn is_empty(directory: &Path) -> Result<bool, BackupError> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(BackupError::io(directory)(error)),
    }
}

/// Reads a file to its end, a block at a time.
fn blocks(
    path: &Path,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut file = File::open(path).map_err(BackupError::io(path))?;
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    loop {
        block.clear();
        let limit = BLOCK_BYTES as u64;
        Read::take(&mut file, limit).read_to_end(&mut block).map_err(BackupError::io(path))?;
        if block.is_empty() {
            return Ok(());
        }
        visit(&block)?;
    }
}

/// Hashes a file on the way of its bytes.
#[derive(Default)]
struct Summary {
    whole: Sha256,
    bytes: u64,
    blocks: String,
}

impl Summary {
    fn add(&mut self, block: &[u8]) {
        self.whole.update(block);
        self.bytes += block.len() as u64;
        let hash = sha256(block).to_string();
        self.blocks.push_str(&hash[..BLOCK_DIGITS]);
    }

    fn entry(self, name: String) -> FileEntry {
        let sha256 = Digest::new(self.whole.finalize().into());
        FileEntry { name, bytes: self.bytes, sha256, blocks: self.blocks }
    }
}

/// Hashes a file of a backup.
pub(super) fn summarize(backup: &Path, name: String) -> Result<FileEntry, BackupError> {
    let mut summary = Summary::default();
    blocks(&backup.join(&name), &mut |block| {
        summary.add(block);
        Ok(())
    })?;
    Ok(summary.entry(name))
}

/// Compares a file of a backup with the manifest.
pub(super) fn compare(backup: &Path, expected: &FileEntry) -> Result<(), BackupError> {
    refuse_missing(backup, expected)?;
    refuse_difference(expected, &summarize(backup, expected.name.clone())?)
}

/// Copies a file of a backup to `target`, durably, and compares what was read with the manifest.
pub(super) fn copy_compared(
    backup: &Path,
    expected: &FileEntry,
    target: &Path,
) -> Result<(), BackupError> {
    refuse_missing(backup, expected)?;
    let mut copy = File::create_new(target).map_err(BackupError::io(target))?;
    let mut summary = Summary::default();
    blocks(&backup.join(&expected.name), &mut |block| {
        summary.add(block);
        copy.write_all(block).map_err(BackupError::io(target))
    })?;
    copy.sync_all().map_err(BackupError::io(target))?;
    refuse_difference(expected, &summary.entry(expected.name.clone()))
}

fn refuse_missing(backup: &Path, expected: &FileEntry) -> Result<(), BackupError> {
    if backup.join(&expected.name).is_file() {
        return Ok(());
    }
    Err(BackupError::FileMissing { file: expected.name.clone() })
}

fn refuse_difference(expected: &FileEntry, found: &FileEntry) -> Result<(), BackupError> {
    if expected == found {
        return Ok(());
    }
    let digits = |entry: &FileEntry, block: usize| {
        let start = block * BLOCK_DIGITS;
        entry.blocks.get(start..start + BLOCK_DIGITS).map(str::to_owned)
    };
    let count = expected.blocks.len().max(found.blocks.len()).div_ceil(BLOCK_DIGITS);
    let first = (0..count).find(|block| digits(expected, *block) != digits(found, *block));
    let start = first.unwrap_or(0) as u64 * BLOCK_BYTES as u64;
    let end = (start + BLOCK_BYTES as u64).min(expected.bytes.max(found.bytes));
    Err(BackupError::FileDamaged { file: expected.name.clone(), start, end })
}

/// Gives a file that shares its bytes with the node's database bytes of its own, and makes them
/// durable: damage of one must not be damage of the other.
pub(super) fn detach(path: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::MetadataExt as _;
    let io = |error| BackupError::io(path)(error);
    if fs::metadata(path).map_err(io)?.nlink() > 1 {
        let copy = path.with_extension("copy");
        fs::copy(path, &copy).and_then(|_| fs::rename(&copy, path)).map_err(io)?;
    }
    File::open(path).and_then(|file| file.sync_all()).map_err(io)
}

/// Writes a small file durably.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let mut file = File::create_new(path).map_err(BackupError::io(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(BackupError::io(path))
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(BackupError::io(path))
}
