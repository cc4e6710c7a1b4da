//! What a call to the network can answer instead of success.

use logothete_primitives::keys::PublicKey;
use thiserror::Error;

use crate::lane::Lane;

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The peer is not connected, or did not pass the handshake.
    #[error("the peer is not connected")]
    NotConnected,
    /// The peer takes frames more slowly than we give them.
    #[error("the {0} lane to the peer is full")]
    LaneFull(Lane),
    /// The frame is longer than its lane allows.
    #[error("a frame of {bytes} bytes is over the limit of {max}")]
    TooLarge {
        /// Length of the frame.
        bytes: usize,
        /// Longest permitted.
        max: usize,
    },
    /// Too many transactions wait to be gossiped.
    #[error("the gossip queue is full")]
    GossipFull,
    /// The network was stopped.
    #[error("the network is stopped")]
    Stopped,
}

/// Why a request brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The request was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// As many requests as permitted wait for this peer already.
    #[error("{max} requests to the peer are in flight already")]
    TooManyInFlight {
        /// Most that may wait at a time.
        max: usize,
    },
    /// No answer within the deadline.
    #[error("no answer within the deadline")]
    Deadline,
    /// The peer went away before it answered.
    #[error("the peer disconnected before it answered")]
    Disconnected,
    /// The peer has too many of our requests in hand.
    #[error("the peer is busy")]
    Busy,
    /// The peer has no answer to give.
    #[error("the peer declined to answer")]
    Declined,
}

/// Why the network did not start.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The configured address.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// A configured address is not one this build can dial or listen on.
    #[error("address {address} is not usable: {reason}")]
    Address {
        /// The configured address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The node claims to be a validator and its key is not in the validator set.
    #[error("this node's key {0} is not in the validator set, so it cannot run as a validator")]
    NotAValidator(PublicKey),
    /// The key or the transport was refused by the library.
    #[error("cannot set up the transport: {0}")]
    Transport(String),
}
