//! Many runs on all cores, in the order of their seeds, with a sum of what happened.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::scenario::{Kind, Outcome};
use super::tally::Tally;

/// Of so many seeds one is run twice.
const TWICE: u64 = 100;

/// What many runs came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) runs: u64,
    pub(crate) heights: u64,
    pub(crate) views: u64,
    pub(crate) replayed: u64,
    pub(crate) tally: Tally,
    /// In how many runs each thing happened.
    pub(crate) struck: Tally,
    pub(crate) failed: Vec<u64>,
    pub(crate) time: Duration,
}

/// Runs seeds on two threads. Each seed is a world of its own, so the sum does not depend on how they
/// are dealt.
pub(crate) fn run(kind: Kind, seeds: Range<u64>) -> Summary {
    let start = Instant::now();
    let next = Mutex::new(seeds);
    let sum = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut own = Summary::default();
                while let Some(seed) = take(&next) {
                    own.add(kind, seed);
                }
                sum.lock().unwrap().absorb(own);
            });
        }
    });
    let mut sum = sum.into_inner().unwrap();
    sum.failed.sort_unstable();
    sum.time = start.elapsed();
    sum
}

fn take(next: &Mutex<Range<u64>>) -> Option<u64> {
    next.lock().unwrap().next()
}

impl Summary {
    fn add(&mut self, kind: Kind, seed: u64) {
        self.runs += 1;
        let Some(outcome) = attempt(kind, seed) else {
            self.failed.push(seed);
            return;
        };
        if seed.is_multiple_of(TWICE) {
            self.replayed += 1;
            if attempt(kind, seed).as_ref() != Some(&outcome) {
                println!("seed {seed} gives two traces");
                self.failed.push(seed);
            }
        }
        self.heights += outcome.heights;
        self.views += outcome.views;
        self.tally.absorb(&outcome.tally);
        for (name, count) in outcome.tally.iter() {
            self.struck.add(name, u64::from(count > 0));
        }
    }

    pub(crate) fn absorb(&mut self, other: Self) {
        self.runs += other.runs;
        self.heights += other.heights;
        self.views += other.views;
        self.replayed += other.replayed;
        self.tally.absorb(&other.tally);
        self.struck.absorb(&other.struck);
        self.failed.extend(other.failed);
        self.time += other.time;
    }

    /// For people: throughput, then what happened, then how to see a failure again.
    pub(crate) fn print(&self, kind: Kind) {
        let seconds = self.time.as_secs_f64();
        println!(
            "{}: {} runs in {seconds:.1} s ({:.0} a minute), {} final blocks, {} views, {} run twice",
            kind.name(),
            self.runs,
            60.0 * self.runs as f64 / seconds,
            self.heights,
            self.views,
            self.replayed
        );
        for (name, count) in self.tally.iter() {
            println!("  {name:32} {count:>10} in {:>7} runs", self.struck.of(name));
        }
        for seed in &self.failed {
            println!("FAILED: {}", replay_command(kind, *seed));
        }
    }
}

/// `None` if the run panicked; the panic has been printed.
fn attempt(kind: Kind, seed: u64) -> Option<Outcome> {
    let outcome = catch_unwind(AssertUnwindSafe(|| kind.run(seed))).ok();
    if outcome.is_none() {
        println!("{}", replay_command(kind, seed));
    }
    outcome
}

fn replay_command(kind: Kind, seed: u64) -> String {
    format!(
        "cargo run --release -p logothete-consensus --example simulate -- {} {seed}..{}",
        kind.name(),
        seed + 1
    )
}
