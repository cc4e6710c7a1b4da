//! Peers, lanes, gossip and budgets over libp2p, with a simulated twin.

mod address;
pub mod config;
mod connected;
mod control;
mod envelope;
pub mod error;
mod frame;
mod gossip;
pub mod handshake;
mod hub;
pub mod identity;
pub mod lane;
mod live;
pub mod network;
pub mod peer;
mod queue;
mod requests;
pub mod retry;
pub mod simulated;
mod standing;

pub use bytes::Bytes;
pub use libp2p::Multiaddr;

pub use config::{Config, Limits, PeerAddress, PeerAddressError, QueueLimit};
pub use error::{NetworkError, RequestError, SendError};
pub use handshake::{PROTOCOL_VERSION, RefusalReason};
pub use lane::Lane;
pub use live::{NetworkTask, start};
pub use network::{Gossip, GossipTicket, GossipVerdict, Inbound, Network, Request};
pub use peer::{Ban, DisconnectReason, PeerEvent, PeerFault, PeerInfo, Role, Violation};
pub use retry::{Delays, RetryPolicy};
