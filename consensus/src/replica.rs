//! One replica: `step` takes time and an event and returns actions. Dispatch only; the rules are in
//! the modules named after them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use logothete_primitives::{BlockHash, Signer, ValidatorIndex, View};

use crate::action::Action;
use crate::block_tree::{BlockTree, Link, PayloadCheck};
use crate::catch_up::Fetches;
use crate::certificate::QuorumCert;
use crate::config::{Config, Recovered};
use crate::context::Context;
use crate::event::{Event, Now};
use crate::evidence::Equivocation;
use crate::evidence_pool::EvidencePool;
use crate::invariants::Watch;
use crate::known::Known;
use crate::leader_election::{LeaderElection, Reputation};
use crate::learner::Learner;
use crate::message::{CommitVote, Message, PrepareVote};
use crate::outbox::Outbox;
use crate::pacemaker::Pacemaker;
use crate::proposals::{Building, Proposals};
use crate::safety_rules::SafetyRules;
use crate::status::{Timer, TimerKind};
use crate::timeout_collector::TimeoutCollector;
use crate::vote_collector::VoteCollector;

/// The protocol as a value. It holds no clock, socket, file or randomness; the same events give the
/// same actions.
#[derive(Debug)]
pub struct Replica {
    pub(crate) config: Config,
    pub(crate) ctx: Context,
    /// What signs; `None` for a follower.
    pub(crate) safety: Option<SafetyRules>,
    /// R10, while the safety state is lost.
    pub(crate) learner: Option<Learner>,
    pub(crate) known: Known,
    pub(crate) tree: BlockTree,
    pub(crate) election: LeaderElection,
    /// The reputation at the root of the tree.
    pub(crate) reputation: Reputation,
    pub(crate) pacemaker: Pacemaker,
    pub(crate) proposals: Proposals,
    pub(crate) building: Option<Building>,
    pub(crate) prepare_votes: VoteCollector<PrepareVote>,
    pub(crate) commit_votes: VoteCollector<CommitVote>,
    pub(crate) timeouts: TimeoutCollector,
    pub(crate) fetches: Fetches,
    /// View of the CC that was reported as too far ahead.
    pub(crate) behind: Option<View>,
    /// R3: a certificate newly known, to be passed on at the end of the step.
    pub(crate) pass_on: PassOn,
    /// To whom certificates were sent in answer to an old message: in which view, and when.
    pub(crate) answered: BTreeMap<ValidatorIndex, (View, Duration)>,
    /// R10: who asked for statements, and when last.
    pub(crate) amnesiacs: BTreeMap<ValidatorIndex, Duration>,
    pub(crate) evidence: EvidencePool,
    started: bool,
    pub(crate) leader_cache: Option<(View, BlockHash, ValidatorIndex)>,
    watch: Watch,
}

/// What to pass on at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassOn {
    Nothing,
    /// The QC by which the view was entered, unless a commit vote carries it.
    Quorum,
    /// A TC assembled here.
    Timeout,
}

impl Replica {
    /// A replica as of the last shutdown. Without a signer, or with one that is not in the set, it is
    /// a follower; with a signer but without safety state it is a learner (R10).
    #[must_use]
    pub fn new(
        config: Config,
        ctx: Context,
        signer: Option<Box<dyn Signer>>,
        recovered: Recovered,
    ) -> Self {
        let Recovered { safety: state, committed, mut recent, blocks, nonce } = recovered;
        let mut known = Known::new(ctx.genesis_qc());
        for qc in [&committed.qc, &state.as_ref().and_then(|state| state.high_qc.clone())] {
            qc.iter().for_each(|qc| _ = known.raise_qc(qc));
        }
        for cc in [&committed.cc, &state.as_ref().and_then(|state| state.high_cc.clone())] {
            cc.iter().for_each(|cc| _ = known.raise_cc(cc));
        }
        for tc in state.iter().filter_map(|state| state.high_tc.as_ref()) {
            known.raise_tc(tc);
            known.raise_qc(&tc.high_qc);
        }
        assert!(known.view() > committed.header.view, "the final block comes with its certificate");

        let safety = signer.and_then(|signer| {
            let index = ctx.validators.index_of(&signer.public())?;
            Some(SafetyRules::new(ctx.chain, ctx.epoch(), index, signer, state))
        });
        let learner = safety
            .as_ref()
            .filter(|safety| safety.state().is_none())
            .map(|safety| Learner::new(safety.index(), nonce));

        if recent.last() != Some(&committed.header) {
            recent.push(committed.header.clone());
        }
        let election = LeaderElection::new(&ctx.validators);
        let reputation = election.replay(&recent);
        let mut tree = BlockTree::new(committed.header);
        for (block, qc) in blocks {
            let hash = block.hash();
            known.raise_qc(&qc);
            tree.insert(Arc::new(block), qc, PayloadCheck::Good);
            if let Some(node) = tree.get_mut(&hash) {
                node.stored = true;
            }
        }

        Self {
            config,
            ctx,
            safety,
            learner,
            known,
            tree,
            election,
            reputation,
            pacemaker: Pacemaker::new(),
            proposals: Proposals::default(),
            building: None,
            prepare_votes: VoteCollector::new(),
            commit_votes: VoteCollector::new(),
            timeouts: TimeoutCollector::default(),
            fetches: Fetches::default(),
            behind: None,
            pass_on: PassOn::Nothing,
            answered: BTreeMap::new(),
            amnesiacs: BTreeMap::new(),
            evidence: EvidencePool::default(),
            started: false,
            leader_cache: None,
            watch: Watch::default(),
        }
    }

