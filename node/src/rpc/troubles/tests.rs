#![allow(clippy::unwrap_used)]

use std::time::Duration;

use logothete_client::rpc::types::{Effect, Obstacle, SyncState, SyncView, Trouble};
use logothete_consensus::Mode;
use logothete_ledger::mempool::MempoolStats;
use logothete_p2p::RefusalReason;
use logothete_primitives::{ChainId, Digest, Height, SignerSet, TxHash, ValidatorIndex};

use super::Scene;
use crate::absent::Refusal;
use crate::mempool::Expiries;
use crate::rpc::attendance::tests::{set, sight, signers, status, votes};
use crate::rpc::attendance::{Reach, Roll};

/// A network of four as v0 sees it, in which nothing is wrong until a test says so.
struct Case {
    mode: Mode,
    amnesiacs: SignerSet,
    failed_views: u32,
    silent: &'static [u16],
    reach: fn(ValidatorIndex) -> Reach,
    refused: Vec<(u8, RefusalReason)>,
    clocks: [Option<i64>; 4],
    lagging: Vec<(ValidatorIndex, u64)>,
    sync_took: u64,
    mempool: MempoolStats,
    expired: Expiries,
}

impl Default for Case {
    fn default() -> Self {
        let mempool = MempoolStats { count_max: 10, bytes_max: 1_000, ..MempoolStats::default() };
        Self {
            mode: Mode::Active,
            amnesiacs: signers(&[]),
            failed_views: 0,
            silent: &[],
            reach: |_| Reach::Connected { silent: Duration::ZERO },
            refused: Vec::new(),
            clocks: [None; 4],
            lagging: Vec::new(),
            sync_took: 2,
            mempool,
            expired: Expiries::default(),
        }
    }
}

impl Case {
    fn troubles(&self) -> Vec<Trouble> {
        const NOW_MS: u64 = 60_000;
        let set = set();
        let mut status = status(self.mode.clone());
        status.amnesiacs = self.amnesiacs;
        status.failed_views = self.failed_views;
        status.leader = Some(ValidatorIndex::new(2));
        let seen = [0u16, 1, 2, 3].map(|index| match self.silent.contains(&index) {
            true => 40_000,
            false => NOW_MS - 100,
        });
        let votes = votes(seen);
        let reach = |index| (self.reach)(index);
        let roll = Roll::take(&sight(&set, &status, &votes, &reach, NOW_MS));
        let refusals: Vec<Refusal> = self
            .refused
            .iter()
            .map(|(place, reason)| Refusal {
                key: set.get(ValidatorIndex::new((*place).into())).map(|member| member.key),
                address: format!("/ip4/10.0.0.{place}/tcp/1"),
                reason: reason.clone(),
                last_ms: NOW_MS,
                times: 1,
            })
            .collect();
        let sync = SyncView { state: SyncState::Following, target_height: Height::new(9), lag: 0 };
        Scene {
            set: &set,
            status: &status,
            roll: &roll,
            sync: &sync,
            behind: false,
            connected: true,
            refusals: &refusals,
            clock_ahead_ms: &self.clocks,
            clock_drift_ms_max: 10_000,
            lagging: &self.lagging,
            stages: &[],
            sync_took: Some(Duration::from_millis(self.sync_took)),
            disk_free: None,
            mempool: &self.mempool,
            expired: &self.expired,
        }
        .troubles()
    }

    /// What is wrong, with its effect and who it comes from.
    fn found(&self) -> Vec<(Obstacle, Effect, Vec<String>)> {
        let who = |trouble: &Trouble| trouble.culprits.iter().map(|c| c.name.clone()).collect();
        let troubles = self.troubles();
        for trouble in &troubles {
            assert!(!trouble.advice.is_empty() && !trouble.summary.is_empty(), "{trouble:?}");
        }
        troubles.iter().map(|trouble| (trouble.obstacle, trouble.effect, who(trouble))).collect()
    }

