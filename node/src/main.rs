//! The `logothete` binary.
fn main() {}
