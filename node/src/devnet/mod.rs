//! A whole network on this machine: every validator a process of its own, so that a kill is a kill.
//!
//! There is no daemon. The directory of a devnet holds a state file that says which process is which
//! node; every command reads it, acts, and writes it under a lock. `devnet up` in the foreground only
//! watches and, at its end, stops what runs.

pub mod create;
pub mod directory;
pub mod drill;
pub mod faults;
pub mod lifecycle;
pub mod observe;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod start;
pub mod up;
