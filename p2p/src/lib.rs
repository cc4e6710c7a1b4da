//! Peers, lanes, gossip and budgets over libp2p, with a simulated twin.
//!
//! A node talks to the others through one trait, [`Network`], and hears them through the receivers of
//! [`Inbound`]. Behind the trait stand the real network ([`start`]) and its twin in memory
//! ([`simulated`]).
//!
//! ```text
//!   node ── Network ──► hub ──► queues, one per peer and lane ──► session or simulated link ──► peer
//!   node ◄─ Inbound ─── hub ◄── frames, in order per lane ◄────── session or simulated link ◄── peer
//! ```
//!
//! - A connection begins with a [`handshake`]: protocol version, chain, genesis and role are compared,
//!   and both sides are told in words when they differ. Only listed keys may be validators.
//! - Then three [`lane`]s run beside each other and do not wait for one another; each is a bounded queue
//!   and a stream of bounded frames. Requests are correlated on the sync lane.
//! - Transactions are gossiped; the node judges each before it is passed on.
//! - Nodes tell each other where the validators are, so one address is enough to find all.
//! - Whatever a peer can make grow has a bound in [`Limits`]. What it does wrong is held against it: a
//!   follower is kept out for a while, a validator for some seconds.
//!
//! Deliberately absent: any knowledge of what the frames mean, and any delivery guarantee beyond
//! order. A frame that is lost with its connection is for the node to send again.
//!
//! `docs/wire-network.md` has the bytes, `docs/adr/0007-lanes.md` the reasons.

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
