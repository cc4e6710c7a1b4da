//! What a network is told at start.

use std::{fmt, str::FromStr, time::Duration};

use libp2p::Multiaddr;
use logothete_primitives::{
    identifiers::{BlockHash, ChainId},
    keys::PublicKey,
};
use thiserror::Error;

use crate::{address, error::NetworkError, peer::Role, retry::RetryPolicy};

/// What a network is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to listen on, such as `/ip4/0.0.0.0/tcp/7000`. Port 0 takes a free one.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others reach this node, when they differ from those listened on.
    pub external: Vec<Multiaddr>,
    /// Where to find the first peers.
    pub bootstrap: Vec<PeerAddress>,
    /// Whether to dial validators at addresses that peers tell. Without it only `bootstrap` is
    /// dialled, and a key given there is looked for at that address alone.
    pub discover: bool,
    /// The chain; also names the gossip topic.
    pub chain: ChainId,
    /// Hash of the genesis block.
    pub genesis: BlockHash,
    /// The allow list: only these keys may claim to be validators.
    pub validators: Vec<PublicKey>,
    /// What this node is.
    pub role: Role,
    /// Name and version of the software, shown to peers.
    pub agent: String,
    /// Bounds on everything that peers can make grow.
    pub limits: Limits,
    /// How dialling is retried.
    pub retry: RetryPolicy,
}

impl Config {
    /// A configuration with no addresses, no bootstrap peers and default limits.
    pub fn new(chain: ChainId, genesis: BlockHash, validators: Vec<PublicKey>, role: Role) -> Self {
        Self {
            listen: Vec::new(),
            external: Vec::new(),
            bootstrap: Vec::new(),
            discover: true,
            chain,
            genesis,
            validators,
            role,
            agent: concat!("logothete/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
            retry: RetryPolicy::DIAL,
        }
    }

    /// Whether this build can use every address.
    ///
    /// # Errors
    /// The first that it cannot use.
    pub fn check(&self) -> Result<(), NetworkError> {
        let bootstrap = self.bootstrap.iter().map(|peer| &peer.address);
        for address in self.listen.iter().chain(&self.external).chain(bootstrap) {
            if let Some(reason) = address::unusable(address) {
                let (address, reason) = (address.to_string(), reason.to_owned());
                return Err(NetworkError::Address { address, reason });
            }
        }
        Ok(())
    }
}

/// Bounds on everything that peers can make grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Followers that may be connected at a time. Validators have slots of their own, one per key.
    pub followers: usize,
    /// Connections of one peer at a time. Never below 2: when two nodes dial each other at the
    /// same moment and each permits one connection, each may close the one that the other keeps.
    pub connections_per_peer: usize,
    /// Inbound connections from one IP address that have not passed the handshake.
    pub pending_per_ip: usize,
    /// Inbound connections that have not passed the handshake, over all addresses.
    pub pending: usize,
    /// Followers connected from one IP address.
    pub followers_per_ip: usize,
    /// Validators that a follower connects to by itself.
    pub follower_dials: usize,
    /// Longest handshake, from the connection to both verdicts.
    pub handshake: Duration,
    /// Frames and bytes that may wait for one peer, per lane.
    pub queues: [QueueLimit; 3],
    /// Requests of ours that may wait for one peer's answer.
    pub requests_in_flight: usize,
    /// Longest wait for an answer.
    pub request_deadline: Duration,
    /// Requests of one peer that we work on at a time.
    pub requests_served: usize,
    /// Frames that may wait between the network and the node, per kind.
    pub inbound: usize,
    /// Gossiped transactions that may wait between the network and the node.
    pub inbound_gossip: usize,
    /// Time between pings; a peer that leaves one unanswered for three times as long is dropped.
    pub ping_interval: Duration,
    /// How long a follower with a bad score is kept out.
    pub ban: Duration,
    /// How long a validator with a bad score is kept out: never for long, and only for what no
    /// correct node does.
    pub validator_ban: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            followers: 64,
            connections_per_peer: 4,
            pending_per_ip: 32,
            pending: 128,
            followers_per_ip: 64,
            follower_dials: 16,
            handshake: Duration::from_secs(5),
            queues: [
                QueueLimit { frames: 4_096, bytes: 16 << 20 },
                QueueLimit { frames: 1_024, bytes: 32 << 20 },
                QueueLimit { frames: 256, bytes: 16 << 20 },
            ],
            requests_in_flight: 32,
            request_deadline: Duration::from_secs(10),
            requests_served: 64,
            inbound: 256,
            inbound_gossip: 1_024,
            ping_interval: Duration::from_secs(5),
            ban: Duration::from_secs(600),
            validator_ban: Duration::from_secs(1),
        }
    }
}

/// How much may wait in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimit {
    /// Frames.
    pub frames: usize,
    /// Bytes of all frames together.
    pub bytes: usize,
}

/// Where a peer can be found, and optionally who must answer there.
///
/// Written as a multiaddress (`/ip4/10.0.0.1/tcp/7000`, `/dns/v0/tcp/7000`), optionally with the
/// key in front (`lgtval1…@/dns/v0/tcp/7000`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// The key that must answer; any key when absent.
    pub key: Option<PublicKey>,
    /// Where.
    pub address: Multiaddr,
}

/// Why a text is not a [`PeerAddress`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeerAddressError {
    /// The part before `@` is not a validator key.
    #[error("{0:?} is not a key (lgtval1…)")]
    Key(String),
    /// The address does not parse.
    #[error("{0:?} is not an address such as /ip4/10.0.0.1/tcp/7000 or /dns/host/tcp/7000")]
    Address(String),
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    fn from_str(text: &str) -> Result<Self, PeerAddressError> {
        let (key, address) = match text.split_once('@') {
            Some((key, address)) => {
                let key = key.parse().map_err(|_| PeerAddressError::Key(key.to_owned()))?;
                (Some(key), address)
            }
            None => (None, text),
        };
        let address = address.parse().map_err(|_| PeerAddressError::Address(address.to_owned()))?;
        Ok(Self { key, address })
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key}@{}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

impl From<Multiaddr> for PeerAddress {
    fn from(address: Multiaddr) -> Self {
        Self { key: None, address }
    }
}
