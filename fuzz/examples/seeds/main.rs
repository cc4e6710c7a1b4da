//! Writes the seeds that the targets begin with: valid values of every kind, as small as they come.
//!
//! `cargo run --release --example seeds` from this directory, after a change of a format.

mod consensus;
mod ledger;
mod network;
mod text;

use std::fs;
use std::path::Path;

use logothete_primitives::codec::{Encode, encode};

fn main() {
    consensus::write();
    ledger::write();
    network::write();
    text::write();
}

/// Writes a seed of a target.
fn seed(target: &str, name: &str, bytes: &[u8]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&directory).expect("the directory can be made");
    fs::write(directory.join(name), bytes).expect("the seed can be written");
}

/// Writes a seed of a target whose first bytes say what the rest is.
fn tagged(target: &str, name: &str, tag: &[u8], bytes: &[u8]) {
    seed(target, name, &[tag, bytes].concat());
}

/// Writes an encoded value.
fn value<T: Encode>(target: &str, name: &str, value: &T) {
    seed(target, name, &encode(value));
}

/// Bytes of all sizes, for inputs that are drawn from rather than decoded.
fn mixed(count: u32, step: u32) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n * step % 251).expect("below 251")).collect()
}
