//! The driver: waits for events, steps the core, performs the actions. Nothing else decides anything.
//!
//! Events that are ready together are stepped together, and what they want written becomes durable by one sync
//! before any message of theirs leaves. The driver runs on a thread of its own: it may wait for the disk.

mod audit;
mod clocks;
mod dissemination;
mod durable;
mod fetch;
mod inbound;
mod outbox;
mod perform;
mod view_log;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use logothete_consensus::{CertificateCache, Context, Event, Replica, Status};
use logothete_ledger::error::BatchError;
use logothete_p2p::Network;
use logothete_primitives::{BatchHash, PublicKey, ValidatorIndex, Verifier};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::chain::{Chain, ChainError, StoredBlock};
use crate::clock::Clock;
use crate::dissemination::{BatchSource, DecodedBatch, Dissemination, HeldBatch};
use crate::executor::{ExecutedNotice, ReadyBlocks};
use crate::metrics::Metrics;
use crate::service::VoteWatch;
use crate::signatures::Signatures;
use crate::supervise::Pulse;
use crate::sync::{Committed, Synced, Toolbox};
use crate::workers::Workers;

use clocks::Clocks;

pub use audit::{Audit, read_audit};
pub use durable::{Durable, marks_of};
pub use outbox::Outbox;
pub use view_log::{Delays, SeenView, VIEWS, ViewLog};

/// Frames of one kind taken before the others have their turn.
const BURST: usize = 256;
/// How long transactions wait for company before they are sealed into a batch, for each batch of ours that has no
/// order yet. So a lone transaction leaves at once, and under load, when the others are busy checking and ordering
/// what they have, batches grow.
const SEAL_DELAY: Duration = Duration::from_millis(2);

/// What workers and tasks report to the driver.
#[derive(Debug)]
pub enum Report {
    /// A received batch, decoded.
    BatchDecoded(ValidatorIndex, Result<DecodedBatch, BatchError>),
    /// The verdict on the signatures of a received batch.
    BatchVerified(ValidatorIndex, BatchHash, Result<HeldBatch, BatchError>),
    /// Another node is connected.
    Connected(PublicKey),
    /// A batch that a follower had asked a validator for.
    BatchFetched(ValidatorIndex, Bytes),
    /// A block that the core had asked for.
    BlockFetched(Box<StoredBlock>),
    /// A fetch of a block ended.
    FetchEnded(logothete_primitives::BlockHash),
}

/// Where the driver's events come from.
pub struct Inlets {
    /// Frames of the consensus lane.
    pub consensus: mpsc::Receiver<(PublicKey, Bytes)>,
    /// Frames of the batch lane.
    pub batches: mpsc::Receiver<(PublicKey, Bytes)>,
    /// Reports of the executor.
    pub executed: mpsc::Receiver<ExecutedNotice>,
    /// Blocks from sync.
    pub synced: mpsc::Receiver<Synced>,
    /// Reports of workers.
    pub reports: mpsc::Receiver<Report>,
}

/// Where the driver publishes what it knows.
pub struct Outlets {
    /// The newest final block, for sync.
    pub committed: watch::Sender<Committed>,
    /// The newest final block whose batches are at hand, for the executor.
    pub executable: watch::Sender<Committed>,
    /// Rises when a certificate was seen that is too far ahead.
    pub hint: watch::Sender<u64>,
    /// The core after its last step.
    pub status: watch::Sender<Arc<Status>>,
    /// Who was heard voting when.
    pub votes: watch::Sender<Arc<VoteWatch>>,
    /// The other end of [`Inlets::reports`].
    pub reports: mpsc::Sender<Report>,
}

/// What the driver works with.
pub struct Tools {
    /// Blocks, certificates, batches.
    pub chain: Chain,
    /// The network.
    pub network: Arc<dyn Network>,
    /// What messages are checked against.
    pub context: Context,
    /// How signatures are checked.
    pub verifier: Arc<dyn Verifier>,
    /// For fetching single blocks.
    pub toolbox: Toolbox,
    /// Final blocks laid ready for the executor.
    pub ready: ReadyBlocks,
    /// Where batches of our own come from.
    pub source: Arc<dyn BatchSource>,
    /// Where batches are decoded.
    pub workers: Workers,
    /// Where their signatures are checked.
    pub signatures: Signatures,
    /// The time.
    pub clock: Clock,
    /// Record of signed messages, if the configuration wants one.
    pub audit: Option<Audit>,
    /// What went on in the last views.
    pub views: ViewLog,
    /// Figures.
    pub metrics: Metrics,
    /// The pulse of the stage.
    pub pulse: Arc<Pulse>,
}

/// The driver of one node.
pub struct Driver {
    tools: Tools,
    inlets: Inlets,
    outlets: Outlets,
    replica: Replica,
    dissemination: Dissemination,
    durable: Durable,
    outbox: Outbox,
    certificates: CertificateCache,
    fetching: std::collections::BTreeSet<logothete_primitives::BlockHash>,
    votes: VoteWatch,
    clocks: Clocks,
    view_entered: Duration,
    seal_at: Option<Duration>,
    seals: bool,
    /// Whether the core went on since its status was published.
    stepped: bool,
}

