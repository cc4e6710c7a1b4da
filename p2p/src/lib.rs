//! Peers, lanes, gossip and budgets over libp2p, with a simulated twin.

pub mod config;
pub mod error;
mod frame;
pub mod handshake;
pub mod lane;
pub mod network;
pub mod peer;
pub mod retry;

pub use bytes::Bytes;
pub use libp2p::Multiaddr;

pub use config::{Config, Limits, PeerAddress, PeerAddressError, QueueLimit};
pub use error::{NetworkError, RequestError, SendError};
pub use handshake::{PROTOCOL_VERSION, RefusalReason};
pub use lane::Lane;
pub use network::{Gossip, GossipTicket, GossipVerdict, Inbound, Network, Request};
pub use peer::{Ban, DisconnectReason, PeerEvent, PeerFault, PeerInfo, Role, Violation};
pub use retry::{Delays, RetryPolicy};
