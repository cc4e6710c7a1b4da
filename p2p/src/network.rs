//! The seam: what a node may ask of a network, and what a network hands to a node.
//!
//! Two implementations stand behind it: [`crate::start`] (libp2p) and [`crate::simulated`].

use bytes::Bytes;
use futures::future::BoxFuture;
use libp2p::Multiaddr;
use logothete_primitives::{hash::Digest, keys::PublicKey, numbers::Height};
use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{RequestError, SendError},
    lane::Lane,
    peer::{Ban, PeerEvent, PeerFault, PeerInfo},
};

/// What a node may ask of its network. Nothing here blocks; every queue behind it is bounded.
pub trait Network: Send + Sync + 'static {
    /// The key this node is known by.
    fn local(&self) -> PublicKey;

    /// Queues one frame for a connected peer. On [`Lane::Sync`] the frame arrives as a
    /// [`Request`] whose answer nobody waits for.
    fn send(&self, to: &PublicKey, lane: Lane, bytes: Bytes) -> Result<(), SendError>;

    /// Asks a peer on the sync lane. Bounded in flight per peer, with the configured deadline,
    /// ended by a disconnect; dropping the future forgets the request.
    fn request(
        &self,
        to: &PublicKey,
        bytes: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>>;

    /// Gossips a transaction on the topic of this chain.
    fn publish(&self, bytes: Bytes) -> Result<(), SendError>;

    /// The connected peers, by key.
    fn peers(&self) -> Vec<PeerInfo>;

    /// Says that a peer did wrong. Its score falls; below the limit it is disconnected, and kept
    /// out for a while unless it is a validator.
    fn report(&self, peer: &PublicKey, fault: PeerFault);

    /// Tells the connected peers, now and at each handshake, the height this node has applied.
    fn announce(&self, height: Height);

    /// Peers kept out at present, with the reason and the time left.
    fn banned(&self) -> Vec<Ban>;

    /// The addresses this node listens on, with the ports it was given.
    fn listening(&self) -> Vec<Multiaddr>;
}

/// The receiving ends of a network. A receiver that is not read holds back its senders.
#[derive(Debug)]
pub struct Inbound {
    /// Frames of the consensus lane, in order per peer.
    pub consensus: mpsc::Receiver<(PublicKey, Bytes)>,
    /// Frames of the batches lane, in order per peer.
    pub batches: mpsc::Receiver<(PublicKey, Bytes)>,
    /// Requests of the sync lane.
    pub requests: mpsc::Receiver<Request>,
    /// Gossiped transactions, each to be judged before it is passed on.
    pub gossip: mpsc::Receiver<Gossip>,
    /// Who came, who went, who was refused and why.
    pub peers: mpsc::Receiver<PeerEvent>,
}

/// A request of a peer. Dropping `respond` answers [`RequestError::Declined`].
#[derive(Debug)]
pub struct Request {
    /// Who asks.
    pub from: PublicKey,
    /// What it asks; opaque to this crate.
    pub bytes: Bytes,
    /// Takes the answer.
    pub respond: oneshot::Sender<Bytes>,
}

/// A gossiped transaction. It is forwarded only once [`Gossip::accept`] was told so.
#[derive(Debug)]
pub struct Gossip {
    /// The neighbour it came from, which need not be its author.
    pub from: PublicKey,
    /// The transaction; opaque to this crate.
    pub bytes: Bytes,
    /// Takes the verdict.
    pub accept: GossipTicket,
}

/// What the node thinks of a gossiped message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GossipVerdict {
    /// Valid: pass it on.
    Accept,
    /// Invalid for everybody: do not pass it on, and blame the neighbour.
    Reject,
    /// Not wanted here and now: do not pass it on, blame nobody.
    Ignore,
}

/// The duty to judge one gossiped message; dropping it ignores the message.
#[derive(Debug)]
pub struct GossipTicket {
    id: Digest,
    from: PublicKey,
    verdicts: Option<mpsc::Sender<Judged>>,
}

/// A verdict on its way back to the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) id: Digest,
    pub(crate) from: PublicKey,
    pub(crate) verdict: GossipVerdict,
}

impl GossipTicket {
    pub(crate) const fn new(id: Digest, from: PublicKey, verdicts: mpsc::Sender<Judged>) -> Self {
        Self { id, from, verdicts: Some(verdicts) }
    }

    /// Passes the message on.
    pub fn accept(self) {
        self.judge(GossipVerdict::Accept);
    }

    /// Stops the message and blames the neighbour it came from.
    pub fn reject(self) {
        self.judge(GossipVerdict::Reject);
    }

    /// Stops the message and blames nobody.
    pub fn ignore(self) {
        self.judge(GossipVerdict::Ignore);
    }

    /// Gives the verdict.
    pub fn judge(mut self, verdict: GossipVerdict) {
        self.settle(verdict);
    }

    /// A verdict that finds its queue full is dropped: the message is then not passed on by us,
    /// and the neighbours that hold it offer it again.
    fn settle(&mut self, verdict: GossipVerdict) {
        if let Some(verdicts) = self.verdicts.take() {
            let _ = verdicts.try_send(Judged { id: self.id, from: self.from, verdict });
        }
    }
}

impl Drop for GossipTicket {
    fn drop(&mut self) {
        self.settle(GossipVerdict::Ignore);
    }
}
