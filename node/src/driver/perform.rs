//! The actions of the core, performed.

use std::sync::Arc;

use bytes::Bytes;
use logothete_consensus::{
    Action, Block, Certificate, CommitCert, EntryReason, Message, QuorumCert,
};
use logothete_p2p::Lane;
use logothete_primitives::{ValidatorIndex, View, codec};
use tracing::{debug, error, info, warn};

use super::view_log::Entry;
use super::{Driver, DriverError};
use crate::dissemination::BuildRequest;
use crate::sync::Committed;

impl Driver {
    pub(super) fn perform(&mut self, action: Action) -> Result<(), DriverError> {
        match action {
            Action::StoreBlock { block, qc } => self.store_block(&block, &qc)?,
            Action::PersistSafety(state) => self.durable.take(state),
            Action::Send { to, message } => {
                self.record_own(&message);
                self.outbox.send(to, Lane::Consensus, frame(&message));
            }
            Action::Broadcast(message) => {
                self.record_own(&message);
                self.outbox.broadcast(Lane::Consensus, frame(&message));
            }
            Action::BuildPayload { view, ancestors, must_be_empty, idle_expired, .. } => {
                let request = BuildRequest { view, ancestors, must_be_empty, idle_expired };
                self.dissemination.on_build(self.tools.clock.now().mono, request);
            }
            Action::CheckPayload { block, ancestors, .. } => {
                self.dissemination.check(self.tools.clock.now().mono, block, &ancestors);
            }
            Action::FetchBlock { block, holders, .. } => self.fetch_block(block, holders)?,
            Action::Commit { blocks, cc } => self.commit(&blocks, cc)?,
            Action::Behind { height_hint, cc } => {
                debug!(event = "consensus.behind", view = %cc.view, ?height_hint);
                self.outlets.hint.send_modify(|hint| *hint += 1);
            }
            Action::Evidence(evidence) => {
                let validator = evidence.signer();
                error!(event = "consensus.equivocation", validator = validator.get(), ?evidence);
                self.tools.metrics.consensus.equivocation(validator.get());
                self.dissemination.on_evidence(*evidence);
            }
            Action::EnteredView { view, leader, reason, waited } => {
                self.enter_view(view, leader, reason);
                self.dissemination.on_view(view);
                self.tools.metrics.consensus.entered_view(view.get(), reason_label(reason), waited);
                let leader = leader.map(ValidatorIndex::get);
                if reason == EntryReason::Tc {
                    self.tools.metrics.consensus.timed_out();
                    info!(event = "view.timed_out", %view, ?leader, ?waited);
                } else {
                    debug!(event = "view.entered", %view, ?leader, ?reason, ?waited);
                }
            }
            Action::Rejected { from, rejection } => {
                debug!(event = "consensus.rejected", ?from, %rejection);
                self.tools.metrics.consensus.rejected(rejection.rule());
            }
        }
        Ok(())
    }

    fn enter_view(&mut self, view: View, leader: Option<ValidatorIndex>, reason: EntryReason) {
        let now = self.tools.clock.now();
        self.view_entered = now.mono;
        let timer = self.replica.timeout();
        let (mono, unix_ms) = (now.mono, now.unix_ms);
        self.tools.views.entered(Entry { view, leader, reason, timer, mono, unix_ms });
    }

    fn store_block(&self, block: &Block, qc: &QuorumCert) -> Result<(), DriverError> {
        Ok(self.tools.chain.put_block(block, qc)?)
    }

    fn commit(&mut self, blocks: &[Arc<Block>], cc: CommitCert) -> Result<(), DriverError> {
        let Some(last) = blocks.last() else {
            warn!(event = "commit.empty", view = %cc.view);
            return Ok(());
        };
        // A block is final for clients from here on. Our own vote may have made it so: it must not be forgotten.
        self.make_durable()?;
        self.tools.chain.commit(blocks, &cc)?;
        let committed = Committed { height: last.header.height, hash: last.hash() };
        self.outlets.committed.send_replace(committed);
        // Before the executor hears of it: nobody shall read an executed height above the final one.
        self.publish_status();
        let now = self.tools.clock.now().mono;
        for block in blocks {
            let age = self.tools.clock.unix_ms().saturating_sub(block.header.timestamp.get());
            let age = std::time::Duration::from_millis(age);
            self.tools.metrics.consensus.finalized(block.header.height.get(), age);
            self.dissemination.on_commit(now, block.clone());
        }
        let message = Message::Certificate(Box::new(Certificate::Commit(cc)));
        self.outbox.inform_followers(Lane::Consensus, frame(&message));
        self.tools.network.announce(committed.height);
        if self.seals && self.seal_at.is_none() && self.tools.source.has_ready() {
            self.seal_at = Some(now);
        }
        Ok(())
    }
}

fn frame(message: &Message) -> Bytes {
    Bytes::from(codec::encode(message))
}

const fn reason_label(reason: EntryReason) -> &'static str {
    match reason {
        EntryReason::Qc => "qc",
        EntryReason::Tc => "timeout",
        EntryReason::Cc => "cc",
        EntryReason::Start => "start",
    }
}
