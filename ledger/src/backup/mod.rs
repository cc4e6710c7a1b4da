//! Backups: a consistent copy of a running node's database that can be verified without it.
//!
//! A backup is a directory:
//!
//! ```text
//! manifest.json     chain, height, state root, and hashes of every file
//! manifest.sha256   hash of the manifest, in the format of sha256sum
//! database/         a RocksDB database without the safety state
//! ```
//!
//! [`create`] copies while the node writes on. [`verify`] names the file and place of a damaged byte,
//! and then reads state and chain by an [audit](crate::audit). [`restore`] writes into an empty directory. A backup never holds what a validator
//! signed: whoever is restored from it comes back under R10.
//!
//! The manifest has places for increments and encryption; this version refuses both.

mod create;
mod error;
mod files;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;
mod verify;

pub use create::{WORK, create};
pub use error::BackupError;
pub use manifest::{FileEntry, MANIFEST_FORMAT, Manifest};
pub use restore::restore;
pub use verify::{Report, verify};

/// The manifest's file name.
const MANIFEST: &str = "manifest.json";
/// File of the manifest's hash.
const MANIFEST_HASH: &str = "manifest.sha256";
/// The directory of the copied database.
const DATABASE: &str = "database";
