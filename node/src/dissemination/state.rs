//! Dissemination as a value: what is held, what is checked, what may be proposed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use logothete_consensus::{Block, Equivocation, Executed};
use logothete_ledger::batch::{BatchRef, Payload};
use logothete_ledger::error::BatchError;
use logothete_primitives::limits::MAX_BATCHES_PER_BLOCK;
use logothete_primitives::{BatchHash, BlockHash, Height, ValidatorIndex, View};
use logothete_primitives::{BoundedVec, codec};
use tracing::{debug, warn};

use super::check::{PayloadCheck, PayloadRule, batches_in, decode_payload};
use super::decoded::DecodedBatch;
use super::effect::{BuildRequest, Effect};
use super::evidence::EvidencePool;
use super::final_blocks::{FinalBlock, FinalBlocks};
use super::held::HeldBatch;
use super::limits::Limits;
use super::message::{BatchMessage, author_of};
use super::outbox::Outbox;
use super::pool::BatchPool;
use super::search::Search;
use super::turn::Turn;

/// How many local results are remembered for comparison with what proposals attest.
pub const REMEMBERED_RESULTS: usize = 1_024;
/// Proposals checked at the same time: the current view and those just ahead or behind.
const MAX_CHECKS: usize = 16;
/// Batches asked for at the same time.
const MAX_REQUESTED: usize = MAX_CHECKS * MAX_BATCHES_PER_BLOCK;

/// The state of dissemination on one node.
pub struct Dissemination {
    own: Option<ValidatorIndex>,
    validators: u16,
    limits: Limits,
    pool: BatchPool,
    outbox: Outbox,
    sequence: u64,
    decoding: usize,
    /// Batches whose signatures are being checked; another copy of one need not be.
    verifying: BTreeSet<BatchHash>,
    requested: BTreeSet<BatchHash>,
    checks: BTreeMap<BlockHash, PayloadCheck>,
    final_blocks: FinalBlocks,
    evidence: EvidencePool,
    build: Option<Turn>,
    /// When a proposal was last seen or made.
    last_proposal: Option<Duration>,
    results: BTreeMap<Height, Executed>,
    /// The newest local result.
    executed: Executed,
    /// The newest result attested by a final block.
    attested: Executed,
    /// The newest final height, executed or not.
    committed: Height,
    /// The newest final height that ordered something.
    last_work: Height,
    pending_work: bool,
    effects: Vec<Effect>,
}

impl Dissemination {
    /// Starts from the newest local result and the newest attestation in the final chain.
    /// `sequence` numbers own batches; it must be above any used before (the clock at start serves).
    pub fn new(
        own: Option<ValidatorIndex>,
        validators: u16,
        limits: Limits,
        evidence: EvidencePool,
        start: Start,
    ) -> Self {
        let outbox = Outbox::new(validators, limits.resend_interval);
        let executed = *start.results.last().expect("height 0 always has a result");
        let results = start.results.into_iter().map(|result| (result.height, result)).collect();
        Self {
            own,
            validators,
            limits,
            pool: BatchPool::default(),
            outbox,
            sequence: start.sequence,
            decoding: 0,
            verifying: BTreeSet::new(),
            requested: BTreeSet::new(),
            checks: BTreeMap::new(),
            final_blocks: FinalBlocks::default(),
            evidence,
            build: None,
            last_proposal: None,
            results,
            committed: start.committed,
            last_work: start.last_work,
            executed,
            attested: start.attested,
            pending_work: false,
            effects: Vec::new(),
        }
    }