/// Why the driver stops the node.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The record of signed messages cannot be written.
    #[error("writing the record of signed messages: {0}")]
    Audit(#[from] std::io::Error),
    /// The store failed. A failed sync proves nothing about what is on disk, so it is never tried again.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<logothete_ledger::store::StoreError> for DriverError {
    fn from(error: logothete_ledger::store::StoreError) -> Self {
        Self::Chain(ChainError::Store(error))
    }
}

impl Driver {
    /// Joins the core and the dissemination of batches to the world.
    pub fn new(
        tools: Tools,
        inlets: Inlets,
        outlets: Outlets,
        (replica, dissemination, durable): (Replica, Dissemination, Durable),
    ) -> Self {
        let validators = tools.context.validators.len();
        let votes = VoteWatch::of(validators);
        let own = replica.status().index;
        let outbox = Outbox::new(tools.network.clone(), &tools.context.validators, own);
        Self {
            seals: own.is_some(),
            tools,
            inlets,
            outlets,
            replica,
            dissemination,
            durable,
            outbox,
            certificates: CertificateCache::default(),
            fetching: std::collections::BTreeSet::new(),
            votes,
            clocks: Clocks::new(validators),
            view_entered: Duration::ZERO,
            seal_at: None,
            stepped: true,
        }
    }

    /// Runs until the node is asked to stop.
    ///
    /// # Errors
    /// [`DriverError`] ends the process.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), DriverError> {
        self.step(Event::Started)?;
        self.settle()?;
        let mut stopped = pin!(stop.cancelled());
        loop {
            let deadline = self.next_deadline().map(|mono| self.tools.clock.instant(mono));
            tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                Some((from, frame)) = self.inlets.consensus.recv() => self.on_consensus(from, &frame)?,
                Some(notice) = self.inlets.executed.recv() => {
                    self.dissemination.on_executed(notice.executed);
                }
                Some(report) = self.inlets.reports.recv() => self.on_report(report)?,
                Some((from, frame)) = self.inlets.batches.recv() => self.on_batch_frame(from, &frame),
                Some(synced) = self.inlets.synced.recv() => self.on_synced(synced)?,
                () = self.tools.source.arrived(), if self.seals && self.seal_at.is_none() => {
                    let delay = SEAL_DELAY.saturating_mul(self.dissemination.unordered());
                    self.seal_at = Some(self.tools.clock.now().mono + delay);
                }
                () = wait_until(deadline) => {}
            }
            let pulse = self.tools.pulse.clone();
            let _busy = pulse.busy();
            self.drain()?;
            self.on_time()?;
            self.settle()?;
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let deadlines =
            [self.replica.next_deadline(), self.dissemination.next_deadline(), self.seal_at];
        deadlines.into_iter().flatten().min()
    }

    /// Takes what else is ready, so that one sync serves all of it.
    fn drain(&mut self) -> Result<(), DriverError> {
        for _ in 0..BURST {
            let Ok((from, frame)) = self.inlets.consensus.try_recv() else { break };
            self.on_consensus(from, &frame)?;
        }
        for _ in 0..BURST {
            let Ok(notice) = self.inlets.executed.try_recv() else { break };
            self.dissemination.on_executed(notice.executed);
        }
        for _ in 0..BURST {
            let Ok(report) = self.inlets.reports.try_recv() else { break };
            self.on_report(report)?;
        }
        for _ in 0..BURST {
            let Ok((from, frame)) = self.inlets.batches.try_recv() else { break };
            self.on_batch_frame(from, &frame);
        }
        Ok(())
    }

    fn on_time(&mut self) -> Result<(), DriverError> {
        let now = self.tools.clock.now();
        if self.replica.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.step(Event::Tick)?;
        }
        if self.dissemination.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.dissemination.on_tick(now.mono);
        }
        if self.seal_at.is_some_and(|at| at <= now.mono) {
            self.seal(now.mono);
        }
        Ok(())
    }

    /// Seals what waits into batches as long as own batches find room.
    fn seal(&mut self, now: Duration) {
        self.seal_at = None;
        while let Some((own, sequence)) = self.dissemination.next_own() {
            let Some(batch) = self.tools.source.seal(own, sequence) else { return };
            self.tools.metrics.pipeline.sealed_batch(batch.reference.count);
            self.dissemination.send(now, batch);
        }
        self.tools.metrics.pipeline.pushed_back("seal");
    }

    fn step(&mut self, event: Event) -> Result<(), DriverError> {
        let now = self.tools.clock.now();
        self.stepped = true;
        for action in self.replica.step(now, event) {
            self.perform(action)?;
        }
        Ok(())
    }

    /// Performs effects until none is left, makes everything durable, then lets the messages go.
    fn settle(&mut self) -> Result<(), DriverError> {
        loop {
            let effects = self.dissemination.take_effects();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                self.perform_effect(effect)?;
            }
        }
        self.make_durable()?;
        self.outbox.release(&self.tools.metrics, self.tools.audit.as_mut())?;
        if std::mem::take(&mut self.stepped) {
            self.publish_status();
        }
        Ok(())
    }

    /// Makes the newest safety state durable, and all that was written before it.
    fn make_durable(&mut self) -> Result<(), DriverError> {
        if let Some(took) = self.durable.flush(self.tools.clock.now().mono)? {
            self.tools.metrics.store.synced(took);
        }
        Ok(())
    }

    fn publish_status(&self) {
        self.outlets.status.send_replace(Arc::new(self.replica.status()));
    }
}

async fn wait_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
