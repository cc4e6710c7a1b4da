//! A peer that passed the handshake: its lanes, its open requests, and what is known of it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use libp2p::Multiaddr;
use logothete_primitives::{keys::PublicKey, numbers::Height};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Limits, QueueLimit},
    handshake::Hello,
    lane::Lane,
    peer::{DisconnectReason, PeerInfo, Role},
    queue::LaneQueue,
    requests::Requests,
};

/// Bound of the queue of control frames: addresses and heights, of which later ones replace
/// earlier ones.
const CONTROL_QUEUE: QueueLimit = QueueLimit { frames: 64, bytes: 512 * 1024 };

/// A connection that passed the handshake, as the table of peers wants to know it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Number of the connection, unique in this process.
    pub(crate) id: u64,
    pub(crate) address: Multiaddr,
    pub(crate) outbound: bool,
}

/// A peer that passed the handshake, over one or more connections.
#[derive(Debug)]
pub(crate) struct ConnectedPeer {
    pub(crate) key: PublicKey,
    pub(crate) instance: u64,
    pub(crate) requests: Arc<Requests>,
    /// Requests of this peer that we work on.
    pub(crate) serving: AtomicUsize,
    /// Cancelled when the peer is to be let go, over all its connections.
    pub(crate) stop: CancellationToken,
    lanes: [LaneQueue; 3],
    control: LaneQueue,
    readers: Mutex<[CancellationToken; 3]>,
    role: Role,
    protocol: u32,
    agent: String,
    since: Instant,
    last_heard: AtomicU64,
    rtt_micros: AtomicU64,
    height: AtomicU64,
    changing: Mutex<Changing>,
}

#[derive(Debug)]
struct Changing {
    endpoints: Vec<Endpoint>,
    /// Where it says that it listens.
    listens: Vec<Multiaddr>,
    reason: Option<DisconnectReason>,
}

impl ConnectedPeer {
    pub(crate) fn new(key: PublicKey, hello: &Hello, endpoint: Endpoint, limits: &Limits) -> Self {
        Self {
            key,
            instance: hello.body.instance,
            requests: Requests::new(limits.requests_in_flight),
            serving: AtomicUsize::new(0),
            stop: CancellationToken::new(),
            lanes: Lane::ALL.map(|lane| LaneQueue::new(lane, limits.queues[lane.index()])),
            control: LaneQueue::new(Lane::Consensus, CONTROL_QUEUE),
            readers: Mutex::default(),
            role: hello.body.role,
            protocol: hello.version,
            agent: hello.agent(),
            since: Instant::now(),
            last_heard: AtomicU64::new(0),
            rtt_micros: AtomicU64::new(0),
            height: AtomicU64::new(hello.body.height.get()),
            changing: Mutex::new(Changing {
                endpoints: vec![endpoint],
                listens: Vec::new(),
                reason: None,
            }),
        }
    }

    pub(crate) const fn lane(&self, lane: Lane) -> &LaneQueue {
        &self.lanes[lane.index()]
    }

    pub(crate) const fn control(&self) -> &LaneQueue {
        &self.control
    }

    /// Makes the caller the only reader of a lane: the reader before it is cancelled, so that a
    /// lane stays in order when its sender goes over to another connection.
    pub(crate) fn begin_reading(&self, lane: Lane) -> CancellationToken {
        let token = self.stop.child_token();
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut readers[lane.index()], token.clone()).cancel();
        token
    }

    pub(crate) fn add_connection(&self, endpoint: Endpoint) {
        self.changing().endpoints.push(endpoint);
    }

    /// Removes a connection; `true` if it was the last.
    pub(crate) fn remove_connection(&self, endpoint: &Endpoint) -> bool {
        let endpoints = &mut self.changing().endpoints;
        if let Some(at) = endpoints.iter().position(|e| e.id == endpoint.id) {
            endpoints.remove(at);
        }
        endpoints.is_empty()
    }

    /// Lets the peer go: every connection of it ends. The first reason given is kept.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.explain(reason);
        self.stop.cancel();
    }

    /// Notes why the peer will be gone, unless something was noted before.
    pub(crate) fn explain(&self, reason: DisconnectReason) {
        self.changing().reason.get_or_insert(reason);
    }

    /// Lets go of all that waits to be sent or answered; returns why.
    pub(crate) fn close(&self) -> DisconnectReason {
        self.stop.cancel();
        self.lanes.iter().for_each(LaneQueue::close);
        self.control.close();
        self.requests.close();
        self.changing().reason.clone().unwrap_or(DisconnectReason::Closed)
    }

    /// Notes that a frame arrived.
    pub(crate) fn heard(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_heard.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn set_rtt(&self, rtt: Duration) {
        let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1);
        self.rtt_micros.store(micros, Ordering::Relaxed);
    }

    pub(crate) fn set_height(&self, height: Height) {
        self.height.fetch_max(height.get(), Ordering::Relaxed);
    }

    pub(crate) fn set_listens(&self, addresses: Vec<Multiaddr>) {
        self.changing().listens = addresses;
    }

    pub(crate) fn listens(&self) -> Vec<Multiaddr> {
        self.changing().listens.clone()
    }

    /// The far ends of its connections.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        self.changing().endpoints.clone()
    }

    pub(crate) fn info(&self) -> PeerInfo {
        let connected_for = self.since.elapsed();
        let heard = Duration::from_millis(self.last_heard.load(Ordering::Relaxed));
        let rtt = self.rtt_micros.load(Ordering::Relaxed);
        let changing = self.changing();
        let mut addresses: Vec<_> = changing.endpoints.iter().map(|e| e.address.clone()).collect();
        for address in &changing.listens {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        let outbound = changing.endpoints.first().is_some_and(|e| e.outbound);
        drop(changing);
        let depths = self.lanes.iter().map(LaneQueue::depth);
        PeerInfo {
            key: self.key,
            role: self.role,
            addresses,
            agent: self.agent.clone(),
            protocol: self.protocol,
            outbound,
            connected_for,
            rtt: (rtt > 0).then(|| Duration::from_micros(rtt)),
            last_heard: connected_for.saturating_sub(heard),
            height: Height::new(self.height.load(Ordering::Relaxed)),
            queued: depths.fold((0, 0), |sum, depth| (sum.0 + depth.0, sum.1 + depth.1)),
        }
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