    /// The effects since the last call, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.assert_bounds();
        std::mem::take(&mut self.effects)
    }

    /// Everything a peer can fill is bounded, and so is what waits for peers.
    fn assert_bounds(&self) {
        assert!(self.checks.len() <= MAX_CHECKS, "proposals being checked are bounded");
        let checked = self.decoding + self.verifying.len();
        assert!(checked <= self.limits.verifying_max, "batches being verified are bounded");
        assert!(self.requested.len() <= MAX_REQUESTED, "requested batches are bounded");
        assert!(self.results.len() <= REMEMBERED_RESULTS, "remembered results are bounded");
        let own = self.outbox.outstanding().0;
        assert!(own <= self.limits.own_batches_max, "own batches without an order are bounded");
    }

    /// The next time at which [`Dissemination::on_tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Duration> {
        let requests = self.checks.values().map(|check| &check.search);
        let requests = requests.chain(self.final_blocks.searches());
        let requests = requests.filter_map(Search::next_deadline).min();
        let turn = self.build.as_ref().and_then(Turn::deadline);
        [self.outbox.next_deadline(), requests, turn].into_iter().flatten().min()
    }

    /// The author and the sequence number of the next batch of our own, if there may be another one now.
    pub fn next_own(&self) -> Option<(ValidatorIndex, u64)> {
        let has_room = self.outbox.outstanding().0 < self.limits.own_batches_max;
        self.own.filter(|_| has_room).map(|own| (own, self.sequence))
    }

    /// Number of own batches without an order.
    pub fn unordered(&self) -> u32 {
        u32::try_from(self.outbox.outstanding().0).unwrap_or(u32::MAX)
    }

    /// Number of batches waiting for an order, for metrics and status.
    pub fn waiting(&self) -> usize {
        self.pool.len()
    }

    /// Sends the next batch of our own, made for [`Dissemination::next_own`], to everybody.
    pub fn send(&mut self, now: Duration, batch: HeldBatch) {
        self.sequence += 1;
        let held = Arc::new(batch);
        self.outbox.insert(now, held.hash(), held.bytes.len());
        self.effects.push(Effect::Store(held.clone()));
        self.effects.push(Effect::Broadcast(BatchMessage::Batch(held.bytes.clone())));
        self.hold(held);
    }

    /// Handles a frame of the batch lane.
    pub fn on_message(&mut self, from: ValidatorIndex, message: BatchMessage) {
        match message {
            BatchMessage::Batch(bytes) => self.on_batch(from, bytes),
            BatchMessage::Ack(hash) => self.outbox.acknowledge(&hash, from),
            BatchMessage::Request(hashes) => {
                for hash in hashes.into_inner() {
                    self.effects.push(Effect::Serve(from, hash));
                }
            }
            BatchMessage::Evidence(bytes) => match self.evidence.receive(&bytes) {
                Ok(()) => self.on_work(),
                Err(rule) => self.effects.push(Effect::FalseEvidence(from, rule)),
            },
        }
    }

    /// A validator is connected again. If it was restarted, it forgot what it acknowledged and what it was told: it gets
    /// both again, or else this node alone would know of that work, and nobody would order it until it leads.
    pub fn on_connected(&mut self, now: Duration, validator: ValidatorIndex) {
        if self.own.is_none() {
            return;
        }
        self.outbox.forget_acknowledgements(now, validator);
        for evidence in self.evidence.waiting() {
            let message = BatchMessage::Evidence(Bytes::from(evidence));
            self.effects.push(Effect::Send(validator, message));
        }
    }

    /// Takes evidence that consensus found here, and tells everybody.
    pub fn on_evidence(&mut self, evidence: Equivocation) {
        let bytes = Bytes::from(codec::encode(&evidence));
        if self.evidence.insert(evidence) && self.own.is_some() {
            self.effects.push(Effect::Broadcast(BatchMessage::Evidence(bytes)));
            self.on_work();
        }
    }

    /// Something new waits for an order.
    fn on_work(&mut self) {
        self.try_build();
        self.announce_work();
    }

    fn on_batch(&mut self, from: ValidatorIndex, bytes: Bytes) {
        let Some(author) = author_of(&bytes) else { return };
        let relayed = author != from;
        if author.get() >= self.validators || (relayed && self.requested.is_empty()) {
            return;
        }
        let full = self.pool.bytes_of(author) >= self.limits.author_bytes_max;
        let busy = self.decoding + self.verifying.len() >= self.limits.verifying_max;
        if (full && self.requested.is_empty()) || busy {
            debug!(event = "batch.dropped", author = author.get(), full);
            return;
        }
        self.decoding += 1;
        self.effects.push(Effect::Decode(from, bytes));
    }

    /// Takes a received batch, now that its hash is known. Its signatures are checked unless it is held already, or another
    /// copy is being checked: copies come when an acknowledgement took long, and when several are asked for one batch.
    pub fn on_decoded(&mut self, from: ValidatorIndex, batch: Result<DecodedBatch, BatchError>) {
        self.decoding = self.decoding.saturating_sub(1);
        let batch = match batch {
            Ok(batch) => batch,
            Err(fault) => return self.effects.push(Effect::Fault(from, fault)),
        };
        let (hash, author) = (batch.hash(), batch.reference().author);
        let asked = self.requested.contains(&hash);
        if author != from && !asked {
            return;
        }
        if self.pool.knows(&hash) && !asked {
            return self.acknowledge(from, author, hash);
        }
        if self.verifying.insert(hash) {
            self.effects.push(Effect::Verify(from, batch));
        }
    }

    /// Tells the author of a batch, if it came from there, that it is here.
    fn acknowledge(&mut self, from: ValidatorIndex, author: ValidatorIndex, hash: BatchHash) {
        if author == from && self.own.is_some() {
            self.effects.push(Effect::Send(author, BatchMessage::Ack(hash)));
        }
    }

    /// Takes the verdict on the signatures of a received batch.
    pub fn on_verified(
        &mut self,
        from: ValidatorIndex,
        hash: BatchHash,
        verdict: Result<HeldBatch, BatchError>,
    ) {
        self.verifying.remove(&hash);
        let held = match verdict {
            Ok(held) => Arc::new(held),
            Err(fault) => return self.effects.push(Effect::Fault(from, fault)),
        };
        let author = held.reference.author;
        let asked = self.requested.remove(&hash);
        if author != from && !asked {
            return;
        }
        self.acknowledge(from, author, hash);
        if asked || !self.pool.knows(&hash) {
            self.effects.push(Effect::Store(held.clone()));
            self.hold(held);
        }
    }

    /// Takes a batch found in our own store.
    pub fn on_stored(&mut self, held: Arc<HeldBatch>) {
        self.requested.remove(&held.hash());
        self.hold(held);
    }

    fn hold(&mut self, held: Arc<HeldBatch>) {
        let hash = held.hash();
        self.final_blocks.on_batch(&held);
        self.pool.insert(held);
        for check in self.checks.values_mut() {
            check.search.missing.remove(&hash);
        }
        self.release_final();
        self.settle_checks();
        self.on_work();
    }

    /// Starts the check of a proposed payload.
    pub fn check(&mut self, now: Duration, block: Arc<Block>, ancestors: &[Arc<Block>]) {
        self.last_proposal = Some(now);
        let hash = block.hash();
        let references = match self.decode(&block, ancestors) {
            Ok(references) => references,
            Err(rule) => return self.effects.push(Effect::Checked(hash, Err(rule))),
        };
        let missing: BTreeSet<_> = references
            .iter()
            .map(|reference| reference.hash)
            .filter(|batch| self.pool.held(batch).is_none())
            .collect();
        self.load(&missing);
        let search = self.search(now, &block, &references, missing);
        self.checks.insert(hash, PayloadCheck { block, references, search });
        self.drop_oldest_check();
        self.settle_checks();
    }

    /// The batches of a payload that breaks no rule which needs no batch.
    fn decode(
        &self,
        block: &Block,
        ancestors: &[Arc<Block>],
    ) -> Result<Vec<BatchRef>, PayloadRule> {
        let payload = decode_payload(&block.payload, &batches_in(ancestors))?;
        self.evidence.check(&payload.evidence, ancestors)?;
        Ok(payload.batches.into_inner())
    }

    /// A search for what a block names and we lack. Followers are sent no batches, so they ask at once.
    fn search(
        &self,
        now: Duration,
        block: &Block,
        references: &[BatchRef],
        missing: BTreeSet<BatchHash>,
    ) -> Search {
        let delay = self.own.map_or(Duration::ZERO, |_| self.limits.request_delay);
        Search::new(now + delay, block.header.proposer, references, missing)
    }

    fn load(&mut self, missing: &BTreeSet<BatchHash>) {
        if !missing.is_empty() {
            self.effects.push(Effect::Load(missing.iter().copied().collect()));
        }
    }

    fn drop_oldest_check(&mut self) {
        while self.checks.len() > MAX_CHECKS {
            let oldest = self.checks.iter().min_by_key(|(_, c)| c.block.header.view);
            let Some(hash) = oldest.map(|(hash, _)| *hash) else { return };
            self.checks.remove(&hash);
        }
    }

    /// Answers every check that has all it needs.
    fn settle_checks(&mut self) {
        let settled: Vec<_> = self
            .checks
            .iter()
            .filter(|(_, check)| check.search.missing.is_empty())
            .filter_map(|(hash, check)| Some((*hash, self.verdict(check)?)))
            .collect();
        for (hash, verdict) in settled {
            self.checks.remove(&hash);
            self.effects.push(Effect::Checked(hash, verdict));
        }
    }

    /// The verdict on a payload whose batches are all held; `None` while its attestation is ahead of us.
    fn verdict(&self, check: &PayloadCheck) -> Option<Result<(), PayloadRule>> {
        for reference in &check.references {
            let held = self.pool.held(&reference.hash);
            if held.is_some_and(|batch| batch.reference != *reference) {
                return Some(Err(PayloadRule::Misdescribed(reference.hash)));
            }
        }
        let attested = check.executed();
        if attested.height > self.executed.height {
            return None;
        }
        match self.results.get(&attested.height) {
            Some(ours) if ours == attested => Some(Ok(())),
            _ => Some(Err(PayloadRule::ExecutedDiffers { height: attested.height })),
        }
    }

    /// Takes a leader's wish for a payload; the answer comes when there is something to say.
    pub fn on_build(&mut self, now: Duration, request: BuildRequest) {
        let earliest = self.last_proposal.map_or(now, |last| last + self.limits.block_interval);
        self.build = Some(Turn::new(now, earliest, request));
        self.try_build();
    }

    /// Forgets a wish for a payload whose view has passed.
    pub fn on_view(&mut self, view: View) {
        if self.build.as_ref().is_some_and(|turn| turn.request().view < view) {
            self.build = None;
        }
    }

    fn try_build(&mut self) {
        let Some(turn) = self.build.as_ref().filter(|turn| turn.has_come()) else { return };
        let request = turn.request();
        let parent = request.ancestors.last().map_or(&self.attested, |b| &b.header.executed);
        let executed = if parent.height > self.executed.height { parent } else { &self.executed };
        let lag = self.committed.get().saturating_sub(self.executed.height.get());
        let mut payload = Payload::default();
        if !request.must_be_empty {
            payload.evidence = self.evidence.offer(&request.ancestors);
            if lag <= self.limits.execution_lag_max {
                let taken = batches_in(&request.ancestors);
                let batches = self.pool.oldest(&taken, MAX_BATCHES_PER_BLOCK);
                payload.batches =
                    batches.try_into().expect("the pool hands out no more than it is asked for");
            }
        }
        let attests = self.last_work > parent.height && executed.height > parent.height;
        if payload == Payload::default() && !attests && !request.idle_expired {
            return;
        }
        let (view, executed) = (request.view, *executed);
        self.last_proposal = self.last_proposal.max(Some(turn.earliest()));
        self.build = None;
        self.effects.push(Effect::Built(view, payload.encode(), executed));
    }

    /// Takes a final block. It comes back as [`Effect::Executable`] when all its batches are at hand.
    pub fn on_commit(&mut self, now: Duration, block: Arc<Block>) {
        let payload = Payload::decode(&block.payload).unwrap_or_default();
        self.committed = block.header.height;
        self.attested = block.header.executed;
        let offences = self.evidence.on_commit(&payload);
        if !offences.is_empty() {
            self.effects.push(Effect::Recorded(self.committed, offences));
        }
        let references = payload.batches.into_inner();
        if !references.is_empty() {
            self.last_work = block.header.height;
        }
        let mut held = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for reference in &references {
            self.outbox.finalize(&reference.hash);
            match self.pool.finalize(reference.hash) {
                Some(batch) => {
                    held.insert(reference.hash, batch);
                }
                None => {
                    missing.insert(reference.hash);
                }
            }
        }
        self.load(&missing);
        let search = self.search(now, &block, &references, missing);
        self.final_blocks.push(FinalBlock { block, references, held, search });
        let committed = self.committed;
        self.checks.retain(|_, check| check.block.header.height > committed);
        self.release_final();
        self.announce_work();
    }

    fn release_final(&mut self) {
        while let Some((block, batches)) = self.final_blocks.pop_complete() {
            self.effects.push(Effect::Executable(block, batches));
        }
    }

    /// Takes a local result.
    pub fn on_executed(&mut self, executed: Executed) {
        if executed.height <= self.executed.height {
            return;
        }
        self.results.insert(executed.height, executed);
        while self.results.len() > REMEMBERED_RESULTS {
            self.results.pop_first();
        }
        self.executed = executed;
        self.settle_checks();
        self.on_work();
    }

    /// The local result at a height, if it is still remembered.
    pub fn result(&self, height: Height) -> Option<&Executed> {
        self.results.get(&height)
    }

    /// Sends again what was not acknowledged, asks again for what is missing, and proposes when the turn has come.
    pub fn on_tick(&mut self, now: Duration) {
        if let Some(turn) = &mut self.build
            && turn.advance(now)
        {
            self.try_build();
        }
        if let Some(own) = self.own {
            for (hash, validator) in self.outbox.due(now, own) {
                self.effects.push(Effect::Serve(validator, hash));
            }
        }
        let searches = self.checks.values_mut().map(|check| &mut check.search);
        let searches = searches.chain(self.final_blocks.searches_mut());
        let (own, verifying) = (self.own, &self.verifying);
        let terms = (self.limits.request_interval, self.validators);
        let requests: Vec<_> = searches
            .filter_map(|search| search.due(now, terms, |hash| verifying.contains(hash)))
            .collect();
        for (hashes, mut targets) in requests {
            targets.retain(|target| Some(*target) != own);
            self.request(&hashes, &targets);
        }
    }

    fn request(&mut self, hashes: &[BatchHash], targets: &BTreeSet<ValidatorIndex>) {
        self.requested.extend(hashes.iter().copied());
        while self.requested.len() > MAX_REQUESTED {
            self.requested.pop_first();
        }
        let Ok(wanted) = BoundedVec::try_from(hashes.to_vec()) else {
            warn!(event = "batch.request_too_large", count = hashes.len());
            return;
        };
        for target in targets {
            self.effects.push(Effect::Send(*target, BatchMessage::Request(wanted.clone())));
        }
    }

    fn announce_work(&mut self) {
        let waiting = !self.pool.is_empty() || !self.evidence.is_empty();
        let pending = waiting || self.last_work > self.attested.height;
        if pending != self.pending_work {
            self.pending_work = pending;
            self.effects.push(Effect::PendingWork(pending));
        }
    }
}

/// Where dissemination starts after a restart.
#[derive(Clone, Debug)]
pub struct Start {
    /// Recent local results, at most [`REMEMBERED_RESULTS`], oldest first; the last is the newest. Never empty: height 0
    /// has a result.
    pub results: Vec<Executed>,
    /// What the newest final block attests.
    pub attested: Executed,
    /// The newest final height.
    pub committed: Height,
    /// The newest final height that ordered something, or that height's upper bound.
    pub last_work: Height,
    /// First sequence number for own batches.
    pub sequence: u64,
}
