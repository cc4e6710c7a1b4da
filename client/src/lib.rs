//! The Rust client: build, sign, submit, wait and verify.
