//! Our own batches on their way: who has acknowledged, and when to send again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use logothete_primitives::{BatchHash, ValidatorIndex};

/// Longest pause between two times that a batch is sent, in pauses before the second: each is twice as long as the one before.
/// Who is too busy to acknowledge is not helped by another copy.
const PAUSE_GROWTH_MAX: u32 = 16;

struct Sent {
    acks: BTreeSet<ValidatorIndex>,
    bytes: usize,
    resend_at: Duration,
    pause: Duration,
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
        let pause = self.resend_interval;
        let sent = Sent { acks: BTreeSet::new(), bytes, resend_at: now + pause, pause };
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
            sent.pause = self.resend_interval;
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
            sent.resend_at = now + sent.pause;
            sent.pause = (sent.pause * 2).min(self.resend_interval * PAUSE_GROWTH_MAX);
            for validator in (0..self.validators).map(ValidatorIndex::new) {
                if validator != own && !sent.acks.contains(&validator) {
                    due.push((*hash, validator));
                }
            }
        }
        due
    }
}
