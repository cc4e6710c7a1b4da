//! Golden scripts of the core: one behaviour per file in `scripts/`, told as a story.
//!
//! `LOGOTHETE_UPDATE=1 cargo test -p logothete-consensus --test scripts` writes the traces anew;
//! then read the difference.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use support::script;

#[test]
fn scripts_give_their_traces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut failed = Vec::new();
    for path in paths {
        let expected = fs::read_to_string(&path).unwrap();
        let got = script::run(&expected);
        if got != expected {
            if std::env::var_os("LOGOTHETE_UPDATE").is_some() {
                fs::write(&path, got).unwrap();
                continue;
            }
            println!("=== {} gives\n{got}", path.display());
            failed.push(path);
        }
    }
    assert!(failed.is_empty(), "other traces than written: {failed:?}");
}
