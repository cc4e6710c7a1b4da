//! What both networks share: who is connected, who may be, and the ways between peers and node.
//!
//! A transport admits peers ([`Hub::judge`], [`Hub::join`]), empties their queues, and hands in
//! what arrives ([`Hub::deliver`]); everything else behind [`crate::Network`] happens here.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use logothete_primitives::{
    bounded::BoundedBytes, keys::PublicKey, limits::MAX_SYNC_REQUEST_BYTES, numbers::Height,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use crate::{
    config::Config,
    connected::{ConnectedPeer, Endpoint},
    control::{Control, Whereabouts},
    envelope::{Head, Kind},
    error::{RequestError, SendError},
    handshake::{Hello, HelloBody, PROTOCOL_VERSION, RefusalReason},
    lane::Lane,
    network::{Gossip, Inbound, Request},
    peer::{Ban, DisconnectReason, PeerEvent, PeerFault, PeerInfo, Role, Violation},
    queue::Frame,
    standing::Standing,
};

/// The state shared by a network's handle and its connections.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) local: PublicKey,
    pub(crate) config: Config,
    validators: BTreeSet<PublicKey>,
    instance: u64,
    height: AtomicU64,
    peers: RwLock<BTreeMap<PublicKey, Arc<ConnectedPeer>>>,
    places: Mutex<BTreeMap<PublicKey, Taken>>,
    standing: Mutex<Standing>,
    inbound: Outlets,
}

/// The sending ends of [`Inbound`].
#[derive(Debug)]
struct Outlets {
    consensus: mpsc::Sender<(PublicKey, Bytes)>,
    batches: mpsc::Sender<(PublicKey, Bytes)>,
    requests: mpsc::Sender<Request>,
    gossip: mpsc::Sender<Gossip>,
    events: mpsc::Sender<PeerEvent>,
}

/// The connections of one key that passed our judgement.
#[derive(Debug)]
struct Taken {
    connections: usize,
    ip: Option<IpAddr>,
}

/// A place among the peers, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    hub: Arc<Hub>,
    key: PublicKey,
}

/// A connection that passed the handshake on both sides; the peer leaves with its last one.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) peer: Arc<ConnectedPeer>,
    endpoint: Endpoint,
    place: Place,
}

impl Hub {
    /// `instance` is drawn at start and tells two runs of one node apart.
    pub(crate) fn new(local: PublicKey, instance: u64, config: Config) -> (Arc<Self>, Inbound) {
        let validators: BTreeSet<_> = config.validators.iter().copied().collect();
        let limits = &config.limits;
        let (consensus, consensus_out) = mpsc::channel(limits.inbound);
        let (batches, batches_out) = mpsc::channel(limits.inbound);
        let (requests, requests_out) = mpsc::channel(limits.inbound);
        let (gossip, gossip_out) = mpsc::channel(limits.inbound_gossip);
        let (events, events_out) = mpsc::channel(4 * Self::places_at_most(&config));
        let hub = Self {
            local,
            validators,
            instance,
            height: AtomicU64::new(0),
            peers: RwLock::default(),
            places: Mutex::default(),
            standing: Mutex::default(),
            inbound: Outlets { consensus, batches, requests, gossip, events },
            config,
        };
        let inbound = Inbound {
            consensus: consensus_out,
            batches: batches_out,
            requests: requests_out,
            gossip: gossip_out,
            peers: events_out,
        };
        (Arc::new(hub), inbound)
    }

    fn places_at_most(config: &Config) -> usize {
        config.validators.len() + config.limits.followers + 16
    }

    pub(crate) fn is_validator(&self, key: &PublicKey) -> bool {
        self.validators.contains(key)
    }

    /// What we say of ourselves at each handshake.
    pub(crate) fn hello(&self) -> Hello {
        let agent = self.config.agent.as_bytes();
        let agent = &agent[..agent.len().min(64)];
        Hello {
            version: PROTOCOL_VERSION,
            body: HelloBody {
                chain: self.config.chain,
                genesis: self.config.genesis,
                role: self.config.role,
                instance: self.instance,
                height: Height::new(self.height.load(Ordering::Relaxed)),
                agent: BoundedBytes::try_from(agent).expect("cut to the bound above"),
            },
        }
    }

