//! One direction between two simulated nodes: what is sent arrives later, in order, or not at all.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use logothete_primitives::{domain::Domain, hash::Hasher, keys::PublicKey};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep_until};

use crate::{connected::ConnectedPeer, lane::Lane, queue::LaneQueue};

use super::node::Node;

/// Domain of the seeds of channels.
const SIMULATION: Domain = Domain::new("lgt/simulation");

/// Frames of one lane that may be under way; more wait in the sender's queue.
const IN_FLIGHT: usize = 256;

/// How a link treats what is sent over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkConfig {
    /// Shortest time from sending to arrival.
    pub delay: Duration,
    /// Up to this much is added, drawn anew for each frame. Frames of one lane never overtake
    /// each other.
    pub jitter: Duration,
    /// Share of the frames that are lost, from 0 to 1. On a real network frames are lost only
    /// with their connection; here, to try what a node does without them.
    pub loss: f64,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self { delay: Duration::from_millis(1), jitter: Duration::ZERO, loss: 0.0 }
    }
}

/// The queues between two nodes, one carrier each.
#[derive(Clone, Copy, Debug)]
pub(super) enum Channel {
    Lane(Lane),
    Control,
    Gossip,
}

impl Channel {
    pub(super) const ALL: [Self; 5] = [
        Self::Lane(Lane::Consensus),
        Self::Lane(Lane::Batches),
        Self::Lane(Lane::Sync),
        Self::Control,
        Self::Gossip,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Lane(lane) => lane.name(),
            Self::Control => "control",
            Self::Gossip => "gossip",
        }
    }
}

/// One direction of a connection, as its carriers see it.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) seed: u64,
    pub(super) config: Arc<Mutex<LinkConfig>>,
    /// Gossip under way; the other queues belong to `target`.
    pub(super) gossip: Arc<LaneQueue>,
    /// The receiver, in the table of the sender.
    pub(super) target: Arc<ConnectedPeer>,
    /// The sender, in the table of the receiver.
    pub(super) origin: Arc<ConnectedPeer>,
    pub(super) receiver: Arc<Node>,
}

impl Direction {
    fn queue(&self, channel: Channel) -> &LaneQueue {
        match channel {
            Channel::Lane(lane) => self.target.lane(lane),
            Channel::Control => self.target.control(),
            Channel::Gossip => &self.gossip,
        }
    }

    /// Carries the frames of one channel until the connection ends.
    pub(super) async fn carry(self: Arc<Self>, channel: Channel) {
        tokio::select! {
            biased;
            () = self.target.stop.cancelled() => {}
            () = self.origin.stop.cancelled() => {}
            () = self.carry_frames(channel) => {}
        }
    }

    /// Carries frames until the queue is closed.
    async fn carry_frames(&self, channel: Channel) {
        let mut fate = Fate::new(self, channel);
        let mut under_way: VecDeque<(Instant, Bytes)> = VecDeque::new();
        let mut first_arrives = pin!(sleep_until(Instant::now()));
        let queue = self.queue(channel);
        loop {
            tokio::select! {
                biased;
                () = &mut first_arrives, if !under_way.is_empty() => {
                    let Some((_, frame)) = under_way.pop_front() else { continue };
                    if let Some((due, _)) = under_way.front() {
                        first_arrives.as_mut().reset(*due);
                    }
                    self.arrive(channel, frame).await;
                }
                open = queue.ready(), if under_way.len() < IN_FLIGHT => {
                    if !open {
                        return;
                    }
                    let Some(frame) = queue.pop() else { continue };
                    let Some(due) = fate.draw() else { continue };
                    if under_way.is_empty() {
                        first_arrives.as_mut().reset(due);
                    }
                    under_way.push_back((due, frame.into_payload()));
                }
            }
        }
    }

    async fn arrive(&self, channel: Channel, frame: Bytes) {
        let hub = &self.receiver.hub;
        let violation = match channel {
            Channel::Lane(lane) => hub.deliver(&self.origin, lane, frame).await.err(),
            Channel::Control => hub.deliver_control(&self.origin, &frame).err(),
            Channel::Gossip => {
                self.receiver.take_gossip(self.origin.key, frame);
                None
            }
        };
        if let Some(violation) = violation {
            hub.violated(&self.origin, violation);
        }
    }
}

/// When each frame of a channel arrives, if it does: a function of the seed, the two nodes, the
/// channel, and the frame's place in it.
#[derive(Debug)]
struct Fate {
    random: ChaCha8Rng,
    config: Arc<Mutex<LinkConfig>>,
    last: Instant,
}

impl Fate {
    fn new(direction: &Direction, channel: Channel) -> Self {
        let from: &PublicKey = &direction.origin.key;
        let seed = Hasher::new(SIMULATION)
            .update(&direction.seed.to_le_bytes())
            .update(from.as_bytes())
            .update(direction.target.key.as_bytes())
            .update(&direction.target.instance.to_le_bytes())
            .update(channel.name().as_bytes())
            .finish();
        Self {
            random: ChaCha8Rng::from_seed(*seed.as_bytes()),
            config: Arc::clone(&direction.config),
            last: Instant::now(),
        }
    }

    /// The time of arrival, never before that of the frame before; `None` for a lost frame.
    fn draw(&mut self) -> Option<Instant> {
        let config = *self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let (lost, share) = (self.random.random::<f64>(), self.random.random::<f64>());
        if lost < config.loss {
            return None;
        }
        let delay = config.delay + config.jitter.mul_f64(share);
        self.last = self.last.max(Instant::now() + delay);
        Some(self.last)
    }
}
