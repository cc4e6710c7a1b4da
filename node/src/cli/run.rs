//! `run`: one node, until it is told to stop.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tracing::warn;

use super::config::Place;
use super::output::{Failure, Outcome, Reply};
use super::passphrase;
use crate::config::Config;
use crate::doctor::{self, Check, Verdict};
use crate::logging;
use crate::remedy::Remedy;

/// Run a node.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  logothete run --home ./node0\n  \
    logothete run --home ./follower --role follower --bootstrap /ip4/10.0.0.1/tcp/26600\n\n\
    Flags are stronger than LOGOTHETE_* variables, those than the file, that than defaults: see `config show`.")]
pub struct Run {
    #[command(flatten)]
    place: Place,
    /// File with the passphrase of the key; else LOGOTHETE_PASSPHRASE, else it is asked for on a terminal.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs until a signal or a fault.
///
/// # Errors
/// A bad configuration, a key that does not open, and whatever ends a node.
pub async fn perform(command: Run) -> Outcome {
    let settings = command.place.resolve()?;
    let mut config = Config::from_settings(&settings);
    logging::init(config.log.format, &config.log.level).map_err(|error| {
        Failure::usage(error.to_string()).with_hint("set log.level to info or debug")
    })?;
    config.passphrase = passphrase::for_key(&config.paths.key, command.passphrase_file.as_deref())?;
    doctor::raise_handles();
    fit(&doctor::at_start(&config))?;
    crate::run(config).await.map_err(|error| {
        Failure::new("node_stopped", causes(&error)).with_hint(Remedy::of(&error).text())
    })?;
    Ok(Reply::new(json!({}), ""))
}

/// Faults keep the node from starting; warnings are logged.
fn fit(checks: &[Check]) -> Result<(), Failure> {
    for check in checks.iter().filter(|check| check.verdict == Verdict::Warning) {
        let advice = check.advice.as_deref().unwrap_or_default();
        warn!(event = "doctor.warning", check = check.name, advice, "{}", check.detail);
    }
    match checks.iter().find(|check| check.is_fault()) {
        None => Ok(()),
        Some(fault) => {
            let failure = Failure::new(fault.name, fault.detail.as_str());
            Err(failure.with_hint(fault.advice.as_deref().unwrap_or_default()))
        }
    }
}

/// The error and its causes in one line, without those that the one before has told already.
fn causes(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.last().is_some_and(|last| last.contains(&cause)) {
            said.push(cause);
        }
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error =
            anyhow::anyhow!("disk full").context("writing x: disk full").context("starting");
        assert_eq!(causes(&error), "starting: writing x: disk full");
    }
}
