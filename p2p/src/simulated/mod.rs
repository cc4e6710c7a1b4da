//! The simulated twin: the same trait, in memory, with seeded delay and loss, and partitions.
//!
//! It shares everything above the wire with the real network: judgement of peers, queues and their
//! bounds, requests, standing. On a current-thread runtime with paused time, one seed gives one
//! course of events.

mod link;
mod network;
mod node;

pub use link::LinkConfig;
pub use network::SimulatedNet;

#[cfg(test)]
mod tests;