    /// Our verdict on a hello of our network: who may come in, and is there a place?
    pub(crate) fn judge(
        self: &Arc<Self>,
        key: PublicKey,
        hello: &Hello,
        ip: Option<IpAddr>,
    ) -> Result<Place, RefusalReason> {
        if key == self.local {
            return Err(RefusalReason::OwnKey);
        }
        if hello.body.role == Role::Validator && !self.is_validator(&key) {
            return Err(RefusalReason::NotAValidator { key });
        }
        if let Some(ban) = self.standing().ban(&key, Instant::now()) {
            return Err(RefusalReason::Banned { fault: ban.fault, remaining: ban.remaining });
        }
        // A node that does not read who came and went gets no new peers: that bounds the events.
        if self.inbound.events.capacity() < 2 * Self::places_at_most(&self.config) {
            return Err(RefusalReason::TooManyConnections);
        }
        self.take_place(key, ip)
    }

    fn take_place(
        self: &Arc<Self>,
        key: PublicKey,
        ip: Option<IpAddr>,
    ) -> Result<Place, RefusalReason> {
        let limits = &self.config.limits;
        let mut places = self.places();
        if let Some(taken) = places.get_mut(&key) {
            if taken.connections >= limits.connections_per_peer.max(2) {
                return Err(RefusalReason::TooManyConnections);
            }
            taken.connections += 1;
        } else {
            if !self.is_validator(&key) {
                let followers = places.iter().filter(|(key, _)| !self.is_validator(key));
                let (mut all, mut same_ip) = (0, 0);
                for (_, taken) in followers {
                    all += 1;
                    same_ip += usize::from(ip.is_some() && taken.ip == ip);
                }
                if all >= limits.followers {
                    return Err(RefusalReason::Full { places: limits.followers });
                }
                if same_ip >= limits.followers_per_ip {
                    return Err(RefusalReason::TooManyConnections);
                }
            }
            places.insert(key, Taken { connections: 1, ip });
        }
        drop(places);
        Ok(Place { hub: Arc::clone(self), key })
    }

    /// Enters a connection on which both sides agreed.
    pub(crate) fn join(&self, place: Place, hello: &Hello, endpoint: Endpoint) -> Membership {
        let key = place.key;
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(&key).map(Arc::clone) {
            if peer.instance == hello.body.instance && !peer.stop.is_cancelled() {
                peer.add_connection(endpoint.clone());
                return Membership { peer, endpoint, place };
            }
            peer.explain(DisconnectReason::Replaced);
            self.emit(PeerEvent::Disconnected { key, reason: peer.close() });
        }
        let peer = ConnectedPeer::new(key, hello, endpoint.clone(), &self.config.limits);
        let peer = Arc::new(peer);
        peers.insert(key, Arc::clone(&peer));
        self.emit(PeerEvent::Connected(peer.info()));
        Membership { peer, endpoint, place }
    }

    /// Forgets a connection, and the peer with its last one.
    fn leave(&self, peer: &Arc<ConnectedPeer>, endpoint: &Endpoint) {
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        if !peer.remove_connection(endpoint) {
            return;
        }
        let key = peer.key;
        if peers.get(&key).is_some_and(|current| Arc::ptr_eq(current, peer)) {
            peers.remove(&key);
            self.emit(PeerEvent::Disconnected { key, reason: peer.close() });
        }
    }

    /// Tells the node that a connection was not let in. Such events may be lost: anybody can
    /// cause them, so they must not crowd out the others.
    pub(crate) fn refused(&self, event: PeerEvent) {
        if self.inbound.events.capacity() > self.inbound.events.max_capacity() / 2 {
            self.emit(event);
        }
    }