    fn first(&self) -> (Obstacle, Effect, Vec<String>) {
        self.found().into_iter().next().unwrap()
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn other_chain() -> RefusalReason {
    let chain = |byte| ChainId::new(Digest::new([byte; 32]));
    RefusalReason::Chain { ours: chain(1), theirs: chain(2) }
}

#[test]
fn nothing_is_wrong_with_a_network_in_order() {
    assert_eq!(Case::default().found(), []);
}

#[test]
fn one_missing_validator_is_named_and_harms_nobody() {
    let case = Case { silent: &[3], reach: |_| Reach::Gone, ..Case::default() };
    let named = (Obstacle::ValidatorsMissing, Effect::Degraded, owned(&["v3"]));
    assert_eq!(case.found(), [named]);
    assert!(case.troubles()[0].culprits[0].detail.contains("its process ended"));
    assert!(case.troubles()[0].culprits[0].detail.contains("last heard 20.0 s ago"));
}

#[test]
fn too_many_missing_are_dead_or_cut_off() {
    let dead = Case { silent: &[2, 3], reach: |_| Reach::Gone, ..Case::default() };
    assert_eq!(dead.first(), (Obstacle::NoQuorum, Effect::Stalled, owned(&["v2", "v3"])));
    assert!(dead.troubles()[0].summary.contains("1 is short"), "{:?}", dead.troubles());
    let cut = Case { silent: &[2, 3], reach: |_| Reach::Unreachable, ..Case::default() };
    assert_eq!(cut.first(), (Obstacle::Partition, Effect::Stalled, owned(&["v2", "v3"])));
    let open = |_| Reach::Connected { silent: Duration::from_secs(8) };
    let frozen = Case { silent: &[2, 3], reach: open, ..Case::default() };
    assert_eq!(frozen.first().0, Obstacle::Partition, "an open connection in which nothing comes");
    let wedged = |_| Reach::Connected { silent: Duration::from_secs(1) };
    let wedged = Case { silent: &[2, 3], reach: wedged, ..Case::default() };
    assert_eq!(wedged.first().0, Obstacle::NoQuorum, "they answer pings");
    let one_dead = |index| match ValidatorIndex::get(index) {
        3 => Reach::Gone,
        _ => Reach::Unreachable,
    };
    let mixed = Case { silent: &[2, 3], reach: one_dead, ..Case::default() };
    assert_eq!(mixed.first().0, Obstacle::NoQuorum, "without the dead one there would be a quorum");
}

#[test]
fn amnesia_of_more_than_may_fail_is_no_matter_of_starting_them() {
    let case = Case { silent: &[2, 3], amnesiacs: signers(&[2, 3]), ..Case::default() };
    assert_eq!(case.first(), (Obstacle::Amnesia, Effect::Stalled, owned(&["v2", "v3"])));
    assert!(case.troubles()[0].advice.contains("their own data directories"));
    let own = Mode::Learner { statements: signers(&[1]), above: None };
    let case = Case { mode: own, silent: &[3], amnesiacs: signers(&[0, 3]), ..Case::default() };
    assert_eq!(case.first(), (Obstacle::Amnesia, Effect::Stalled, owned(&["v0", "v3"])));
    assert_eq!(case.found()[1].0, Obstacle::Learning);
}

#[test]
fn another_chain_is_the_others_fault_or_ours() {
    let one = Case { refused: vec![(3, other_chain())], ..Case::default() };
    assert_eq!(one.first(), (Obstacle::OtherChain, Effect::Degraded, owned(&["v3"])));
    let all = (1..4).map(|place| (place, other_chain())).collect();
    let ours =
        Case { refused: all, silent: &[1, 2, 3], reach: |_| Reach::Refused, ..Case::default() };
    assert_eq!(ours.first(), (Obstacle::OtherChain, Effect::Stalled, owned(&["v0"])));
    assert_eq!(ours.found()[1].0, Obstacle::NoQuorum);
    let stranger = Case { refused: vec![(9, other_chain())], ..Case::default() };
    assert_eq!(stranger.found(), [], "whoever is no validator is nobody's trouble");
    let version = RefusalReason::Version { ours: 1, theirs: 2 };
    let case = Case { refused: vec![(1, version)], ..Case::default() };
    assert_eq!(case.first(), (Obstacle::OtherVersion, Effect::Degraded, owned(&["v1"])));
    let case = Case { refused: vec![(0, RefusalReason::OwnKey)], ..Case::default() };
    assert_eq!(case.first().0, Obstacle::KeyInUse);
}

#[test]
fn a_clock_is_wrong_there_or_here() {
    let clocks = |clocks| Case { clocks, ..Case::default() };
    assert_eq!(clocks([None, Some(1_900), Some(-1_900), None]).found(), []);
    let one = clocks([None, None, None, Some(60_000)]);
    assert_eq!(one.first(), (Obstacle::ClockSkew, Effect::Degraded, owned(&["v3"])));
    assert!(one.troubles()[0].summary.contains("1 m 0 s ahead"), "{:?}", one.troubles());
    let ours = clocks([None, Some(-60_000), Some(-60_010), Some(-59_990)]);
    assert_eq!(ours.first(), (Obstacle::ClockSkew, Effect::Behind, owned(&["v0"])));
    assert!(ours.troubles()[0].summary.contains("ahead of those"), "{:?}", ours.troubles());
    let two = [None, None, Some(60_000), Some(60_000)];
    let two = Case { clocks: two, failed_views: 3, ..Case::default() };
    assert_eq!(two.first(), (Obstacle::ClockSkew, Effect::Stalled, owned(&["v2", "v3"])));
    assert_eq!(two.found()[1].0, Obstacle::ViewsTimeOut, "the cause comes before what it causes");
    let slight = [None, None, Some(3_000), Some(3_000)];
    let slight = Case { clocks: slight, failed_views: 3, ..Case::default() };
    assert_eq!(slight.first().0, Obstacle::ViewsTimeOut, "proposals of theirs are not refused");
}

#[test]
fn what_is_wrong_here_is_named_here() {
    let slow = Case { sync_took: 250, ..Case::default() };
    assert_eq!(slow.first(), (Obstacle::SlowDisk, Effect::Degraded, owned(&["v0"])));
    let slow = Case { sync_took: 900, failed_views: 5, ..Case::default() };
    assert_eq!(slow.first().0, Obstacle::SlowDisk, "the cause comes before what it causes");
    let full = MempoolStats { count: 10, count_max: 10, bytes_max: 1_000, ..Default::default() };
    let full = Case { mempool: full, ..Case::default() };
    assert_eq!(full.first(), (Obstacle::MempoolFull, Effect::Degraded, owned(&["v0"])));
    assert!(full.troubles()[0].advice.contains("gaps in their nonces"));
    let hash = TxHash::new(Digest::new([7; 32]));
    let expired = Expiries { count: 2, newest: vec![hash] };
    let expired = Case { expired, ..Case::default() };
    assert_eq!(expired.first().2, [hash.to_string()]);
    let lagging = Case { lagging: vec![(ValidatorIndex::new(1), 900)], ..Case::default() };
    assert_eq!(lagging.first(), (Obstacle::PeersLag, Effect::Degraded, owned(&["v1"])));
}

#[test]
fn several_troubles_are_all_told_the_gravest_first() {
    let case =
        Case { silent: &[1, 2, 3], reach: |_| Reach::Gone, sync_took: 250, ..Case::default() };
    let obstacles: Vec<Obstacle> = case.found().into_iter().map(|found| found.0).collect();
    assert_eq!(obstacles, [Obstacle::NoQuorum, Obstacle::SlowDisk]);
}
