//! A run drawn from a seed: who is there, who lies, what goes wrong and how hard.

use logothete_primitives::{ValidatorIndex, View};

use super::adversary::Misdeed;
use super::cluster::Cluster;
use super::faults::Faults;
use super::random::Random;
use super::tally::Tally;

/// What seeds are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything that can go wrong.
    Chaos,
    /// One key twice, and a network that is cut anew every few views.
    Twins,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) trace: u64,
    pub(crate) heights: u64,
    pub(crate) views: u64,
    pub(crate) tally: Tally,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chaos => "chaos",
            Self::Twins => "twins",
        }
    }

    /// One run: faults and agreement, then health and progress. It panics if anything is violated.
    pub(crate) fn run(self, seed: u64) -> Outcome {
        let mut cluster = match self {
            Self::Chaos => chaos(seed),
            Self::Twins => twins(seed),
        };
        expect_progress(&mut cluster);
        cluster.count_misdeeds();
        let view = |id: usize| {
            cluster.processes[id].replica.as_ref().map_or(View::ZERO, |r| r.status().view)
        };
        Outcome {
            trace: cluster.trace,
            heights: cluster.checker.height().get(),
            views: cluster.honest().map(view).max().unwrap().get(),
            tally: cluster.tally,
        }
    }
}

/// A cluster of 1 to 10 after some seconds of misfortune.
fn chaos(seed: u64) -> Cluster {
    let mut random = Random::new(seed ^ 0x0063_6861_6f73);
    let sizes = [1, 2, 3, 4, 4, 4, 4, 5, 5, 6, 7, 7, 8, 10];
    let size = sizes[usize::try_from(random.below(sizes.len() as u64)).unwrap()];
    let weighted = random.chance(300);
    let powers: Vec<u64> =
        (0..size).map(|_| if weighted { random.between(1, 5) } else { 1 }).collect();
    let mut cluster = Cluster::new(seed, &powers, faults(&mut random));
    cluster.busy = random.chance(500);
    if random.chance(600) {
        choose_liars(&mut cluster, &mut random);
    }
    let seconds = random.between(2, 6);
    for _ in 0..seconds {
        cluster.run_ms(1000);
        restart_amnesiacs(&mut cluster);
    }
    cluster
}

/// Each fault strikes in half of the runs, and not always as hard.
fn faults(random: &mut Random) -> Faults {
    let mut draw = |most: u64| if random.chance(500) { random.between(1, most) } else { 0 };
    let (loss, duplicate, straggle) = (draw(300), draw(200), draw(150));
    let (crash, wipe, partition, mute) = (draw(600), draw(700), draw(600), draw(200));
    let (slow, late) = (draw(80_000), draw(3_000_000));
    Faults {
        loss,
        duplicate,
        straggle,
        straggle_max: 1_000 + late,
        crash,
        wipe,
        partition,
        mute,
        delay: (2_000, 15_000 + slow),
        ..Faults::CHAOS
    }
}

/// Liars and twins up to f of the power.
fn choose_liars(cluster: &mut Cluster, random: &mut Random) {
    let mut left = cluster.ctx.validators.max_faulty();
    for _ in 0..3 {
        let size = cluster.ctx.validators.len() as u64;
        let index = ValidatorIndex::new(u16::try_from(random.below(size)).unwrap());
        let power = cluster.ctx.validators.power(index);
        if power > left || cluster.is_faulty(index) {
            continue;
        }
        left -= power;
        let pick = usize::try_from(random.below(Misdeed::ALL.len() as u64 + 1)).unwrap();
        match Misdeed::ALL.get(pick) {
            Some(misdeed) => cluster.corrupt(index, *misdeed),
            None => cluster.add_twin(index),
        }
    }
}

/// Who signs on after losing its memory has to lose it first.
pub(crate) fn restart_amnesiacs(cluster: &mut Cluster) {
    let liars = cluster.liars.clone();
    for (index, _) in liars.iter().filter(|(_, misdeed)| *misdeed == Misdeed::Amnesiac) {
        let id = index.as_usize();
        if cluster.processes[id].replica.is_some() {
            cluster.kill(id);
            cluster.start(id);
        }
    }
}

/// Four to seven members, up to f of them twice, and a partition drawn every few views. Who leads is
/// drawn with the powers and with who is a twin.
fn twins(seed: u64) -> Cluster {
    let mut random = Random::new(seed ^ 0x0074_7769_6e73);
    let (size, pairs) = if random.chance(800) { (4, 1) } else { (7, 2) };
    let powers: Vec<u64> = match random.below(3) {
        0 => (0..size).map(|_| random.between(2, 3)).collect(),
        _ => vec![1; size],
    };
    let quiet = Faults { delay: (10_000, 60_000), payload_delay: (100, 10_000), ..Faults::NONE };
    let mut cluster = Cluster::new(seed, &powers, quiet);
    cluster.busy = true;
    let mut left = cluster.ctx.validators.max_faulty();
    for _ in 0..pairs {
        let index = ValidatorIndex::new(u16::try_from(random.below(size as u64)).unwrap());
        let power = cluster.ctx.validators.power(index);
        if power <= left && !cluster.is_faulty(index) {
            left -= power;
            cluster.add_twin(index);
        }
    }
    if cluster.twins.is_empty() {
        // Too heavy to be one: the lightest is not.
        let all = cluster.ctx.validators.iter();
        let (index, _) = all.min_by_key(|(_, validator)| validator.power).unwrap();
        cluster.add_twin(index);
    }
    for _ in 0..random.between(3, 7) {
        let groups = random.between(1, 3);
        let parts: Vec<u64> = cluster.processes.iter().map(|_| random.below(groups)).collect();
        cluster.tally.add("partition", u64::from(groups > 1));
        cluster.partition(&parts);
        cluster.run_ms(random.between(100, 500));
    }
    cluster
}

/// After the faults everybody honest gets past the highest final block, and signs again.
pub(crate) fn expect_progress(cluster: &mut Cluster) {
    let reached = cluster.checker.height();
    cluster.heal();
    cluster.faults.delay = (5_000, 20_000);
    let end = cluster.now + 30_000_000;
    let is_well = |cluster: &Cluster| {
        cluster.lowest() > reached.plus(1) && cluster.honest().all(|id| cluster.is_active(id))
    };
    while !is_well(cluster) {
        assert!(cluster.now < end, "no progress beyond {reached}\n{}", cluster.describe());
        cluster.run_ms(100);
    }
}
