//! The real network: libp2p over TCP (or QUIC), Noise and Yamux.
//!
//! [`start`] builds the swarm and its [`driver`]. The [`gate`] lets connections in and gives each a
//! [`handler`], which opens and accepts streams for its [`session`]: the handshake, then the lanes.

mod behaviour;
mod driver;
mod gate;
mod handler;
mod muxer;
mod peer_book;
mod session;
mod start;
mod streams;

pub use start::{NetworkTask, start};