    /// Takes one event. The actions are to be performed in their order; what stands before a message
    /// must be durable before the message leaves.
    pub fn step(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut out = Outbox::default();
        if !self.started {
            self.started = true;
            self.on_started(now, &mut out);
        }
        match event {
            Event::Started => {}
            Event::Message(message) => self.on_message(now, message.into_inner(), &mut out),
            Event::Tick => self.on_tick(now, &mut out),
            Event::PendingWork(pending) => self.pacemaker.on_pending(pending, now.mono),
            Event::PayloadBuilt { view, payload, executed } => {
                self.on_payload_built(now, (view, payload, executed), &mut out);
            }
            Event::PayloadChecked { block, verdict } => {
                self.on_payload_checked(&block, verdict, &mut out);
            }
            Event::Block { block, qc } => self.on_block(block, qc.into_inner(), &mut out),
            Event::Committed { blocks, cc } => {
                self.on_committed(blocks, cc.into_inner(), &mut out);
            }
        }
        self.settle(now, &mut out);
        let actions = out.finish(self.safety.as_mut().and_then(SafetyRules::take_changed));
        let mut watch = core::mem::take(&mut self.watch);
        watch.assert_invariants(self);
        self.watch = watch;
        actions
    }

    /// When to send [`Event::Tick`]; `None` before the first event, or when nothing is waited for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.next_timer().map(|timer| timer.at)
    }

    /// The timer that runs out first, and what for.
    pub(crate) fn next_timer(&self) -> Option<Timer> {
        if !self.started {
            return None;
        }
        let view = self.pacemaker.deadline(&self.config).filter(|_| self.is_active());
        let repeat = self.has_unfinished().then(|| self.pacemaker.repeat_deadline());
        let idle = self
            .building
            .as_ref()
            .filter(|building| !building.idle_expired)
            .map(|_| self.pacemaker.idle_deadline(&self.config));
        let ask = self.learner.as_ref().and_then(Learner::deadline);
        let timers = [
            (TimerKind::View, view),
            (TimerKind::Repeat, repeat),
            (TimerKind::EmptyBlock, idle),
            (TimerKind::Statements, ask),
            (TimerKind::Fetch, self.fetches.deadline()),
        ];
        let running = timers.into_iter().filter_map(|(kind, at)| Some(Timer { kind, at: at? }));
        running.min_by_key(|timer| timer.at)
    }

    /// Evidence of equivocation seen since the start: the first of each validator and kind.
    pub fn evidence(&self) -> impl Iterator<Item = &Equivocation> {
        self.evidence.iter()
    }

    /// The own place in the validator set, if this is a validator.
    #[must_use]
    pub fn index(&self) -> Option<ValidatorIndex> {
        self.safety.as_ref().map(SafetyRules::index)
    }

    /// Whether this replica may sign.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.safety.as_ref().is_some_and(|safety| safety.state().is_some())
    }

    /// Applies the rules until none has anything more to do. Each returns whether it changed
    /// anything, and changes only what it cannot change again, so this ends.
    fn settle(&mut self, now: Now, out: &mut Outbox) {
        while self.try_enter_view(now, out)
            || self.try_readmit()
            || self.try_commit_vote(out)
            || self.try_commit(out)
            || self.try_accept_proposals(out)
            || self.try_prepare_vote(out)
            || self.try_quorum_cert()
            || self.try_commit_cert()
            || self.try_timeout_cert()
            || self.try_amplify(now, out)
        {}
        self.pass_on(out);
        self.try_build(now, out);
        self.ask_check_of_certified(out);
        self.ask_statements(now, out);
        self.update_fetches(now, out);
        self.tree.trim(self.known.high_qc());
    }

    /// The leader of a view on a certified chain, if that chain is at hand.
    pub(crate) fn leader_on(&mut self, view: View, qc: &QuorumCert) -> Option<ValidatorIndex> {
        if let Some((cached_view, block, leader)) = self.leader_cache
            && (cached_view, block) == (view, qc.block)
        {
            return Some(leader);
        }
        let leader = self.election.leader(&self.reputation_at(qc)?, view);
        self.leader_cache = Some((view, qc.block, leader));
        Some(leader)
    }

    /// The reputation after the chain up to a certified block.
    pub(crate) fn reputation_at(&self, qc: &QuorumCert) -> Option<Reputation> {
        if self.tree.link(qc) != Link::Connected {
            return None;
        }
        let mut reputation = self.reputation.clone();
        for block in self.tree.chain(&qc.block)? {
            self.election.extend(&mut reputation, &block.header);
        }
        Some(reputation)
    }

    /// Writes a block once.
    pub(crate) fn store_block(&mut self, block: &BlockHash, out: &mut Outbox) {
        if let Some(node) = self.tree.get_mut(block)
            && !node.stored
        {
            node.stored = true;
            out.store(Arc::clone(&node.block), node.qc.clone());
        }
    }

    /// Sends to all others, if this is a validator.
    pub(crate) fn broadcast(&self, message: Message, out: &mut Outbox) {
        if self.safety.is_some() {
            out.broadcast(message);
        }
    }
}
