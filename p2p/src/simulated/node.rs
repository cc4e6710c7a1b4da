//! One simulated node: the trait over the shared hub, and gossip by flooding.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use libp2p::Multiaddr;
use logothete_primitives::{
    hash::Digest, keys::PublicKey, limits::MAX_GOSSIP_BYTES, numbers::Height,
};
use tokio::sync::mpsc;

use crate::{
    error::{RequestError, SendError},
    gossip,
    hub::Hub,
    lane::Lane,
    network::{Gossip, GossipTicket, GossipVerdict, Judged, Network},
    peer::{Ban, PeerFault, PeerInfo},
    queue::{Frame, LaneQueue},
};

use super::network::address_of;

/// Gossiped messages that are remembered, so that each is delivered and passed on once.
const SEEN_MAX: usize = 16 * 1024;

/// A node of the simulated network.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) hub: Arc<Hub>,
    /// Gossip on its way to each neighbour.
    neighbours: Mutex<BTreeMap<PublicKey, Arc<LaneQueue>>>,
    gossip: Mutex<Seen>,
    verdicts: mpsc::Sender<Judged>,
}

#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<Digest>,
    order: VecDeque<Digest>,
    /// Messages that the node has not judged yet.
    unjudged: BTreeMap<Digest, Bytes>,
}

impl Seen {
    /// Remembers an id; `false` if it was known.
    fn insert(&mut self, id: Digest) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
            self.unjudged.remove(&oldest);
        }
        true
    }
}

impl Node {
    pub(super) fn new(hub: Arc<Hub>) -> (Arc<Self>, mpsc::Receiver<Judged>) {
        let (verdicts, judged) = mpsc::channel(hub.config.limits.inbound_gossip);
        let node = Self { hub, neighbours: Mutex::default(), gossip: Mutex::default(), verdicts };
        (Arc::new(node), judged)
    }

    pub(super) fn add_neighbour(&self, key: PublicKey, queue: Arc<LaneQueue>) {
        self.neighbours().insert(key, queue);
    }

    pub(super) fn remove_neighbour(&self, key: &PublicKey) {
        self.neighbours().remove(key);
    }

    /// Takes in a gossiped message: the first time it is seen, the node is asked to judge it.
    pub(super) fn take_gossip(&self, from: PublicKey, bytes: Bytes) {
        let id = gossip::message_id(&bytes);
        {
            let mut gossip = self.gossip();
            if !gossip.insert(id) {
                return;
            }
            gossip.unjudged.insert(id, bytes.clone());
        }
        let accept = GossipTicket::new(id, from, self.verdicts.clone());
        self.hub.deliver_gossip(Gossip { from, bytes, accept });
    }

    /// Acts on a verdict.
    pub(super) fn judged(&self, judged: Judged) {
        let Some(bytes) = self.gossip().unjudged.remove(&judged.id) else {
            return;
        };
        match judged.verdict {
            GossipVerdict::Accept => self.flood(&bytes, Some(&judged.from)),
            GossipVerdict::Reject => self.hub.report(&judged.from, PeerFault::Invalid),
            GossipVerdict::Ignore => {}
        }
    }

    fn flood(&self, bytes: &Bytes, except: Option<&PublicKey>) {
        for (key, queue) in self.neighbours().iter() {
            if Some(key) != except {
                // A slow neighbour misses gossip; it hears it from others.
                let _ = queue.push(Frame::plain(bytes.clone()));
            }
        }
    }

    fn neighbours(&self) -> MutexGuard<'_, BTreeMap<PublicKey, Arc<LaneQueue>>> {
        self.neighbours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gossip(&self) -> MutexGuard<'_, Seen> {
        self.gossip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Network for Node {
    fn local(&self) -> PublicKey {
        self.hub.local
    }

    fn send(&self, to: &PublicKey, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        self.hub.send(to, lane, bytes)
    }

    fn request(
        &self,
        to: &PublicKey,
        bytes: Bytes,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        Box::pin(Arc::clone(&self.hub).request(*to, bytes))
    }

    fn publish(&self, bytes: Bytes) -> Result<(), SendError> {
        if bytes.len() > MAX_GOSSIP_BYTES {
            return Err(SendError::TooLarge { bytes: bytes.len(), max: MAX_GOSSIP_BYTES });
        }
        if self.gossip().insert(gossip::message_id(&bytes)) {
            self.flood(&bytes, None);
        }
        Ok(())
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.hub.infos()
    }

    fn report(&self, peer: &PublicKey, fault: PeerFault) {
        self.hub.report(peer, fault);
    }

    fn announce(&self, height: Height) {
        self.hub.announce(height);
    }

    fn banned(&self) -> Vec<Ban> {
        self.hub.bans()
    }

    fn listening(&self) -> Vec<Multiaddr> {
        vec![address_of(&self.hub.local)]
    }
}
