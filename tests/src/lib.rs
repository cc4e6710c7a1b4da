//! Whole-system tests: networks of real processes, the faults done to them, and the checkers.
//!
//! [`network`] starts validators as processes with fault proxies between them, [`workload`] sends signed transfers,
//! [`checks`] says whether the ledger kept its promises, [`browser`] looks at the explorer as its users do,
//! [`axe`] judges whether all of them can, [`explorer`] is what all tests of it begin with, and [`tamper`] lies to it. [`liar`] speaks with the key of a validator, and
//! [`prometheus`] watches. The tests themselves are stories in this language.

pub mod axe;
pub mod browser;
pub mod checks;
pub mod disk;
pub mod documents;
pub mod explorer;
pub mod liar;
pub mod network;
pub mod prometheus;
pub mod tamper;
pub mod workload;
