//! Transactions, execution, the authenticated state, the mempool, stores and backup.
//!
//! The way of a transaction through this crate: bytes become a [`Candidate`](admission::Candidate), signatures make it
//! [`Admitted`](admission::Admitted), the [`mempool`] keeps it until a [`batch`] carries it, consensus (elsewhere)
//! orders batches by reference, [`execute`] turns a final block into changes and [receipts](receipt).
//!
//! Reading order: [`transaction`], [`operation`], [`modules`], [`account`], [`state`], [`execute`](mod@execute),
//! [`receipt`], [`proof`], [`admission`], [`mempool`], [`batch`].

pub mod account;
pub mod account_keys;
pub mod admission;
pub mod audit;
#[cfg(feature = "rocks")]
pub mod backup;
pub mod batch;
#[cfg(feature = "rocks")]
pub mod database;
pub mod error;
pub mod execute;
mod fast_map;
pub mod mempool;
pub mod modules;
pub mod operation;
pub mod overlay;
pub mod params;
pub mod progress;
pub mod proof;
pub mod receipt;
pub mod recent;
pub mod simulate;
pub mod state;
pub mod state_tree;
pub mod store;
pub mod transaction;
pub mod verified;

#[cfg(test)]
mod tests;
