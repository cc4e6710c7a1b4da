//! What the RPC tests share.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used)]

pub(crate) mod cutter;
pub(crate) mod fake;
pub(crate) mod node;
pub(crate) mod socket;
