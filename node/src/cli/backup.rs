//! `backup create|verify|restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use logothete_ledger::backup::BackupError;
use serde_json::Value;

use super::admin::{self, Which};
use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply};
use crate::admin::Request;
use crate::backup;

/// Backups of a node: consistent, verifiable without the node, and safe to restore.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, from the command line")]
pub enum Backup {
    /// Copy a running node's data at a final height.
    #[command(
        after_help = "Examples:\n  logothete backup create --node v0 --to ./backup\n  logothete backup create --home ./node0 --to ./backup"
    )]
    Create(Create),
    /// Check a backup against the chain's own certificates and state root; needs no node.
    #[command(after_help = "Example:\n  logothete backup verify ./backup --genesis genesis.toml")]
    Verify(Verify),
    /// Verify a backup and write its data into an empty directory.
    #[command(
        after_help = "Example:\n  logothete backup restore ./backup --to ./node0/data --genesis genesis.toml\n\n\
        A restored validator may have signed after the backup was taken: it joins as a learner and votes again when that is safe."
    )]
    Restore(Restore),
}

/// Arguments of `backup create`.
#[derive(Args, Debug)]
pub struct Create {
    /// Directory to write; must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    which: Which,
}

/// Arguments of `backup verify`.
#[derive(Args, Debug)]
pub struct Verify {
    /// The backup.
    backup: PathBuf,
}

/// Arguments of `backup restore`.
#[derive(Args, Debug)]
pub struct Restore {
    /// The backup.
    backup: PathBuf,
    /// Data directory to write; must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Creates, verifies or restores.
///
/// # Errors
/// The node is not reached or refuses; a backup that is damaged or of another chain.
pub async fn perform(context: &Context, command: Backup) -> Outcome {
    match command {
        Backup::Create(wish) => create(context, wish).await,
        Backup::Verify(wish) => {
            let spec = context.trusted_spec()?;
            let report = blocking(move || backup::verify(&wish.backup, &spec)).await?;
            let text = format!("{} {report}", context.printer.tick());
            Ok(Reply::new(report, text))
        }
        Backup::Restore(wish) => {
            let spec = context.trusted_spec()?;
            let to = wish.to.clone();
            let report = blocking(move || backup::restore(&wish.backup, &wish.to, &spec)).await?;
            let text =
                format!("{} {report}\nrestored into {}", context.printer.tick(), to.display());
            Ok(Reply::new(report, text))
        }
    }
}

async fn create(context: &Context, wish: Create) -> Outcome {
    let dir = std::path::absolute(&wish.to)?;
    let shown = dir.display().to_string();
    let answer = admin::ask(context, &wish.which, Request::Backup { dir }).await?;
    let height = answer.get("height").and_then(Value::as_str).unwrap_or("?").to_owned();
    let text = format!(
        "{} backup of height {height} in {shown}\ncheck it: logothete backup verify {shown}",
        context.printer.tick()
    );
    Ok(Reply::new(answer, text))
}

/// Runs what reads and writes much on a thread of its own.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    E: Send + 'static,
    Failure: From<E>,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Failure::new("panicked", "the work ended by a panic; see above")),
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::NotEmpty { .. } => {
                Self::new("not_empty", message).with_exit(Exit::UnsafeRefused)
            }
            BackupError::ForeignChain { .. } => Self::new("foreign_chain", message)
                .with_exit(Exit::VerificationFailed)
                .with_hint("is --genesis the chain file of this backup?"),
            BackupError::Io { .. } | BackupError::Store(_) => Self::new("io", message),
            _ => Self::new("bad_backup", message)
                .with_exit(Exit::VerificationFailed)
                .with_hint("do not restore it; take another backup"),
        }
    }
}
