//! Views, votes, finality, and what the safety rules refused.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{CountGauge, SecondsGauge, ValidatorNames, latency_histogram};

/// Which vote was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteKind {
    /// A prepare vote (R2).
    Prepare,
    /// A commit vote (R3).
    Commit,
    /// A timeout (R5).
    Timeout,
}

impl VoteKind {
    const fn label(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Commit => "commit",
            Self::Timeout => "timeout",
        }
    }
}

/// A vote or timeout of a member, as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct SeenVote {
    /// Who signed it.
    pub validator: u16,
    /// The view it is for.
    pub view: u64,
    /// What it is.
    pub kind: VoteKind,
    /// Whether it was counted; a refused one says nothing about its signer.
    pub accepted: bool,
    /// How long after the view was entered it came.
    pub delay: Duration,
}

/// Metrics of the replica.
pub struct ConsensusMetrics {
    names: ValidatorNames,
    last_vote_views: Vec<CountGauge>,
    entered: Mutex<Instant>,
    last_final: Mutex<Option<Instant>>,
    height: CountGauge,
    view: CountGauge,
    views: Family<ReasonLabel, Counter>,
    view_wait: Histogram,
    timeouts: Counter,
    finality: Histogram,
    block_interval: Histogram,
    power_total: CountGauge,
    power_present: CountGauge,
    power_missing: CountGauge,
    quorum_margin: Gauge,
    votes: Family<VoteLabel, Counter>,
    vote_delay: Family<ValidatorLabel, SecondsGauge>,
    clock_skew: Family<ValidatorLabel, SecondsGauge>,
    equivocations: Family<ValidatorLabel, Counter>,
    rejections: Family<ReasonLabel, Counter>,
    learner: Gauge,
}

impl ConsensusMetrics {
    /// The current view was entered, for `reason`, after `waited` in the one before.
    pub fn entered_view(&self, view: u64, reason: &'static str, waited: Duration) {
        self.view.set(view);
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.views.get_or_create(&ReasonLabel { reason }).inc();
        self.view_wait.observe(waited.as_secs_f64());
    }

