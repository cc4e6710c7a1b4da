//! Our own batches on their way: who has acknowledged, and when to send again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use logothete_primitives::{BatchHash, ValidatorIndex};

struct Sent {
    acks: BTreeSet<ValidatorIndex>,
    bytes: usize,
    resend_at: Duration,
}

/// Own batches that are not final yet.
pub struct Outbox {
    sent: BTreeMap<BatchHash, Sent>,
    validators: u16,
    resend_interval: Duration,
    bytes: usize,
}

impl Outbox {
    /// An empty outbox of one among `validators`.
    pub fn new(validators: u16, resend_interval: Duration) -> Self {
        Self { sent: BTreeMap::new(), validators, resend_interval, bytes: 0 }
    }

    /// Records a batch just sent to everybody.
    pub fn insert(&mut self, now: Duration, hash: BatchHash, bytes: usize) {
        let sent = Sent { acks: BTreeSet::new(), bytes, resend_at: now + self.resend_interval };
        if self.sent.insert(hash, sent).is_none() {
            self.bytes += bytes;
        }
    }

    /// Records that `from` holds the batch.
    pub fn acknowledge(&mut self, hash: &BatchHash, from: ValidatorIndex) {
        if let Some(sent) = self.sent.get_mut(hash) {
            sent.acks.insert(from);
        }
    }

    /// Nothing that `validator` acknowledged counts any more, and what it may lack is due at `now`.
    pub fn forget_acknowledgements(&mut self, now: Duration, validator: ValidatorIndex) {
        for sent in self.sent.values_mut() {
            sent.acks.remove(&validator);
            sent.resend_at = now;
        }
    }

    /// Forgets a batch that is final.
    pub fn finalize(&mut self, hash: &BatchHash) {
        if let Some(sent) = self.sent.remove(hash) {
            self.bytes -= sent.bytes;
        }
    }

    /// Number and bytes of own batches that are not final.
    pub fn outstanding(&self) -> (usize, usize) {
        (self.sent.len(), self.bytes)
    }

    /// The next time at which something has to be sent again.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.sent.values().map(|sent| sent.resend_at).min()
    }

    /// What is due again at `now`: batch and validator, for each that has not acknowledged.
    pub fn due(&mut self, now: Duration, own: ValidatorIndex) -> Vec<(BatchHash, ValidatorIndex)> {
        let mut due = Vec::new();
        for (hash, sent) in self.sent.iter_mut().filter(|(_, sent)| sent.resend_at <= now) {
            sent.resend_at = now + self.resend_interval;
            for validator in (0..self.validators).map(ValidatorIndex::new) {
                if validator != own && !sent.acks.contains(&validator) {
                    due.push((*hash, validator));
                }
            }
        }
        due
    }
}
