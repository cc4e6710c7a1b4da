#![allow(clippy::unwrap_used)]

use super::faults::FaultKind;
use super::harm::DiskFault;
use super::*;

/// Seeds that every test run goes through; `logothete sim` goes on from there.
const SEEDS: u64 = 300;

#[test]
fn no_seed_breaks_a_promise() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match campaign(0..SEEDS, threads, None, &|_| ()) {
        Ok(totals) => {
            println!("{totals:?}");
            let faults = FaultKind::ALL.map(FaultKind::name);
            let lies = Misdeed::ALL.map(Misdeed::name);
            let damages = DiskFault::ALL.map(DiskFault::name);
            let effects = [
                "clock an hour wrong",
                "liar blamed",
                "evidence recorded",
                "damage found at start",
                "damage found by reading all",
                "damage seen by the marks",
                "damage that took no signature back",
            ];
            for kind in faults.into_iter().chain(lies).chain(damages).chain(effects) {
                let count = totals.faults.get(kind).copied().unwrap_or_default();
                assert!(count > 0, "no {kind} happened");
            }
            assert!(totals.transactions > SEEDS && totals.reads > SEEDS && totals.replayed > 0);
        }
        Err(violation) => {
            for line in violation.journal.iter().rev().take(80).rev() {
                println!("{line}");
            }
            let seed = violation.seed;
            panic!("{violation}\n{:?}\nreplay: logothete sim --seeds {seed}", violation.plan);
        }
    }
}

/// The eyes of the simulation see what no machine can: a database and its marks that went back together.
#[test]
fn a_memory_that_went_back_unseen_is_caught() {
    let caught = (0..60).filter(|seed| {
        let plan = Plan { disk_faults: vec![DiskFault::Snapshot], ..Plan::draw(*seed) };
        let (outcome, _) = perform(plan);
        outcome.is_err_and(|what| what.contains("and remembers"))
    });
    assert!(caught.count() > 3);
}