    fn emit(&self, event: PeerEvent) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.inbound.events.try_send(event) {
            tracing::error!(event = "p2p.event.lost", lost = ?event);
        }
    }

    pub(crate) fn peer(&self, key: &PublicKey) -> Option<Arc<ConnectedPeer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(key).map(Arc::clone)
    }

    pub(crate) fn connected(&self) -> Vec<Arc<ConnectedPeer>> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers.values().map(Arc::clone).collect()
    }

    pub(crate) fn infos(&self) -> Vec<PeerInfo> {
        self.connected().iter().map(|peer| peer.info()).collect()
    }

    pub(crate) fn send(&self, to: &PublicKey, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        let max = match lane {
            Lane::Sync => MAX_SYNC_REQUEST_BYTES,
            lane => lane.max_frame_bytes(),
        };
        if bytes.len() > max {
            return Err(SendError::TooLarge { bytes: bytes.len(), max });
        }
        let frame = match lane {
            Lane::Sync => Frame::enveloped(Head { kind: Kind::Notice, id: 0 }, bytes),
            _ => Frame::plain(bytes),
        };
        self.peer(to).ok_or(SendError::NotConnected)?.lane(lane).push(frame)
    }

    pub(crate) async fn request(
        self: Arc<Self>,
        to: PublicKey,
        bytes: Bytes,
    ) -> Result<Bytes, RequestError> {
        let max = MAX_SYNC_REQUEST_BYTES;
        if bytes.len() > max {
            return Err(SendError::TooLarge { bytes: bytes.len(), max }.into());
        }
        let peer = self.peer(&to).ok_or(SendError::NotConnected)?;
        let request = peer.requests.begin()?;
        let head = Head { kind: Kind::Request, id: request.id() };
        peer.lane(Lane::Sync).push(Frame::enveloped(head, bytes))?;
        timeout(self.config.limits.request_deadline, request.answer())
            .await
            .unwrap_or(Err(RequestError::Deadline))
    }

    /// Takes in one frame of a lane. Waits while the node has no room for it, which holds back
    /// this lane of this peer and nothing else.
    pub(crate) async fn deliver(
        &self,
        peer: &Arc<ConnectedPeer>,
        lane: Lane,
        frame: Bytes,
    ) -> Result<(), Violation> {
        peer.heard();
        let outlet = match lane {
            Lane::Consensus => &self.inbound.consensus,
            Lane::Batches => &self.inbound.batches,
            Lane::Sync => return self.deliver_envelope(peer, frame),
        };
        // The receiver is gone only when the node stops; the frame is then of no use to anybody.
        let _ = outlet.send((peer.key, frame)).await;
        Ok(())
    }

    fn deliver_envelope(&self, peer: &Arc<ConnectedPeer>, frame: Bytes) -> Result<(), Violation> {
        let undecodable = Violation::Undecodable { lane: Lane::Sync.name() };
        let (head, body) = Head::split(frame).ok_or(undecodable)?;
        match head.kind {
            Kind::Request | Kind::Notice if body.len() > MAX_SYNC_REQUEST_BYTES => {
                let lane = Lane::Sync.name();
                let (bytes, max) = (body.len(), MAX_SYNC_REQUEST_BYTES);
                return Err(Violation::Oversize { lane, bytes, max });
            }
            Kind::Request => self.serve(peer, head.id, body),
            Kind::Notice => {
                let (respond, _) = oneshot::channel();
                let _ = self.inbound.requests.try_send(Request {
                    from: peer.key,
                    bytes: body,
                    respond,
                });
            }
            Kind::Response => peer.requests.settle(head.id, Ok(body)),
            Kind::Busy => peer.requests.settle(head.id, Err(RequestError::Busy)),
            Kind::Declined => peer.requests.settle(head.id, Err(RequestError::Declined)),
        }
        Ok(())
    }

    /// Hands a request to the node, and its answer back to the peer. Whatever the node cannot
    /// take at once is answered *busy*, so that our own answers are never stuck behind it.
    fn serve(&self, peer: &Arc<ConnectedPeer>, id: u64, body: Bytes) {
        let (respond, answer) = oneshot::channel();
        let request = Request { from: peer.key, bytes: body, respond };
        let working = peer.serving.fetch_add(1, Ordering::Relaxed);
        let taken = working < self.config.limits.requests_served
            && self.inbound.requests.try_send(request).is_ok();
        if !taken {
            peer.serving.fetch_sub(1, Ordering::Relaxed);
            let busy = Frame::enveloped(Head { kind: Kind::Busy, id }, Bytes::new());
            let _ = peer.lane(Lane::Sync).push(busy);
            return;
        }
        let (peer, deadline) = (Arc::clone(peer), self.config.limits.request_deadline);
        tokio::spawn(async move {
            let max = Lane::Sync.max_frame_bytes() - crate::envelope::HEAD;
            let frame = match timeout(deadline, answer).await {
                Ok(Ok(bytes)) if bytes.len() <= max => {
                    Frame::enveloped(Head { kind: Kind::Response, id }, bytes)
                }
                _ => Frame::enveloped(Head { kind: Kind::Declined, id }, Bytes::new()),
            };
            // Fails when the peer is gone, and then there is nobody to answer.
            let _ = peer.lane(Lane::Sync).push_when_room(frame).await;
            peer.serving.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Hands a gossiped message to the node; without room for it, it is ignored.
    pub(crate) fn deliver_gossip(&self, gossip: Gossip) {
        if let Some(peer) = self.peer(&gossip.from) {
            peer.heard();
            let _ = self.inbound.gossip.try_send(gossip);
        }
    }

    /// Takes in a frame of a peer's control stream; what it says of others is handed back.
    pub(crate) fn deliver_control(
        &self,
        peer: &ConnectedPeer,
        frame: &[u8],
    ) -> Result<Vec<Whereabouts>, Violation> {
        peer.heard();
        match Control::decode(frame) {
            Ok(Control::Height(height)) => {
                peer.set_height(height);
                Ok(Vec::new())
            }
            Ok(Control::Validators(told)) => Ok(told.into_inner()),
            Err(_) => Err(Violation::Undecodable { lane: "control" }),
        }
    }

    /// Tells the connected peers which height we have applied.
    pub(crate) fn announce(&self, height: Height) {
        if self.height.fetch_max(height.get(), Ordering::Relaxed) < height.get() {
            let frame = Frame::plain(Control::Height(height).encode());
            for peer in self.connected() {
                let _ = peer.control().push(frame.clone());
            }
        }
    }

    pub(crate) fn report(&self, key: &PublicKey, fault: PeerFault) {
        let limits = &self.config.limits;
        // The network needs its validators: to be slow or useless costs one nothing but our
        // trust as a source, and what is grave parts us for a moment.
        let ban = match self.is_validator(key) {
            true if !fault.is_grave() => return,
            true => limits.validator_ban,
            false => limits.ban,
        };
        let out = self.standing().report(*key, fault, Instant::now(), ban);
        tracing::debug!(event = "p2p.peer.reported", peer = %key, %fault, out);
        if out && let Some(peer) = self.peer(key) {
            tracing::warn!(event = "p2p.peer.banned", peer = %key, %fault);
            peer.end(DisconnectReason::Faulty(fault));
        }
    }

    /// Ends a peer that broke the protocol; it counts as a grave fault.
    pub(crate) fn violated(&self, peer: &ConnectedPeer, violation: Violation) {
        tracing::warn!(event = "p2p.peer.violation", peer = %peer.key, %violation);
        peer.end(DisconnectReason::Violation(violation));
        self.report(&peer.key, PeerFault::Malformed);
    }

    pub(crate) fn bans(&self) -> Vec<Ban> {
        self.standing().bans(Instant::now())
    }

    pub(crate) fn is_banned(&self, key: &PublicKey) -> bool {
        self.standing().ban(key, Instant::now()).is_some()
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<PublicKey, Taken>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.hub.places();
        let Some(taken) = places.get_mut(&self.key) else {
            return;
        };
        taken.connections -= 1;
        if taken.connections == 0 {
            places.remove(&self.key);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.place.hub.leave(&self.peer, &self.endpoint);
    }
}
