//! Shared by the tests of the protocol: cheap signatures, a validator set, and a whole cluster from
//! one seed.
#![allow(dead_code, clippy::unwrap_used)] // Each test binary uses its own part.

pub(crate) mod adversary;
pub(crate) mod campaign;
pub(crate) mod checker;
pub(crate) mod cluster;
pub(crate) mod disk;
pub(crate) mod faults;
pub(crate) mod keyed_hash;
pub(crate) mod random;
pub(crate) mod scenario;
pub(crate) mod script;
pub(crate) mod stage;
pub(crate) mod stand;
pub(crate) mod tally;
pub(crate) mod trace;
