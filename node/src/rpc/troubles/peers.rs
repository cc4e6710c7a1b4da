//! What is wrong between this node and others: chain, version, clock, distance.

use std::time::Duration;

use logothete_client::rpc::types::{Culprit, CulpritKind, Effect, Obstacle, SyncState, Trouble};
use logothete_primitives::{Power, ValidatorIndex};

use super::{Scene, degraded, names};
use crate::absent::Refusal;
use crate::cli::show;

/// Difference of clocks that no network explains; the alert rules have the same.
const SKEW_MAX: Duration = Duration::from_secs(2);

impl Scene<'_> {
    /// Validators, or all there is to connect to, are of another chain or version, or have our key.
    pub(super) fn other_network(&self) -> Option<Trouble> {
        let kinds = [Obstacle::OtherChain, Obstacle::OtherVersion, Obstacle::KeyInUse];
        kinds.into_iter().find_map(|obstacle| {
            let found: Vec<&Refusal> =
                self.refusals.iter().filter(|one| obstacle_of(one) == Some(obstacle)).collect();
            let last = found.last()?;
            let members = || found.iter().filter_map(|one| self.set.index_of(one.key.as_ref()?));
            let power: Power = members().map(|index| self.set.power(index)).sum();
            if obstacle == Obstacle::KeyInUse {
                return Some(self.key_in_use(last));
            }
            // When all the world is wrong, it is not the world.
            if self.is_majority(power) || !self.connected {
                return Some(self.wrong_here(obstacle, last));
            }
            let named = found
                .iter()
                .filter(|one| one.key.is_some_and(|key| self.set.index_of(&key).is_some()));
            let culprits: Vec<Culprit> = named.map(|one| self.refused(one)).collect();
            (!culprits.is_empty()).then(|| wrong_there(obstacle, culprits))
        })
    }

    fn wrong_here(&self, obstacle: Obstacle, last: &Refusal) -> Trouble {
        let effect = if self.is_stalled() { Effect::Stalled } else { Effect::Behind };
        let (summary, advice) = match obstacle {
            Obstacle::OtherVersion => (
                "this node speaks another version of the protocol than the others",
                "install the version that the others run, and start this node again",
            ),
            _ => (
                "this node is on another chain than the others: its genesis file is not theirs",
                "compare `logothete genesis hash` with that of the others; put their file at paths.genesis and begin with an \
                 empty data directory",
            ),
        };
        let summary = format!("{summary} ({})", last.reason);
        let culprits = vec![self.this_node(last.reason.to_string())];
        Trouble { obstacle, effect, summary, culprits, advice: advice.to_owned() }
    }

    fn key_in_use(&self, last: &Refusal) -> Trouble {
        let summary = format!("another node uses the key of this one, at {}", last.address);
        let advice = "stop one of the two at once: a key that signs at two places can sign two blocks of one view";
        degraded(Obstacle::KeyInUse, vec![self.refused(last)], (summary, advice))
    }

    /// A refused node, by its name if it is a validator.
    fn refused(&self, refusal: &Refusal) -> Culprit {
        let detail = format!("at {}: {}", refusal.address, refusal.reason);
        match refusal.key.and_then(|key| self.set.index_of(&key)) {
            Some(index) if Some(index) != self.status.index => self.validator(index, detail),
            _ => Culprit { kind: CulpritKind::Peer, name: refusal.address.clone(), detail },
        }
    }

    /// Clocks of validators that differ from ours, or ours from theirs.
    pub(super) fn clocks(&self) -> Option<Trouble> {
        let off = |ahead: &i64| {
            ahead.unsigned_abs() > u64::try_from(SKEW_MAX.as_millis()).unwrap_or(u64::MAX)
        };
        let read = (0u16..).zip(self.clock_ahead_ms);
        let readings: Vec<(ValidatorIndex, i64)> = read
            .filter_map(|(index, ahead)| Some((ValidatorIndex::new(index), ahead.filter(off)?)))
            .collect();
        let worst =
            readings.iter().map(|(_, ahead)| *ahead).max_by_key(|ahead| ahead.unsigned_abs())?;
        let power = |ahead: bool| -> Power {
            let same = readings.iter().filter(|(_, by)| (*by > 0) == ahead);
            same.map(|(index, _)| self.set.power(*index)).sum()
        };
        let all: Power = power(true) + power(false);
        // Beyond the drift that is permitted, proposals of the one are refused by the other (R2).
        let refused = worst.unsigned_abs() > self.clock_drift_ms_max;
        let stalls = refused && self.views_fail() && all > self.set.max_faulty();
        let advice = "set the clock by a time service (chrony, systemd-timesyncd); nothing else need be done".to_owned();
        let obstacle = Obstacle::ClockSkew;
        if self.is_majority(power(worst > 0)) {
            let effect = match (stalls, refused) {
                (true, _) => Effect::Stalled,
                (false, true) => Effect::Behind,
                (false, false) => Effect::Degraded,
            };
            let detail = format!("its clock is {} the others", offset(worst.saturating_neg()));
            let summary = format!(
                "the clock of this node is {} those of the others",
                offset(worst.saturating_neg())
            );
            return Some(Trouble {
                obstacle,
                effect,
                summary,
                culprits: vec![self.this_node(detail)],
                advice,
            });
        }
        let culprit = |(index, ahead): &(ValidatorIndex, i64)| {
            self.validator(*index, format!("its clock is {} that of this node", offset(*ahead)))
        };
        let culprits: Vec<Culprit> = readings.iter().map(culprit).collect();
        let effect = if stalls { Effect::Stalled } else { Effect::Degraded };
        let harm = if refused { "; what it proposes is refused" } else { "" };
        let summary = match &culprits[..] {
            [only] => {
                format!("the clock of {} is {} that of this node{harm}", only.name, offset(worst))
            }
            _ => format!(
                "the clocks of {} differ from that of this node by up to {}",
                names(&culprits),
                apart(worst)
            ),
        };
        Some(Trouble { obstacle, effect, summary, culprits, advice })
    }

    /// There is nobody to follow.
    pub(super) fn nobody(&self) -> Option<Trouble> {
        (self.sync.state == SyncState::NoPeers).then(|| Trouble {
            obstacle: Obstacle::NoPeers,
            effect: Effect::Behind,
            summary: "no peers: nobody to follow".to_owned(),
            culprits: vec![self.this_node("is connected to nobody".to_owned())],
            advice: "check p2p.bootstrap and that the ports of these nodes are reachable"
                .to_owned(),
        })
    }

    /// The others are further.
    pub(super) fn catching_up(&self) -> Option<Trouble> {
        let (lag, target) = (self.sync.lag, self.sync.target_height);
        self.behind.then(|| Trouble {
            obstacle: Obstacle::CatchingUp,
            effect: Effect::Behind,
            summary: format!("catching up: {lag} blocks behind height {target}"),
            culprits: vec![self.this_node(format!("{lag} blocks behind"))],
            advice: "wait, or read from another node meanwhile".to_owned(),
        })
    }

    /// Connected validators that do not keep up.
    pub(super) fn laggards(&self) -> Option<Trouble> {
        let lagging = self.lagging.iter();
        let culprits: Vec<Culprit> = lagging
            .map(|(index, blocks)| {
                self.validator(*index, format!("{blocks} blocks behind this node"))
            })
            .collect();
        if culprits.is_empty() {
            return None;
        }
        let summary = format!("behind this node: {}", names(&culprits));
        let advice = "ask `logothete why` there: a slow disk, a slow link or a late start";
        Some(degraded(Obstacle::PeersLag, culprits, (summary, advice)))
    }
}

fn wrong_there(obstacle: Obstacle, culprits: Vec<Culprit>) -> Trouble {
    let who = names(&culprits);
    let (summary, advice) = match obstacle {
        Obstacle::OtherVersion => (
            format!("not let in, with another version of the protocol: {who}"),
            "let them install the version that this node runs",
        ),
        _ => (
            format!("not let in, on another chain by another genesis file: {who}"),
            "let them compare `logothete genesis hash` with that of this node, and begin with the right file and an empty \
             data directory",
        ),
    };
    degraded(obstacle, culprits, (summary, advice))
}

/// What a refusal means, if somebody must do something about it.
fn obstacle_of(refusal: &Refusal) -> Option<Obstacle> {
    match refusal.reason.name() {
        "version" => Some(Obstacle::OtherVersion),
        "chain" | "genesis" => Some(Obstacle::OtherChain),
        "own_key" => Some(Obstacle::KeyInUse),
        _ => None,
    }
}

fn apart(ahead_ms: i64) -> String {
    show::duration(Duration::from_millis(ahead_ms.unsigned_abs()))
}

fn offset(ahead_ms: i64) -> String {
    let side = if ahead_ms > 0 { "ahead of" } else { "behind" };
    format!("{} {side}", apart(ahead_ms))
}
