//! What is known of a peer, what can happen to it, and what it can do wrong.

use std::{fmt, time::Duration};

use libp2p::Multiaddr;
use logothete_primitives::{
    codec::{Decode, Encode},
    keys::PublicKey,
    numbers::Height,
};

use crate::handshake::RefusalReason;

/// What a peer is in this network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Role {
    /// Votes; its key is in the validator set.
    Validator,
    /// Keeps the ledger and serves reads; does not vote.
    Follower,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validator => "validator",
            Self::Follower => "follower",
        })
    }
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its key, proven by the transport.
    pub key: PublicKey,
    /// What it claimed in the handshake and was permitted to claim.
    pub role: Role,
    /// Where it can be reached; the address in use first.
    pub addresses: Vec<Multiaddr>,
    /// Its software, as it says.
    pub agent: String,
    /// Protocol version, equal to ours.
    pub protocol: u32,
    /// Whether we dialled it.
    pub outbound: bool,
    /// How long it has been connected.
    pub connected_for: Duration,
    /// Last measured round trip.
    pub rtt: Option<Duration>,
    /// How long ago the last frame of it arrived.
    pub last_heard: Duration,
    /// The height it says it has applied.
    pub height: Height,
    /// Frames and bytes waiting for it, over all lanes.
    pub queued: (usize, usize),
}

/// Who came, who went, who was refused.
#[derive(Clone, Debug)]
pub enum PeerEvent {
    /// A peer passed the handshake; its lanes are open.
    Connected(PeerInfo),
    /// Its last connection ended.
    Disconnected {
        /// Who.
        key: PublicKey,
        /// Why.
        reason: DisconnectReason,
    },
    /// A connection ended in the handshake, or was not let in at all.
    Refused {
        /// The far end.
        address: Multiaddr,
        /// Its key, where the transport proved one.
        key: Option<PublicKey>,
        /// Why, in words for the operator.
        reason: RefusalReason,
    },
}

/// Why a peer's last connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The far end closed the connection or its process ended.
    Closed,
    /// The transport failed.
    Transport(String),
    /// It did not answer pings.
    Unresponsive,
    /// It sent what no correct node sends.
    Violation(Violation),
    /// [`crate::Network::report`] brought its score below the limit.
    Faulty(PeerFault),
    /// The same key connected again from a new process.
    Replaced,
    /// We are stopping.
    Stopped,
}

impl DisconnectReason {
    /// The reason in one word, for counting.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Transport(_) => "transport",
            Self::Unresponsive => "unresponsive",
            Self::Violation(_) => "violation",
            Self::Faulty(_) => "faulty",
            Self::Replaced => "replaced",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the far end closed the connection"),
            Self::Transport(error) => write!(f, "the connection failed: {error}"),
            Self::Unresponsive => f.write_str("no answer to pings"),
            Self::Violation(violation) => write!(f, "protocol violation: {violation}"),
            Self::Faulty(fault) => write!(f, "reported: {fault}"),
            Self::Replaced => f.write_str("the same key connected again"),
            Self::Stopped => f.write_str("this node is stopping"),
        }
    }
}

/// Bytes that no correct node sends after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A frame announced more bytes than its lane allows.
    Oversize {
        /// Where.
        lane: &'static str,
        /// The announced length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A frame that does not decode.
    Undecodable {
        /// Where.
        lane: &'static str,
    },
    /// A stream opened at a time or in a number that the protocol does not know.
    UnexpectedStream,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oversize { lane, bytes, max } => {
                write!(f, "a frame of {bytes} bytes on {lane}, at most {max} are permitted")
            }
            Self::Undecodable { lane } => write!(f, "a frame on {lane} does not decode"),
            Self::UnexpectedStream => f.write_str("an unexpected stream"),
        }
    }
}

/// What the node can hold against a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerFault {
    /// A message that does not decode.
    Malformed,
    /// A signature, certificate, proof or hash that does not hold.
    Invalid,
    /// An answer that is well formed and false: another chain, another height, a gap.
    Lied,
    /// It promised data and did not deliver in time.
    Slow,
    /// It asks or sends more than is useful.
    Flood,
    /// It has not what was asked of it.
    Useless,
}

impl PeerFault {
    /// How much a fault costs; a peer starts at 100 and regains a point every few seconds.
    pub const fn cost(self) -> u32 {
        match self {
            Self::Malformed | Self::Invalid | Self::Lied => 50,
            Self::Flood => 10,
            Self::Slow => 5,
            Self::Useless => 1,
        }
    }

    /// Whether no correct node does this, however slow or far behind it is.
    pub const fn is_grave(self) -> bool {
        matches!(self, Self::Malformed | Self::Invalid | Self::Lied)
    }
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed message",
            Self::Invalid => "invalid signature, proof or hash",
            Self::Lied => "false answer",
            Self::Slow => "too slow",
            Self::Flood => "too many messages",
            Self::Useless => "nothing to offer",
        })
    }
}

/// A peer that is kept out for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub key: PublicKey,
    /// The fault that was one too many.
    pub fault: PeerFault,
    /// How long it is still kept out.
    pub remaining: Duration,
}
