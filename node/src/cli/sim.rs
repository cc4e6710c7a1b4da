//! `sim`.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply};
use crate::config::LogFormat;
use crate::logging;
use crate::sim::{Totals, Violation, campaign};

/// Arguments of `sim`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete sim --seeds 0..1000        a thousand networks, each with its own faults\n  \
                  logothete sim --seeds 4711           one of them again\n  \
                  logothete sim --seeds 0..1000000000 --seconds 28800   all night"
)]
pub struct Sim {
    /// One seed, or a range `A..B` without its end.
    #[arg(long, value_parser = seeds)]
    seeds: Range<u64>,
    /// Threads; one per core unless given.
    #[arg(long)]
    threads: Option<usize>,
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// What the simulated nodes log to standard error, for example `debug`.
    #[arg(long)]
    log: Option<String>,
    /// Where the timeline of a failure is written.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|fault| format!("{text:?} is no seed ({fault}): give 5 or 0..100"))
    };
    let range = match text.split_once("..") {
        Some((from, to)) => number(from)?..number(to)?,
        None => {
            let seed = number(text)?;
            seed..seed.checked_add(1).ok_or("the largest seed is 2^64 - 2")?
        }
    };
    if range.is_empty() { Err(format!("{text} is an empty range")) } else { Ok(range) }
}

/// Runs the seeds and reports.
///
/// # Errors
/// A broken promise, with the command that shows it again and the file of its timeline.
pub fn perform(context: &Context, command: &Sim) -> Outcome {
    if let Some(filter) = &command.log {
        logging::init(LogFormat::Text, filter)
            .map_err(|fault| Failure::usage(fault.to_string()))?;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let told = AtomicU64::new(0);
    let progress = |totals: &Totals| {
        let tens = totals.elapsed.as_secs() / 10;
        if told.fetch_max(tens, Ordering::Relaxed) < tens {
            context.printer.progress(&format!("{} runs, {} blocks", totals.runs, totals.blocks));
        }
    };
    let limit = command.seconds.map(Duration::from_secs);
    let threads = command.threads.unwrap_or(cores);
    match campaign(command.seeds.clone(), threads, limit, &progress) {
        Ok(totals) => Ok(Reply::new(&totals, table(&totals))),
        Err(violation) => Err(broken(&violation, &command.out)),
    }
}

fn table(totals: &Totals) -> String {
    let mut text = format!(
        "{} runs in {:.1} s ({:.0} a second), {} of them twice with the same trace; trace {:016x}\n\
         {} blocks, {} final transactions, {} reads compared, {} signed messages looked at\nfaults that happened:\n",
        totals.runs,
        totals.elapsed.as_secs_f64(),
        totals.runs as f64 / totals.elapsed.as_secs_f64().max(0.001),
        totals.replayed,
        totals.trace,
        totals.blocks,
        totals.transactions,
        totals.reads,
        totals.messages,
    );
    for (name, count) in &totals.faults {
        let _ = writeln!(text, "  {count:>10}  {name}");
    }
    text + "no promise was broken"
}

fn broken(violation: &Violation, out: &Path) -> Failure {
    let path = out.join(format!("sim-{}.txt", violation.seed));
    let mut text = format!("{violation}\n{:#?}\n\n", violation.plan);
    for line in &violation.journal {
        let _ = writeln!(text, "{line}");
    }
    let timeline = match std::fs::write(&path, text) {
        Ok(()) => format!("timeline in {}", path.display()),
        Err(fault) => format!("the timeline could not be written to {}: {fault}", path.display()),
    };
    Failure::new("promise_broken", format!("{violation}; {timeline}"))
        .with_exit(Exit::VerificationFailed)
        .with_hint(format!("replay: logothete sim --seeds {}", violation.seed))
}
