//! Whole-system tests: networks of real processes, the faults done to them, and the checkers.
//!
//! [`network`] starts validators as processes with fault proxies between them, [`workload`] sends signed transfers,
//! [`checks`] says whether the ledger kept its promises. The tests themselves are stories in this language.

pub mod checks;
pub mod disk;
pub mod network;
pub mod workload;
