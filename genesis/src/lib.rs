//! Chain specification, keys and the files of a whole network.
//!
//! A chain begins with one text file that all its members share. Its hash is the chain id, and every
//! signature of the chain covers it: who runs with another file speaks of another chain.
//!
//! Reading order:
//! - [`spec`]: the content of the genesis file and what follows from it: chain id, validator set,
//!   first state.
//! - [`fault`], [`validate`]: everything that can be wrong with one, each with its place.
//! - [`read`], [`render`]: from TOML and back.
//! - [`encoding`]: the bytes the chain id is the hash of.
//! - [`builder`]: a specification in code.
//! - [`keystore`]: key files, encrypted or marked as for development.
//! - [`fresh`]: the mark of a key that has never signed.
//! - [`files`]: writing files that are there whole or not at all.
//! - [`dev`]: accounts and validators whose keys everybody knows.
//! - [`network_files`]: the directories of all nodes of a network.

pub mod builder;
pub mod dev;
pub mod encoding;
pub mod fault;
pub mod files;
pub mod fresh;
pub mod keystore;
pub mod network_files;
pub mod read;
pub mod render;
pub mod spec;
pub mod validate;

pub use builder::Builder;
pub use fault::{Fault, Faults, What};
pub use fresh::{FRESH_MARKER, FreshMarker};
pub use keystore::{KeyFile, KeyFileError, KeyInfo};
pub use spec::{AccountSpec, LoadError, Spec, ValidatorSpec};