    /// How long the current view has lasted.
    pub fn view_age(&self) -> Duration {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The own timer of a view ran out.
    pub fn timed_out(&self) {
        self.timeouts.inc();
    }

    /// A block became final `since_proposal` after its proposer stamped it.
    pub fn finalized(&self, height: u64, since_proposal: Duration) {
        self.height.set(height);
        self.finality.observe(since_proposal.as_secs_f64());
        let now = Instant::now();
        let mut last = self.last_final.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = last.replace(now) {
            self.block_interval.observe((now - earlier).as_secs_f64());
        }
    }

    /// How much voting power takes part, of which total, and what a certificate needs.
    pub fn power(&self, present: u64, total: u64, quorum: u64) {
        self.power_present.set(present);
        self.power_total.set(total);
        self.power_missing.set(total.saturating_sub(present));
        let signed = |power: u64| i64::try_from(power).unwrap_or(i64::MAX);
        self.quorum_margin.set(signed(present).saturating_sub(signed(quorum)));
    }

    /// A vote or timeout of a member arrived.
    pub fn vote(&self, seen: SeenVote) {
        let validator = self.names.label(seen.validator);
        if seen.accepted {
            let label = ValidatorLabel { validator: validator.clone() };
            self.vote_delay.get_or_create(&label).set(seen.delay.as_secs_f64());
            if let Some(last) = self.last_vote_views.get(usize::from(seen.validator)) {
                last.inner().fetch_max(seen.view, Ordering::Relaxed);
            }
        }
        let result = if seen.accepted { "accepted" } else { "refused" };
        self.votes.get_or_create(&VoteLabel { validator, kind: seen.kind.label(), result }).inc();
    }

    /// The highest view in which a vote or timeout of each member was counted, by index.
    pub fn last_vote_views(&self) -> Vec<u64> {
        self.last_vote_views.iter().map(CountGauge::get).collect()
    }

    /// By how many milliseconds the clock of a member is ahead of ours, by its proposals.
    pub fn clock_skew(&self, validator: u16, ahead_ms: i64) {
        let label = ValidatorLabel { validator: self.names.label(validator) };
        let seconds = Duration::from_millis(ahead_ms.unsigned_abs()).as_secs_f64();
        let signed = if ahead_ms < 0 { -seconds } else { seconds };
        self.clock_skew.get_or_create(&label).set(signed);
    }

    /// A member signed two messages for one slot (R8).
    pub fn equivocation(&self, validator: u16) {
        let label = ValidatorLabel { validator: self.names.label(validator) };
        self.equivocations.get_or_create(&label).inc();
    }

    /// A message of a peer broke a rule.
    pub fn rejected(&self, reason: &'static str) {
        self.rejections.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Whether the node waits under R10 instead of voting.
    pub fn learner(&self, waits: bool) {
        self.learner.set(i64::from(waits));
    }

    pub(super) fn register(registry: &mut Registry, validators: &[String]) -> Self {
        let names = ValidatorNames::new(validators);
        let last_vote_view: Family<ValidatorLabel, CountGauge> = Family::default();
        let gauge = |name: &String| {
            let label = ValidatorLabel { validator: name.clone() };
            last_vote_view.get_or_create_owned(&label)
        };
        let metrics = Self {
            last_vote_views: validators.iter().map(gauge).collect(),
            entered: Mutex::new(Instant::now()),
            last_final: Mutex::new(None),
            height: CountGauge::default(),
            view: CountGauge::default(),
            views: Family::default(),
            view_wait: latency_histogram(),
            timeouts: Counter::default(),
            finality: latency_histogram(),
            block_interval: latency_histogram(),
            power_total: CountGauge::default(),
            power_present: CountGauge::default(),
            power_missing: CountGauge::default(),
            quorum_margin: Gauge::default(),
            votes: Family::default(),
            vote_delay: Family::default(),
            clock_skew: Family::default(),
            equivocations: Family::default(),
            rejections: Family::default(),
            learner: Gauge::default(),
            names,
        };
        let registry = registry.sub_registry_with_prefix("consensus");
        let help = "Highest view in which a vote of the validator was counted";
        registry.register("last_vote_view", help, last_vote_view);
        metrics.expose(registry);
        metrics
    }

    fn expose(&self, r: &mut Registry) {
        r.register("height", "The highest final height", self.height.clone());
        r.register("view", "The current view", self.view.clone());
        r.register("views_entered", "Views entered, by the certificate", self.views.clone());
        let help = "Time spent in a view before the next was entered";
        r.register_with_unit("view", help, Unit::Seconds, self.view_wait.clone());
        r.register("timeouts", "Views whose timer ran out here", self.timeouts.clone());
        let help = "From the proposer's time stamp until the block was final here";
        r.register_with_unit("finality", help, Unit::Seconds, self.finality.clone());
        let help = "Time between two final blocks";
        r.register_with_unit("block_interval", help, Unit::Seconds, self.block_interval.clone());
        let help = "Voting power of the whole set";
        r.register("voting_power_total", help, self.power_total.clone());
        let help = "Voting power heard from in the last views, the own included";
        r.register("voting_power_present", help, self.power_present.clone());
        let help = "Voting power not heard from in the last views";
        r.register("voting_power_missing", help, self.power_missing.clone());
        let help = "Voting power present beyond the quorum; below zero the chain halts";
        r.register("quorum_margin", help, self.quorum_margin.clone());
        let help = "Votes and timeouts received, by validator, kind and result";
        r.register("votes", help, self.votes.clone());
        let help = "Delay of the last counted vote after the view was entered, by validator";
        r.register_with_unit("vote_delay", help, Unit::Seconds, self.vote_delay.clone());
        let help = "Clock of a validator ahead of the local one, by its proposals";
        r.register_with_unit("clock_skew", help, Unit::Seconds, self.clock_skew.clone());
        let help = "Pairs of conflicting signed messages, by validator";
        r.register("equivocations", help, self.equivocations.clone());
        let help = "Messages of peers that broke a rule, by rule";
        r.register("rejections", help, self.rejections.clone());
        let help = "1 while the node only learns, because its safety state is not established";
        r.register("learner", help, self.learner.clone());
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ValidatorLabel {
    validator: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VoteLabel {
    validator: String,
    kind: &'static str,
    result: &'static str,
}
