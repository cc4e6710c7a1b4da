//! What a seed draws.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use logothete_p2p::simulated::LinkConfig;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::faults::FaultKind;
use super::harm::DiskFault;
use super::liars::Misdeed;

/// Everything that distinguishes one run from another, besides the moments at which things happen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Voting power of each validator.
    pub powers: Vec<u64>,
    /// Members that follow and do not vote.
    pub followers: usize,
    /// Whether validators sign with ed25519; otherwise with a hash.
    pub real_signatures: bool,
    /// How every link behaves when nothing is wrong with it in particular.
    pub link: LinkConfig,
    /// What is added to the wall clock of each member, in milliseconds.
    pub skew_ms: Vec<i64>,
    /// Who lies, and how: less than a third of the power, together with those whose clocks are an hour wrong.
    pub liars: BTreeMap<usize, Misdeed>,
    /// Clients, each with an account of its own.
    pub clients: usize,
    /// The faults of this run. Few kinds at a time find more than all at once.
    pub faults: Vec<FaultKind>,
    /// Mean time between two faults.
    pub fault_interval: Duration,
    /// How long the phase with faults lasts.
    pub faulty: Duration,
    /// Damage of disks, in some runs.
    pub disk_faults: Vec<DiskFault>,
    /// Mean time between two damages.
    pub disk_interval: Duration,
}

/// Members are few in most runs: rare sizes are for the arithmetic, not for the interleavings.
const SIZES: [usize; 12] = [1, 2, 3, 4, 4, 4, 4, 4, 5, 6, 7, 10];

/// Many members take long: what needs many is rare.
const LARGE: RangeInclusive<usize> = 11..=16;

/// A clock that is wrong is wrong by this much.
const HOUR_MS: i64 = 3_600_000;

/// Sets the clocks of some validators an hour wrong, as long as there is faulty power left.
fn lose_time(random: &mut ChaCha8Rng, powers: &[u64], left: &mut u64, skew_ms: &mut [i64]) {
    for (power, skew) in powers.iter().zip(skew_ms) {
        if *power <= *left && random.random_bool(0.5) {
            *left -= power;
            *skew = if random.random_bool(0.5) { HOUR_MS } else { -HOUR_MS };
        }
    }
}

/// Makes liars of some validators whose clocks are right, as long as there is faulty power left.
fn corrupt(
    random: &mut ChaCha8Rng,
    powers: &[u64],
    mut left: u64,
    skew_ms: &[i64],
) -> BTreeMap<usize, Misdeed> {
    let mut liars = BTreeMap::new();
    for (member, power) in powers.iter().enumerate() {
        if *power <= left && skew_ms[member].abs() < HOUR_MS && random.random_bool(0.6) {
            left -= power;
            let misdeed = Misdeed::ALL[random.random_range(0..Misdeed::ALL.len())];
            liars.insert(member, misdeed);
        }
    }
    liars
}

impl Plan {
    /// What a seed stands for.
    pub fn draw(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let size = if random.random_bool(0.005) {
            random.random_range(LARGE)
        } else {
            SIZES[random.random_range(0..SIZES.len())]
        };
        let equal = random.random_bool(0.7);
        let power = |random: &mut ChaCha8Rng| if equal { 1 } else { random.random_range(1..=9) };
        let powers: Vec<u64> = (0..size).map(|_| power(&mut random)).collect();
        let followers = usize::from(random.random_bool(0.3));
        let link = LinkConfig {
            delay: Duration::from_micros(random.random_range(200..20_000)),
            jitter: Duration::from_micros(random.random_range(0..40_000)),
            loss: if random.random_bool(0.5) { random.random_range(0.0..0.3) } else { 0.0 },
        };
        let skew = |random: &mut ChaCha8Rng| random.random_range(-400..400);
        let mut skew_ms: Vec<i64> = (0..size + followers).map(|_| skew(&mut random)).collect();
        let mut left = faulty_power(&powers);
        if random.random_bool(0.2) {
            lose_time(&mut random, &powers, &mut left, &mut skew_ms);
        }
        let liars = if random.random_bool(0.4) {
            corrupt(&mut random, &powers, left, &skew_ms)
        } else {
            BTreeMap::new()
        };
        let (disk_faults, disk_interval) = damage(&mut disk_stream(seed));
        let faults = FaultKind::ALL.into_iter().filter(|_| random.random_bool(0.4)).collect();
        Self {
            seed,
            powers,
            followers,
            real_signatures: random.random_bool(0.02),
            link,
            skew_ms,
            liars,
            clients: random.random_range(1..=5),
            faults,
            fault_interval: Duration::from_millis(random.random_range(150..2_000)),
            faulty: Duration::from_millis(random.random_range(1_000..7_000)),
            disk_faults,
            disk_interval,
        }
    }

    /// Whether the clock of a member is wrong by more than the chain permits.
    pub fn is_lost_in_time(&self, member: usize) -> bool {
        self.skew_ms[member].abs() > HOUR_MS / 2
    }

    /// Power that may be faulty: less than a third.
    pub fn faulty_power(&self) -> u64 {
        faulty_power(&self.powers)
    }
}

/// What happens to disks is drawn apart from all else: a seed without such faults is the run that it was before there
/// were any.
pub(super) fn disk_stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed.rotate_left(43) ^ u64::from_le_bytes(*b"the disk"))
}

/// Which damage happens, and how often.
fn damage(random: &mut ChaCha8Rng) -> (Vec<DiskFault>, Duration) {
    let happens = random.random_bool(0.3);
    let kinds = DiskFault::ALL.into_iter().filter(|_| random.random_bool(0.6)).collect();
    let interval = Duration::from_millis(random.random_range(300..1_500));
    (if happens { kinds } else { Vec::new() }, interval)
}

fn faulty_power(powers: &[u64]) -> u64 {
    (powers.iter().sum::<u64>() - 1) / 3
}
