//! Messages that wait until everything before them is durable.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use logothete_p2p::{Lane, Network, Role, SendError};
use logothete_primitives::{PublicKey, ValidatorIndex, ValidatorSet};
use tracing::trace;

use super::Audit;
use crate::metrics::Metrics;

enum Target {
    Validator(ValidatorIndex),
    Validators,
    Followers,
}

/// Frames in the order in which they were decided.
pub struct Outbox {
    network: Arc<dyn Network>,
    keys: Vec<PublicKey>,
    own: Option<ValidatorIndex>,
    waiting: Vec<(Target, Lane, Bytes)>,
}

impl Outbox {
    /// An empty outbox of the member `own`.
    pub fn new(
        network: Arc<dyn Network>,
        validators: &ValidatorSet,
        own: Option<ValidatorIndex>,
    ) -> Self {
        let keys = validators.iter().map(|(_, validator)| validator.key).collect();
        Self { network, keys, own, waiting: Vec::new() }
    }

    /// Queues a frame for one validator.
    pub fn send(&mut self, to: ValidatorIndex, lane: Lane, frame: Bytes) {
        self.waiting.push((Target::Validator(to), lane, frame));
    }

    /// Queues a frame for all other validators.
    pub fn broadcast(&mut self, lane: Lane, frame: Bytes) {
        self.waiting.push((Target::Validators, lane, frame));
    }

    /// Queues a frame for all followers.
    pub fn inform_followers(&mut self, lane: Lane, frame: Bytes) {
        self.waiting.push((Target::Followers, lane, frame));
    }

    /// The place of a key among the validators.
    pub fn index_of(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        let position = self.keys.iter().position(|validator| validator == key)?;
        u16::try_from(position).ok().map(ValidatorIndex::new)
    }

    /// The key of a validator.
    pub fn key_of(&self, index: ValidatorIndex) -> Option<PublicKey> {
        self.keys.get(index.as_usize()).copied()
    }

    /// Hands everything to the network. What does not get through is sent again by those who need it.
    ///
    /// The record, if there is one, gets what validators are told, just before they are: a frame that a crash stopped
    /// on its way here was never said, and its slot may be used for something else.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn release(&mut self, metrics: &Metrics, mut record: Option<&mut Audit>) -> io::Result<()> {
        for (target, lane, frame) in std::mem::take(&mut self.waiting) {
            let is_said = lane == Lane::Consensus && !matches!(target, Target::Followers);
            if let Some(record) = record.as_deref_mut().filter(|_| is_said) {
                record.append(&frame)?;
            }
            match target {
                Target::Validator(index) => {
                    if let Some(key) = self.key_of(index) {
                        self.deliver(metrics, &key, lane, frame);
                    }
                }
                Target::Validators => {
                    for (position, key) in self.keys.iter().enumerate() {
                        if self.own.is_none_or(|own| own.as_usize() != position) {
                            self.deliver(metrics, key, lane, frame.clone());
                        }
                    }
                }
                Target::Followers => {
                    let peers = self.network.peers();
                    for peer in peers.iter().filter(|peer| peer.role == Role::Follower) {
                        self.deliver(metrics, &peer.key, lane, frame.clone());
                    }
                }
            }
        }
        Ok(())
    }

    fn deliver(&self, metrics: &Metrics, to: &PublicKey, lane: Lane, frame: Bytes) {
        let size = frame.len();
        match self.network.send(to, lane, frame) {
            Ok(()) => metrics.network.sent(lane.name(), size),
            Err(SendError::NotConnected) => metrics.network.dropped(lane.name(), "not_connected"),
            Err(error) => {
                trace!(event = "frame.dropped", %to, %error);
                metrics.network.dropped(lane.name(), "full");
            }
        }
    }
}
