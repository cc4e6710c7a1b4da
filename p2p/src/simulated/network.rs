//! The simulated network: who is in it, who can reach whom.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use libp2p::Multiaddr;
use logothete_primitives::keys::PublicKey;
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, QueueLimit},
    connected::Endpoint,
    handshake::RefusalReason,
    hub::{Hub, Membership, Place},
    lane::Lane,
    network::{Inbound, Judged, Network},
    peer::{DisconnectReason, PeerEvent},
    queue::LaneQueue,
};

use super::{
    link::{Channel, Direction, LinkConfig},
    node::Node,
};

/// Gossip that may wait on one link.
const GOSSIP_QUEUE: QueueLimit = QueueLimit { frames: 4096, bytes: 8 << 20 };

/// A network in memory. Clones are handles to the same network.
#[derive(Clone, Debug)]
pub struct SimulatedNet {
    world: Arc<World>,
}

#[derive(Debug)]
struct World {
    seed: u64,
    state: Mutex<State>,
    connections: AtomicU64,
    /// Told when links are cut or healed.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    defaults: LinkConfig,
    links: BTreeMap<(PublicKey, PublicKey), Arc<Mutex<LinkConfig>>>,
    nodes: BTreeMap<PublicKey, Joined>,
    runs: u64,
    /// Group of each node while the network is partitioned.
    groups: Option<BTreeMap<PublicKey, usize>>,
}

#[derive(Clone, Debug)]
struct Joined {
    node: Arc<Node>,
    gone: CancellationToken,
}

impl SimulatedNet {
    /// An empty network; every link behaves like `defaults` until told otherwise.
    pub fn new(seed: u64, defaults: LinkConfig) -> Self {
        let state = State {
            defaults,
            links: BTreeMap::new(),
            nodes: BTreeMap::new(),
            runs: 0,
            groups: None,
        };
        let world = World {
            seed,
            state: Mutex::new(state),
            connections: AtomicU64::new(0),
            changed: Notify::new(),
        };
        Self { world: Arc::new(world) }
    }

    /// Enters a node, which meets every other. A node with the same key leaves first: its process
    /// was started again. Must be called on a tokio runtime.
    pub fn join(&self, key: PublicKey, config: Config) -> (Arc<dyn Network>, Inbound) {
        self.leave(&key);
        let mut state = self.world.state();
        state.runs += 1;
        let (hub, inbound) = Hub::new(key, state.runs, config);
        let (node, judged) = Node::new(hub);
        let joined = Joined { node: Arc::clone(&node), gone: CancellationToken::new() };
        let others: Vec<_> = state.nodes.values().cloned().collect();
        state.nodes.insert(key, joined.clone());
        drop(state);
        tokio::spawn(pass_verdicts(joined.clone(), judged));
        for other in others {
            Pair { world: Arc::clone(&self.world), a: other, b: joined.clone() }.start();
        }
        (node, inbound)
    }

    /// Takes a node out, as if its process had ended.
    pub fn leave(&self, key: &PublicKey) {
        let Some(joined) = self.world.state().nodes.remove(key) else {
            return;
        };
        joined.gone.cancel();
        for peer in joined.node.hub.connected() {
            peer.end(DisconnectReason::Stopped);
        }
        for other in self.world.nodes() {
            end_peer(&other, key, DisconnectReason::Closed);
        }
    }

    /// Cuts every link between nodes of different groups. Nodes in no group form one more.
    pub fn partition(&self, groups: &[&[PublicKey]]) {
        let numbered = groups.iter().enumerate();
        let of_key = numbered.flat_map(|(n, group)| group.iter().map(move |key| (*key, n)));
        self.world.state().groups = Some(of_key.collect());
        let nodes = self.world.nodes();
        for node in &nodes {
            for other in &nodes {
                let key = other.node.hub.local;
                if !self.world.reaches(&node.node.hub.local, &key) {
                    let reason = DisconnectReason::Transport("the network is partitioned".into());
                    end_peer(node, &key, reason);
                }
            }
        }
        self.world.changed.notify_waiters();
    }

    /// Ends the partition; the nodes meet again.
    pub fn heal(&self) {
        self.world.state().groups = None;
        self.world.changed.notify_waiters();
    }

    /// Sets how both directions between two nodes behave from now on.
    pub fn set_link(&self, a: &PublicKey, b: &PublicKey, config: LinkConfig) {
        self.set_direction(a, b, config);
        self.set_direction(b, a, config);
    }

