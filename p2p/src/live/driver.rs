//! The driver of the swarm: it waits for one event and acts on it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    gossipsub::{self, IdentTopic, MessageAcceptance, MessageId, PublishError},
    identify, ping,
    swarm::{
        ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use logothete_primitives::{hash::Digest, keys::PublicKey};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    address,
    connected::ConnectedPeer,
    control::{Control, Whereabouts},
    handshake::RefusalReason,
    hub::Hub,
    identity,
    network::{Gossip, GossipTicket, GossipVerdict, Judged},
    peer::{DisconnectReason, PeerEvent, PeerFault, Role},
    queue::Frame,
};

use super::{
    behaviour::{Behaviour, BehaviourEvent, topic},
    peer_book::{Due, PeerBook},
    session::Told,
};

/// How often dials and the exchange of addresses are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Shortest time between two tellings of who is where.
const EXCHANGE_PAUSE: Duration = Duration::from_secs(1);

/// Addresses kept of what one peer says of itself.
const MAX_LISTENS: usize = 8;

/// Transactions kept for the time when the first neighbour is there.
const BACKLOG: usize = 256;

/// Longest farewell.
const FAREWELL: Duration = Duration::from_millis(500);

/// What the driver is asked and told.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) told: mpsc::Receiver<Told>,
    pub(super) published: mpsc::Receiver<Bytes>,
    pub(super) judged: mpsc::Receiver<Judged>,
    pub(super) verdicts: mpsc::Sender<Judged>,
}

/// Owns the swarm.
pub(super) struct Driver {
    swarm: Swarm<Behaviour>,
    hub: Arc<Hub>,
    intake: Intake,
    book: PeerBook,
    topic: IdentTopic,
    listening: Arc<Mutex<Vec<Multiaddr>>>,
    /// Dials under way, with their contact in the book.
    dials: HashMap<ConnectionId, usize>,
    /// Dials whose names are being resolved.
    resolved: (mpsc::Sender<Due>, mpsc::Receiver<Due>),
    /// Where connected peers say that they listen.
    identified: BTreeMap<PublicKey, Vec<Multiaddr>>,
    backlog: VecDeque<Bytes>,
    /// Since when somebody has something new to tell about addresses.
    exchange_due: Option<Instant>,
    last_exchange: Option<Instant>,
}

