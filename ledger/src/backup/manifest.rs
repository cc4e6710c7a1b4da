//! The manifest: what a backup holds, and the hashes by which every byte of it is checked.

use std::fs;
use std::path::Path;

use logothete_primitives::{BlockHash, ChainId, Digest, Height, StateRoot, TimestampMs};
use serde::{Deserialize, Serialize};

use super::files::{sha256, write_synced};
use super::{BackupError, MANIFEST, MANIFEST_HASH};

/// Version of the manifest's form.
pub const MANIFEST_FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Schema version of the database.
    pub schema: u32,
    /// The chain.
    pub chain: ChainId,
    /// Height of the state: every record up to it is in the backup.
    pub height: Height,
    /// Root of the state at that height.
    pub state_root: StateRoot,
    /// Highest final height, at or above that of the state.
    pub committed: Height,
    /// Block at the highest final height; zero when only genesis is final.
    pub head: BlockHash,
    /// When the backup was made.
    pub created_ms: TimestampMs,
    /// Hash of the manifest that an increment builds on. Always none in this version.
    pub base: Option<Digest>,
    /// How the files are encrypted. Always none in this version.
    pub encryption: Option<String>,
    /// Size of the blocks whose hashes locate a damage.
    pub block_bytes: u32,
    /// The files, by name.
    pub files: Vec<FileEntry>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name relative to the backup.
    pub name: String,
    /// Length in bytes.
    #[serde(with = "decimal")]
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The first eight bytes of the SHA-256 of each block, in hex, one after the other. They only
    /// locate what the hash of the file has found.
    pub blocks: String,
}

/// 64-bit integers as decimal strings, like everywhere in our JSON.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    // By reference, because serde gives fields so.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Manifest {
    /// Reads and checks the manifest of a backup, not its files.
    pub fn read(backup: &Path) -> Result<Self, BackupError> {
        let path = backup.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::NoManifest { path: backup.to_path_buf() });
            }
            Err(error) => return Err(BackupError::io(path)(error)),
        };
        let hash_path = backup.join(MANIFEST_HASH);
        let recorded = fs::read(&hash_path).map_err(BackupError::io(hash_path))?;
        if recorded != hash_line(&text).as_bytes() {
            return Err(BackupError::ManifestDamaged);
        }
        refuse_newer(&text)?;
        serde_json::from_slice(&text)
            .map_err(|error| BackupError::ManifestMalformed(error.to_string()))
    }

    /// Writes the manifest durably: the last thing of a backup.
    pub(super) fn write(&self, backup: &Path) -> Result<(), BackupError> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| BackupError::ManifestMalformed(error.to_string()))?;
        text.push(b'\n');
        write_synced(&backup.join(MANIFEST_HASH), hash_line(&text).as_bytes())?;
        write_synced(&backup.join(MANIFEST), &text)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// The line that `sha256sum` prints for the manifest.
fn hash_line(text: &[u8]) -> String {
    format!("{}  {MANIFEST}\n", sha256(text))
}

/// Looks at the version before the form, which a newer version may have changed.
fn refuse_newer(text: &[u8]) -> Result<(), BackupError> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
        base: Option<serde_json::Value>,
        encryption: Option<serde_json::Value>,
    }
    let version: Version = serde_json::from_slice(text)
        .map_err(|error| BackupError::ManifestMalformed(error.to_string()))?;
    let what = if version.format != MANIFEST_FORMAT {
        format!("manifest format {}", version.format)
    } else if version.base.is_some() {
        "an increment".to_owned()
    } else if version.encryption.is_some() {
        "encryption".to_owned()
    } else {
        return Ok(());
    };
    Err(BackupError::Newer { what })
}
