//! The effects of dissemination, performed.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{Event, PayloadFault};
use logothete_p2p::{Lane, PeerFault};
use logothete_primitives::limits::MAX_BATCHES_PER_BLOCK;
use logothete_primitives::{BatchHash, BoundedVec, ValidatorIndex};
use tracing::{debug, warn};

use super::{Driver, DriverError, Report};
use crate::dissemination::{BatchMessage, DecodedBatch, Effect, EvidenceRule, PayloadRule};
use crate::executor::ReadyBlock;
use crate::sync::Committed;

/// Decoding a batch of this size takes less than waking another thread.
const SMALL_BATCH_BYTES: usize = 8 * 1024;

impl Driver {
    pub(super) fn perform_effect(&mut self, effect: Effect) -> Result<(), DriverError> {
        match effect {
            Effect::Send(to, message) => self.send_batch_message(to, message),
            Effect::Broadcast(message) => self.outbox.broadcast(Lane::Batches, message.to_frame()),
            Effect::Decode(from, bytes) => self.decode_batch(from, bytes),
            Effect::Verify(from, batch) => self.verify_batch(from, batch),
            Effect::Store(held) => {
                self.tools.chain.store().put_batch(&held.hash(), &held.bytes)?;
            }
            Effect::Serve(to, hash) => self.serve_batch(to, &hash)?,
            Effect::Load(hashes) => self.load_batches(&hashes)?,
            Effect::Checked(block, verdict) => {
                if let Err(rule) = &verdict {
                    warn!(event = "payload.refused", %block, %rule);
                }
                let verdict = verdict.map_err(|rule| fault_of(&rule));
                self.step(Event::PayloadChecked { block, verdict })?;
            }
            Effect::Built(view, payload, executed) => {
                self.step(Event::PayloadBuilt { view, payload, executed })?;
            }
            Effect::Executable(block, batches) => {
                let executable = Committed { height: block.header.height, hash: block.hash() };
                self.tools.ready.offer(ReadyBlock { block, batches });
                self.outlets.executable.send_replace(executable);
            }
            Effect::FalseEvidence(from, rule) => {
                warn!(event = "evidence.refused", from = from.get(), %rule);
                self.report(from, PeerFault::Invalid);
            }
            Effect::Recorded(height, offences) => {
                for offence in offences {
                    let (validator, kind) = (offence.signer.get(), offence.kind);
                    warn!(event = "evidence.recorded", %height, validator, ?kind);
                }
            }
            Effect::PendingWork(pending) => self.step(Event::PendingWork(pending))?,
            Effect::Fault(from, fault) => {
                warn!(event = "batch.refused", from = from.get(), %fault);
                self.report(from, PeerFault::Invalid);
            }
        }
        Ok(())
    }

    fn send_batch_message(&mut self, to: ValidatorIndex, message: BatchMessage) {
        if let BatchMessage::Request(wanted) = &message {
            self.tools.metrics.pipeline.requested_batches(wanted.len());
        }
        match message {
            BatchMessage::Request(wanted) if !self.seals => self.fetch_batches(to, wanted),
            message => self.outbox.send(to, Lane::Batches, message.to_frame()),
        }
    }

    fn report(&self, validator: ValidatorIndex, fault: PeerFault) {
        if let Some(key) = self.outbox.key_of(validator) {
            self.tools.network.report(&key, fault);
        }
    }

    fn decode_batch(&mut self, from: ValidatorIndex, bytes: Bytes) {
        let rules = self.tools.chain.genesis().rules.clone();
        if bytes.len() <= SMALL_BATCH_BYTES {
            return self.dissemination.on_decoded(from, DecodedBatch::decode(&rules, bytes));
        }
        let (workers, reports) = (self.tools.workers, self.outlets.reports.clone());
        tokio::spawn(async move {
            let batch = workers.run(move || DecodedBatch::decode(&rules, bytes)).await;
            // The driver is gone only when the node stops.
            let _ = reports.send(Report::BatchDecoded(from, batch)).await;
        });
    }

    fn verify_batch(&self, from: ValidatorIndex, mut batch: DecodedBatch) {
        let (signatures, reports) = (self.tools.signatures.clone(), self.outlets.reports.clone());
        tokio::spawn(async move {
            let hash = batch.hash();
            let verdicts = match batch.take_candidates() {
                none if none.is_empty() => Some(Vec::new()),
                candidates => signatures.check(candidates).await,
            };
            // The node is about to stop.
            let Some(verdicts) = verdicts else { return };
            let verdict = batch.verified(verdicts);
            let _ = reports.send(Report::BatchVerified(from, hash, verdict)).await;
        });
    }

    /// A follower has no place on the batch lane: it asks like one that catches up.
    fn fetch_batches(
        &self,
        from: ValidatorIndex,
        wanted: BoundedVec<BatchHash, MAX_BATCHES_PER_BLOCK>,
    ) {
        let Some(peer) = self.outbox.key_of(from) else { return };
        let (toolbox, reports) = (self.tools.toolbox.clone(), self.outlets.reports.clone());
        tokio::spawn(async move {
            match toolbox.batches(peer, wanted).await {
                Ok(batches) => {
                    for batch in batches {
                        let bytes = Bytes::from(batch.into_inner());
                        let _ = reports.send(Report::BatchFetched(from, bytes)).await;
                    }
                }
                Err(error) => debug!(event = "batch.fetch.failed", %peer, %error),
            }
        });
    }

    fn serve_batch(&mut self, to: ValidatorIndex, hash: &BatchHash) -> Result<(), DriverError> {
        if let Some(bytes) = self.tools.chain.store().batch(hash)? {
            let message = BatchMessage::Batch(bytes.into());
            self.outbox.send(to, Lane::Batches, message.to_frame());
        } else {
            debug!(event = "batch.not_held", %hash, to = to.get());
        }
        Ok(())
    }

    fn load_batches(&mut self, hashes: &[BatchHash]) -> Result<(), DriverError> {
        for hash in hashes {
            if let Some(held) = self.tools.chain.batch(hash)? {
                self.dissemination.on_stored(Arc::new(held));
            }
        }
        Ok(())
    }
}

const fn fault_of(rule: &PayloadRule) -> PayloadFault {
    match rule {
        PayloadRule::Malformed(_) => PayloadFault::Malformed,
        PayloadRule::Repeated(_) => PayloadFault::Duplicate,
        PayloadRule::Misdescribed(_) => PayloadFault::Mismatch,
        PayloadRule::ExecutedDiffers { .. } => PayloadFault::Divergent,
        PayloadRule::Evidence(rule) => match rule {
            EvidenceRule::Malformed(_) => PayloadFault::Malformed,
            EvidenceRule::Repeated(_) => PayloadFault::Duplicate,
            EvidenceRule::False(_) => PayloadFault::Mismatch,
        },
    }
}