impl Driver {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        hub: Arc<Hub>,
        intake: Intake,
        listening: Arc<Mutex<Vec<Multiaddr>>>,
    ) -> Self {
        let config = &hub.config;
        Self {
            book: PeerBook::new(hub.local, config.retry, &config.bootstrap),
            topic: topic(config),
            swarm,
            intake,
            listening,
            dials: HashMap::new(),
            resolved: mpsc::channel(16),
            identified: BTreeMap::new(),
            backlog: VecDeque::new(),
            exchange_due: None,
            last_exchange: None,
            hub,
        }
    }

    /// Runs until told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some(told) = self.intake.told.recv() => self.on_told(told),
                Some(bytes) = self.intake.published.recv() => self.publish(bytes),
                Some(judged) = self.intake.judged.recv() => self.on_judged(judged),
                Some(due) = self.resolved.1.recv() => self.dial(due),
                now = ticks.tick() => self.on_tick(now),
            }
        }
        self.farewell().await;
    }

    async fn farewell(&mut self) {
        for peer in self.hub.connected() {
            peer.end(DisconnectReason::Stopped);
        }
        let parted = async {
            while self.swarm.network_info().num_peers() > 0 {
                self.swarm.select_next_some().await;
            }
        };
        let _ = timeout(FAREWELL, parted).await;
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(event)) => self.on_identify(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.on_established(&peer_id, connection_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                if let Some(key) = identity::public_key(&peer_id) {
                    self.identified.remove(&key);
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.on_dial_error(connection_id, error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(event = "p2p.inbound.failed", address = %send_back_addr, %error);
            }
            SwarmEvent::NewListenAddr { address, .. } => self.listening().push(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.listening().retain(|old| *old != address);
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(event = "p2p.listener.closed", ?addresses, ?reason);
                self.listening().retain(|old| !addresses.contains(old));
            }
            _ => {}
        }
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Vec<Multiaddr>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Dialling.

    fn on_tick(&mut self, now: Instant) {
        for due in self.due(now) {
            if due.key.is_some_and(|key| self.hub.is_banned(&key)) {
                self.book.failed(due.contact, now);
            } else {
                self.resolve(due);
            }
        }
        if let Some(bytes) = self.backlog.pop_front() {
            self.publish(bytes);
        }
        let paused = self.last_exchange.is_some_and(|last| now < last + EXCHANGE_PAUSE);
        if !paused && self.exchange_due.is_some_and(|due| due <= now) {
            self.exchange(now);
        }
    }

    fn due(&mut self, now: Instant) -> Vec<Due> {
        let hub = &self.hub;
        let connected = hub.connected();
        let is_connected = |key: Option<&PublicKey>, addresses: &[Multiaddr]| match key {
            Some(key) => connected.iter().any(|peer| peer.key == *key),
            None => connected.iter().any(|peer| is_at(peer, addresses)),
        };
        let validators = connected.iter().filter(|peer| hub.is_validator(&peer.key)).count();
        let wants_more = match hub.config.role {
            Role::Validator => true,
            Role::Follower => validators < hub.config.limits.follower_dials,
        };
        self.book.due(now, is_connected, |key| wants_more && hub.is_validator(key))
    }

    /// Names are resolved apart, so that a slow resolver delays nothing else.
    fn resolve(&self, due: Due) {
        let resolved = self.resolved.0.clone();
        tokio::spawn(async move {
            let mut addresses = Vec::new();
            for address in due.addresses {
                addresses.extend(address::resolve(address).await);
            }
            // Fails only when the driver is gone.
            let _ = resolved.send(Due { addresses, ..due }).await;
        });
    }

    fn dial(&mut self, due: Due) {
        let contact = due.contact;
        let options = match due.key.map(|key| identity::peer_id(&key)) {
            Some(Some(peer)) => DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(due.addresses)
                .build(),
            Some(None) => return self.book.failed(contact, Instant::now()),
            None => match due.addresses.into_iter().next() {
                Some(address) => DialOpts::unknown_peer_id().address(address).build(),
                None => return self.book.failed(contact, Instant::now()),
            },
        };
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                self.dials.insert(connection, contact);
            }
            Err(error) => {
                tracing::debug!(event = "p2p.dial.not_begun", %error);
                self.book.failed(contact, Instant::now());
            }
        }
    }

    fn on_established(&mut self, peer: &PeerId, connection: ConnectionId) {
        let Some(contact) = self.dials.remove(&connection) else { return };
        match identity::public_key(peer) {
            Some(key) => self.book.reached(contact, key, Instant::now()),
            None => self.book.failed(contact, Instant::now()),
        }
    }

    fn on_dial_error(&mut self, connection: ConnectionId, error: DialError) {
        let Some(contact) = self.dials.remove(&connection) else { return };
        tracing::debug!(event = "p2p.dial.failed", %error);
        self.book.failed(contact, Instant::now());
        match error {
            DialError::LocalPeerId { address } => {
                self.book.ourselves(contact, &address::without_peer(&address));
            }
            DialError::WrongPeerId { obtained, address } => {
                let address = address::without_peer(&address);
                let found = identity::public_key(&obtained);
                if let Some(expected) = self.book.wrong_key(contact, &address) {
                    let reason = RefusalReason::WrongKey { expected, found };
                    self.hub.refused(PeerEvent::Refused { address, key: found, reason });
                }
            }
            _ => {}
        }
    }

    // Who is where.

    fn on_told(&mut self, told: Told) {
        match told {
            Told::Admitted { key } => {
                if let Some(peer) = self.hub.peer(&key) {
                    self.note_listens(&peer);
                    self.tell_whereabouts(&[peer]);
                }
            }
            Told::Whereabouts(told) if self.hub.config.discover => {
                let now = Instant::now();
                for whereabouts in told {
                    if self.hub.is_validator(&whereabouts.key) {
                        for address in whereabouts.addresses() {
                            self.book.learn(whereabouts.key, address, now);
                        }
                    }
                }
            }
            Told::Whereabouts(_) => {}
        }
    }

    fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else { return };
        let Some(key) = identity::public_key(&peer_id) else { return };
        let listens = info.listen_addrs.iter().map(address::without_peer);
        let usable = listens.filter(|address| address::unusable(address).is_none());
        self.identified.insert(key, usable.take(MAX_LISTENS).collect());
        // Before the handshake is over this is only kept.
        if let Some(peer) = self.hub.peer(&key) {
            self.note_listens(&peer);
        }
    }

    /// Notes where an admitted peer listens; if it is a validator, others want to know.
    fn note_listens(&mut self, peer: &ConnectedPeer) {
        let mut listens = self.identified.get(&peer.key).cloned().unwrap_or_default();
        // A node that listens on all interfaces does not always know the one by which it is
        // reached from here.
        let seen = peer.endpoints().into_iter().find_map(|end| address::ip(&end.address));
        if let Some(seen) = seen
            && !listens.iter().any(|address| address::ip(address) == Some(seen))
            && let Some(first) = listens.first()
        {
            listens.push(address::at_ip(first, seen));
        }
        peer.set_listens(listens.clone());
        if self.hub.is_validator(&peer.key) {
            if self.hub.config.discover {
                let now = Instant::now();
                listens.into_iter().for_each(|address| self.book.learn(peer.key, address, now));
            }
            self.exchange_due.get_or_insert(Instant::now() + TICK);
        }
    }

    /// Tells every peer where the validators are that we are connected to.
    fn exchange(&mut self, now: Instant) {
        (self.exchange_due, self.last_exchange) = (None, Some(now));
        self.tell_whereabouts(&self.hub.connected());
    }

    /// Addresses that are only good on this machine are told to peers on this machine.
    fn tell_whereabouts(&self, to: &[Arc<ConnectedPeer>]) {
        let connected = self.hub.connected();
        let near = whereabouts(&connected, &self.hub, |_| true);
        let far = whereabouts(&connected, &self.hub, |address| !address::is_loopback(address));
        for peer in to {
            let is_near = peer.endpoints().iter().any(|end| address::is_loopback(&end.address));
            let table = if is_near { &near } else { &far };
            // A peer that reads nothing learns nothing.
            let _ = peer.control().push(table.clone());
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        let Some(key) = identity::public_key(&event.peer) else { return };
        let Some(peer) = self.hub.peer(&key) else { return };
        match event.result {
            Ok(rtt) => {
                peer.heard();
                peer.set_rtt(rtt);
            }
            Err(ping::Failure::Timeout) => {
                tracing::info!(event = "p2p.peer.unresponsive", peer = %key);
                if peer.endpoints().len() <= 1 {
                    peer.explain(DisconnectReason::Unresponsive);
                }
                self.swarm.close_connection(event.connection);
            }
            Err(error) => tracing::debug!(event = "p2p.ping.failed", peer = %key, %error),
        }
    }

    // Gossip.

    fn publish(&mut self, bytes: Bytes) {
        let published =
            self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), bytes.clone());
        match published {
            Ok(_) | Err(PublishError::Duplicate) => {}
            Err(PublishError::NoPeersSubscribedToTopic | PublishError::AllQueuesFull(_)) => {
                if self.backlog.len() < BACKLOG {
                    self.backlog.push_back(bytes);
                }
            }
            Err(error) => tracing::warn!(event = "p2p.gossip.not_published", %error),
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.on_gossip_message(&propagation_source, &message_id, message.data);
            }
            gossipsub::Event::Subscribed { .. } => {
                for bytes in std::mem::take(&mut self.backlog) {
                    self.publish(bytes);
                }
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                tracing::debug!(event = "p2p.gossip.slow_peer", peer = %peer_id);
            }
            _ => {}
        }
    }

    fn on_gossip_message(&mut self, from: &PeerId, id: &MessageId, data: Vec<u8>) {
        let admitted = identity::public_key(from).filter(|key| self.hub.peer(key).is_some());
        let digest = <[u8; 32]>::try_from(id.0.as_slice()).map(Digest::new);
        let (Some(from), Ok(digest)) = (admitted, digest) else {
            let gossip = &mut self.swarm.behaviour_mut().gossip;
            gossip.report_message_validation_result(id, from, MessageAcceptance::Ignore);
            return;
        };
        let accept = GossipTicket::new(digest, from, self.intake.verdicts.clone());
        self.hub.deliver_gossip(Gossip { from, bytes: data.into(), accept });
    }

    fn on_judged(&mut self, judged: Judged) {
        let acceptance = match judged.verdict {
            GossipVerdict::Accept => MessageAcceptance::Accept,
            GossipVerdict::Reject => MessageAcceptance::Reject,
            GossipVerdict::Ignore => MessageAcceptance::Ignore,
        };
        if judged.verdict == GossipVerdict::Reject {
            self.hub.report(&judged.from, PeerFault::Invalid);
        }
        let Some(from) = identity::peer_id(&judged.from) else { return };
        let id = MessageId::new(judged.id.as_bytes());
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(&id, &from, acceptance);
    }
}

