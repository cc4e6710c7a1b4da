//! `run`: one node, until it is told to stop.

use std::path::PathBuf;

use clap::Args;
use logothete_ledger::store::StoreError;
use serde_json::Value;

use super::config::Place;
use super::output::{Failure, Outcome, Reply};
use super::passphrase;
use crate::chain::ChainError;
use crate::config::Config;
use crate::driver::DriverError;
use crate::executor::ExecuteError;
use crate::logging;
use crate::recover::RecoverError;
use crate::supervise;

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
    crate::run(config).await.map_err(|error| {
        Failure::new("node_stopped", causes(&error)).with_hint(what_to_do(&error))
    })?;
    Ok(Reply::new(Value::Null, ""))
}

/// What whoever runs the node does next.
fn what_to_do(error: &anyhow::Error) -> &'static str {
    match store_error(error) {
        Some(StoreError::NoSpace) => {
            "make room on the disk of paths.data, then start the node again; it said nothing that is not on the disk"
        }
        Some(error) if error.is_corruption() => {
            "the disk gives back something else than was written: replace it if it does so again. Remove `db` from the \
             data directory, leave `marks`, and start the node again: it heals from its peers and votes once that is safe"
        }
        Some(error) if error.is_disk_failure() => {
            "the node said nothing after this, and did not try again: what a disk failed to write may be lost although \
             a second try succeeds. Look at the disk (dmesg, smartctl), then start the node again; it looks what is there"
        }
        _ => {
            "the log lines before this one say more; `logothete config show` says what was configured"
        }
    }
}

/// The failure of the store behind an error, if that is what it is.
fn store_error(error: &anyhow::Error) -> Option<&StoreError> {
    if let Some(supervise::Failure::Failed { reason, .. }) = error.downcast_ref() {
        return store_error(reason);
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return Some(error);
    }
    let chain = match (
        error.downcast_ref::<ChainError>(),
        error.downcast_ref::<DriverError>(),
        error.downcast_ref::<ExecuteError>(),
        error.downcast_ref::<RecoverError>(),
    ) {
        (Some(error), ..)
        | (_, Some(DriverError::Chain(error)), ..)
        | (_, _, Some(ExecuteError::Chain(error)), _)
        | (_, _, _, Some(RecoverError::Chain(error))) => error,
        _ => return None,
    };
    let ChainError::Store(error) = chain else { return None };
    Some(error)
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
    fn a_full_disk_is_found_behind_the_stage_that_it_stopped() {
        let of_driver = DriverError::from(StoreError::NoSpace);
        let failure = supervise::Failure::Failed { stage: "driver", reason: of_driver.into() };
        assert!(what_to_do(&failure.into()).contains("make room"));
        let at_start = RecoverError::from(StoreError::NoSpace);
        assert!(
            what_to_do(&anyhow::Error::from(at_start).context("starting")).contains("make room")
        );
        assert!(what_to_do(&anyhow::anyhow!("no key")).contains("log lines"));
    }

    #[test]
    fn a_cause_is_told_once() {
        let error =
            anyhow::anyhow!("disk full").context("writing x: disk full").context("starting");
        assert_eq!(causes(&error), "starting: writing x: disk full");
    }
}
