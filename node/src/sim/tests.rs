#![allow(clippy::unwrap_used)]

use super::*;

/// Seeds that every test run goes through; `logothete sim` goes on from there.
const SEEDS: u64 = 300;

#[test]
fn no_seed_breaks_a_promise() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match campaign(0..SEEDS, threads, None, &|_| ()) {
        Ok(totals) => {
            println!("{totals:?}");
            for kind in ["kill", "power loss", "disk full", "wipe", "kill all"] {
                assert!(
                    totals.faults.get(kind).is_some_and(|count| *count > 0),
                    "no {kind} happened"
                );
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