/// Whether a peer is connected from, or says that it listens on, one of these addresses.
fn is_at(peer: &Arc<ConnectedPeer>, addresses: &[Multiaddr]) -> bool {
    let ends = peer.endpoints().into_iter().map(|end| end.address);
    ends.chain(peer.listens()).any(|address| addresses.contains(&address))
}

/// The control frame with the addresses of all validators we are connected to.
fn whereabouts(
    peers: &[Arc<ConnectedPeer>],
    hub: &Hub,
    tell: impl Fn(&Multiaddr) -> bool,
) -> Frame {
    let validators = peers.iter().filter(|peer| hub.is_validator(&peer.key));
    let known = validators.map(|peer| {
        let ends = peer.endpoints().into_iter();
        let dialled = ends.filter(|end| end.outbound).map(|end| end.address);
        let mut addresses: Vec<_> = dialled.collect();
        for listen in peer.listens() {
            if !addresses.contains(&listen) {
                addresses.push(listen);
            }
        }
        addresses.retain(&tell);
        Whereabouts::new(peer.key, &addresses)
    });
    let mut table = logothete_primitives::bounded::BoundedVec::new();
    for whereabouts in known.filter(|whereabouts| !whereabouts.is_empty()) {
        // There are no more validators than the bound; a larger set would be cut.
        if table.push(whereabouts).is_err() {
            break;
        }
    }
    Frame::plain(Control::Validators(table).encode())
}