    /// Sets how one direction behaves from now on.
    pub fn set_direction(&self, from: &PublicKey, to: &PublicKey, config: LinkConfig) {
        let link = self.world.link(from, to);
        *link.lock().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Sets how all links behave from now on.
    pub fn set_links(&self, config: LinkConfig) {
        let mut state = self.world.state();
        state.defaults = config;
        for link in state.links.values() {
            *link.lock().unwrap_or_else(PoisonError::into_inner) = config;
        }
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nodes(&self) -> Vec<Joined> {
        self.state().nodes.values().cloned().collect()
    }

    fn link(&self, from: &PublicKey, to: &PublicKey) -> Arc<Mutex<LinkConfig>> {
        let mut state = self.state();
        let defaults = state.defaults;
        let link = state.links.entry((*from, *to));
        Arc::clone(link.or_insert_with(|| Arc::new(Mutex::new(defaults))))
    }

    fn reaches(&self, a: &PublicKey, b: &PublicKey) -> bool {
        let state = self.state();
        state.groups.as_ref().is_none_or(|groups| groups.get(a) == groups.get(b))
    }
}

fn end_peer(joined: &Joined, key: &PublicKey, reason: DisconnectReason) {
    if let Some(peer) = joined.node.hub.peer(key) {
        peer.end(reason);
    }
}

async fn pass_verdicts(joined: Joined, mut judged: mpsc::Receiver<Judged>) {
    loop {
        tokio::select! {
            biased;
            () = joined.gone.cancelled() => return,
            Some(verdict) = judged.recv() => joined.node.judged(verdict),
        }
    }
}

/// Two nodes that meet, part, and meet again as long as both are there.
#[derive(Debug)]
struct Pair {
    world: Arc<World>,
    a: Joined,
    b: Joined,
}

/// Both ends of a connection; dropping it lets both peers leave.
#[derive(Debug)]
struct Connection {
    at_a: Membership,
    at_b: Membership,
}

impl Pair {
    /// The first meeting happens at once, so that a node that joined has its peers.
    fn start(self) {
        let first = self.meet();
        tokio::spawn(self.tend(first));
    }

    async fn tend(self, mut connection: Option<Connection>) {
        let mut delays = self.delays();
        loop {
            if let Some(connected) = connection.take() {
                self.hold(connected).await;
                delays = self.delays();
            }
            let delay = delays.next().unwrap_or(Duration::from_secs(10));
            let changed = self.world.changed.notified();
            tokio::select! {
                biased;
                () = self.a.gone.cancelled() => return,
                () = self.b.gone.cancelled() => return,
                () = changed => {}
                () = sleep(delay) => {}
            }
            connection = self.meet();
        }
    }

    /// Waits for the end of a connection.
    async fn hold(&self, connection: Connection) {
        tokio::select! {
            biased;
            () = connection.at_a.peer.stop.cancelled() => {}
            () = connection.at_b.peer.stop.cancelled() => {}
        }
        self.a.node.remove_neighbour(&self.b.node.hub.local);
        self.b.node.remove_neighbour(&self.a.node.hub.local);
        connection.at_a.peer.stop.cancel();
        connection.at_b.peer.stop.cancel();
    }

    fn delays(&self) -> crate::retry::Delays {
        self.a.node.hub.config.retry.seeded_delays(self.world.seed)
    }

    /// The handshake, without its bytes: both judge, and both learn both verdicts.
    fn meet(&self) -> Option<Connection> {
        let (a, b) = (&self.a.node.hub, &self.b.node.hub);
        let gone = self.a.gone.is_cancelled() || self.b.gone.is_cancelled();
        if gone || !self.world.reaches(&a.local, &b.local) {
            return None;
        }
        match (verdict(a, b), verdict(b, a)) {
            (Ok(place_for_b), Ok(place_for_a)) => Some(self.connect(place_for_b, place_for_a)),
            (at_a, at_b) => {
                let (at_a, at_b) = (at_a.err(), at_b.err());
                refuse(a, b, at_a.clone(), at_b.clone());
                refuse(b, a, at_b, at_a);
                None
            }
        }
    }

    fn connect(&self, place_for_b: Place, place_for_a: Place) -> Connection {
        let (a, b) = (&self.a.node.hub, &self.b.node.hub);
        let at_a = a.join(place_for_b, &b.hello(), self.endpoint(&b.local, true));
        let at_b = b.join(place_for_a, &a.hello(), self.endpoint(&a.local, false));
        self.open(&at_a, &at_b, &self.a.node, &self.b.node);
        self.open(&at_b, &at_a, &self.b.node, &self.a.node);
        Connection { at_a, at_b }
    }

    /// Starts the carriers of one direction.
    fn open(&self, sent: &Membership, heard: &Membership, from: &Arc<Node>, to: &Arc<Node>) {
        let config = self.world.link(&from.hub.local, &to.hub.local);
        let delay = config.lock().unwrap_or_else(PoisonError::into_inner).delay;
        sent.peer.set_rtt(2 * delay);
        let gossip = Arc::new(LaneQueue::new(Lane::Consensus, GOSSIP_QUEUE));
        from.add_neighbour(to.hub.local, Arc::clone(&gossip));
        let direction = Arc::new(Direction {
            seed: self.world.seed,
            config,
            gossip,
            target: Arc::clone(&sent.peer),
            origin: Arc::clone(&heard.peer),
            receiver: Arc::clone(to),
        });
        for channel in Channel::ALL {
            tokio::spawn(Arc::clone(&direction).carry(channel));
        }
    }

    fn endpoint(&self, of: &PublicKey, outbound: bool) -> Endpoint {
        let id = self.world.connections.fetch_add(1, Ordering::Relaxed);
        Endpoint { id, address: address_of(of), outbound }
    }
}

/// What `ours` says to a connection of `theirs`.
fn verdict(ours: &Arc<Hub>, theirs: &Arc<Hub>) -> Result<Place, RefusalReason> {
    let hello = theirs.hello();
    ours.hello().matches(&hello)?;
    ours.judge(theirs.local, &hello, None)
}

/// Tells one side: its own complaint if it has one, else the other's.
fn refuse(at: &Hub, of: &Hub, own: Option<RefusalReason>, other: Option<RefusalReason>) {
    let told = other.map(|reason| reason.as_told());
    if let Some(reason) = own.or(told) {
        let (address, key) = (address_of(&of.local), Some(of.local));
        at.refused(PeerEvent::Refused { address, key, reason });
    }
}

/// A made-up address: a port of this process named after the key.
pub(super) fn address_of(key: &PublicKey) -> Multiaddr {
    let bytes = key.as_bytes();
    let port = u64::from_le_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ]);
    Multiaddr::empty().with(libp2p::multiaddr::Protocol::Memory(port))
}
