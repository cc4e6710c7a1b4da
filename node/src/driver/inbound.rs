//! Frames and reports that reach the driver.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{Event, Message, Rejection, verify_cached, verify_quorum};
use logothete_p2p::PeerFault;
use logothete_primitives::{PublicKey, ValidatorIndex, codec};
use tracing::{debug, warn};

use super::{Driver, DriverError, Report};
use crate::dissemination::BatchMessage;
use crate::metrics::{SeenVote, VoteKind};
use crate::sync::Synced;

impl Driver {
    /// A frame of the consensus lane: decode, verify, step.
    pub(super) fn on_consensus(
        &mut self,
        from: PublicKey,
        frame: &Bytes,
    ) -> Result<(), DriverError> {
        self.tools.metrics.network.received("consensus", frame.len());
        let message = match codec::decode::<Message>(frame) {
            Ok(message) => message,
            Err(fault) => {
                debug!(event = "consensus.frame.malformed", peer = %from, %fault);
                self.tools.network.report(&from, PeerFault::Malformed);
                return Ok(());
            }
        };
        if let Message::StatementRequest(request) = &message
            && self.outbox.key_of(request.signer) != Some(from)
        {
            // It is unsigned (R10): taken from anybody, it would use up the answers meant for its signer.
            debug!(event = "consensus.request.foreign", peer = %from, signer = request.signer.get());
            self.tools.network.report(&from, PeerFault::Invalid);
            return Ok(());
        }
        self.record_clock(&from, &message);
        let seen = seen_vote(&message);
        let context = &self.tools.context;
        match verify_cached(context, &*self.tools.verifier, &mut self.certificates, message) {
            Ok(verified) => {
                if let Some(seen) = seen {
                    self.record_vote(seen);
                }
                self.step(Event::Message(verified))
            }
            Err(rejection) => {
                self.refuse(&from, &rejection);
                Ok(())
            }
        }
    }

    /// What a proposal that comes from its proposer itself says about that one's clock.
    fn record_clock(&mut self, from: &PublicKey, message: &Message) {
        let Message::Proposal(proposal) = message else { return };
        let header = &proposal.block.header;
        if self.outbox.key_of(header.proposer) != Some(*from) {
            return;
        }
        if let Some(ahead) = self.clocks.read(header, self.tools.clock.unix_ms()) {
            self.tools.metrics.consensus.clock_skew(header.proposer.get(), ahead);
            self.publish_clock(header.proposer);
        }
    }

    fn publish_clock(&mut self, index: ValidatorIndex) {
        if let Some(known) = self.votes.clock_ahead_ms.get_mut(index.as_usize()) {
            *known = self.clocks.ahead(index);
        }
        self.outlets.votes.send_replace(Arc::new(self.votes.clone()));
    }

    fn refuse(&self, from: &PublicKey, rejection: &Rejection) {
        debug!(event = "consensus.message.refused", peer = %from, %rejection);
        self.tools.metrics.consensus.rejected(rejection.rule());
        if rejection.is_fault() {
            self.tools.network.report(from, PeerFault::Invalid);
        }
    }

    fn record_vote(&mut self, (validator, view, kind): (u16, u64, VoteKind)) {
        let delay = self.tools.clock.now().mono.saturating_sub(self.view_entered);
        let seen = SeenVote { validator, view, kind, accepted: true, delay };
        self.tools.metrics.consensus.vote(seen);
        let place = usize::from(validator);
        if let (Some(last), Some(seen_ms)) =
            (self.votes.last_view.get_mut(place), self.votes.last_seen_ms.get_mut(place))
        {
            *last = view.max(*last);
            *seen_ms = self.tools.clock.unix_ms();
        }
        self.outlets.votes.send_replace(Arc::new(self.votes.clone()));
    }

    /// A frame of the batch lane.
    pub(super) fn on_batch_frame(&mut self, from: PublicKey, frame: &Bytes) {
        self.tools.metrics.network.received("batches", frame.len());
        let Some(index) = self.outbox.index_of(&from) else {
            debug!(event = "batch.frame.unwanted", peer = %from);
            return;
        };
        match BatchMessage::from_frame(frame) {
            Ok(message) => self.dissemination.on_message(index, message),
            Err(fault) => {
                debug!(event = "batch.frame.malformed", peer = %from, %fault);
                self.tools.network.report(&from, PeerFault::Malformed);
            }
        }
    }

    /// A report of a worker or a task.
    pub(super) fn on_report(&mut self, report: Report) -> Result<(), DriverError> {
        match report {
            Report::BatchVerified(from, verdict) => {
                self.tools.metrics.pipeline.received_batch();
                self.dissemination.on_verified(from, verdict);
                Ok(())
            }
            Report::Connected(peer) => {
                if let Some(validator) = self.outbox.index_of(&peer) {
                    self.dissemination.on_connected(self.tools.clock.now().mono, validator);
                    self.clocks.forget(validator);
                    self.publish_clock(validator);
                }
                Ok(())
            }
            Report::BatchFetched(from, bytes) => {
                self.dissemination.on_message(from, BatchMessage::Batch(bytes));
                Ok(())
            }
            Report::FetchEnded(hash) => {
                self.fetching.remove(&hash);
                Ok(())
            }
            Report::BlockFetched(stored) => {
                let context = &self.tools.context;
                match verify_quorum(context, &*self.tools.verifier, stored.qc) {
                    Ok(qc) => self.step(Event::Block { block: stored.block, qc }),
                    Err(rejection) => {
                        debug!(event = "block.fetched.refused", hash = %stored.hash, %rejection);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Final blocks from sync: stored first, then told to the core, which commits them like any others.
    pub(super) fn on_synced(&mut self, synced: Synced) -> Result<(), DriverError> {
        let (first, last) = (synced.blocks.first(), synced.blocks.last());
        if let (Some(first), Some(last)) = (first, last) {
            let (from, to) = (first.block.header.height, last.block.header.height);
            debug!(event = "sync.received", %from, %to, batches = synced.batches.len());
        } else {
            warn!(event = "sync.received.empty");
        }
        for batch in &synced.batches {
            self.tools.chain.store().put_batch(&batch.hash(), &batch.bytes)?;
        }
        for stored in &synced.blocks {
            self.tools.chain.put_block(&stored.block, &stored.qc)?;
        }
        for batch in synced.batches {
            self.dissemination.on_stored(batch);
        }
        let blocks = synced.blocks.into_iter().map(|stored| stored.block).collect();
        self.step(Event::Committed { blocks, cc: synced.cc })
    }
}

fn seen_vote(message: &Message) -> Option<(u16, u64, VoteKind)> {
    match message {
        Message::PrepareVote(vote) => Some((vote.signer.get(), vote.view.get(), VoteKind::Prepare)),
        Message::CommitVote { vote, .. } => {
            Some((vote.signer.get(), vote.view.get(), VoteKind::Commit))
        }
        Message::Timeout(timeout) => {
            Some((timeout.signer.get(), timeout.view.get(), VoteKind::Timeout))
        }
        _ => None,
    }
}
