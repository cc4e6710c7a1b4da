//! `backup create|verify|restore|drill`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use logothete_genesis::Spec;
use logothete_ledger::backup::{BackupError, Manifest};
use logothete_primitives::{ChainId, TimestampMs};
use serde::Serialize;
use serde_json::{Value, json};

use super::admin::{self, Way, Which};
use super::context::Context;
use super::errors;
use super::output::{Exit, Failure, Outcome, Reply};
use super::progress::Meter;
use crate::admin::Request;
use crate::backup::{self, Started, Summary};
use crate::recover::RecoverError;
use crate::scratch::Scratch;

/// Most entries of a directory of backups that are looked at.
const BACKUPS_MAX: usize = 10_000;

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
    #[command(
        after_help = "Examples:\n  logothete backup verify ./backup --genesis genesis.toml\n  \
        logothete backup verify ./backup --genesis genesis.toml --home ./node0\n\n\
        A node that is named is told of a good backup: its metrics say when the newest verified one was made."
    )]
    Verify(Verify),
    /// Verify a backup and write its data into an empty directory.
    #[command(
        after_help = "Example:\n  logothete backup restore ./backup --to ./node0/data --genesis genesis.toml\n\n\
        A restored validator may have signed after the backup was taken: it joins as a learner and votes again when that is safe."
    )]
    Restore(Restore),
    /// Prove that the newest backup can be used: verify it, restore it into a scratch directory, start from it, remove it again.
    #[command(
        after_help = "Examples:\n  logothete backup drill ./backups --genesis genesis.toml\n  \
        logothete backup drill ./backup --scratch /mnt/large --genesis genesis.toml --home ./node0\n\n\
        It needs no node and as much free space as the backup; the exit code is 7 when the backup is of no use.\n\
        A node that is named is told of a good one: its metrics say when the newest verified one was made."
    )]
    Drill(Drill),
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
    #[command(flatten)]
    which: Which,
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

/// Arguments of `backup drill`.
#[derive(Args, Debug)]
pub struct Drill {
    /// A backup, or a directory of backups, of which the newest is taken.
    backups: PathBuf,
    /// Directory in which the scratch directory is made; else the system's temporary one.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Creates, verifies or restores.
///
/// # Errors
/// The node is not reached or refuses; a backup that is damaged or of another chain.
pub async fn perform(context: &Context, command: Backup) -> Outcome {
    match command {
        Backup::Create(wish) => create(context, wish).await,
        Backup::Verify(wish) => verify(context, wish).await,
        Backup::Restore(wish) => restore(context, wish).await,
        Backup::Drill(wish) => drill(context, wish).await,
    }
}

/// What `backup verify` answers.
#[derive(Serialize)]
struct Verified {
    #[serde(flatten)]
    summary: Summary,
    /// Whether the node that was named knows it now; none if none was named.
    told: Option<bool>,
}

/// Verifies a backup, and tells the node that is named.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) async fn verify(context: &Context, wish: Verify) -> Outcome {
    let spec = context.trusted_spec()?;
    let addressee = Addressee::named(context, &wish.which, &spec)?;
    let mut meter = Meter::new(context.printer);
    let work = move || backup::verify(&wish.backup, &spec, &mut |step| meter.at(step));
    let summary = blocking(work).await?;
    let text = format!("{} {summary}", context.printer.tick());
    let told = addressee.tell(context, summary.created_ms).await;
    Ok(Reply::new(Verified { summary, told }, text))
}

/// The node that wants to know which backups are good, if one is named.
struct Addressee {
    way: Option<Way>,
    chain: ChainId,
}

impl Addressee {
    /// Found before the work, so that a name that is none is not told after hours.
    fn named(context: &Context, which: &Which, spec: &Spec) -> Result<Self, Failure> {
        Ok(Self { way: admin::way_if_named(context, which)?, chain: spec.chain_id() })
    }

    /// Tells of a backup that was verified. It is good also when the node cannot be told.
    async fn tell(self, context: &Context, created_ms: TimestampMs) -> Option<bool> {
        let request = Request::BackupVerified { chain: self.chain, created_ms };
        let told = admin::ask_by(self.way?, request, |_| ()).await;
        if let Err(Failure { message, hint, .. }) = &told {
            context.printer.progress(&format!("note: the node was not told: {message}"));
            if let Some(hint) = hint {
                context.printer.progress(&format!(" hint: {hint}"));
            }
        }
        Some(told.is_ok())
    }
}

async fn restore(context: &Context, wish: Restore) -> Outcome {
    let spec = context.trusted_spec()?;
    let to = wish.to.clone();
    let mut meter = Meter::new(context.printer);
    let work = move || backup::restore(&wish.backup, &wish.to, &spec, &mut |step| meter.at(step));
    let report = blocking(work).await?;
    let text = format!("{} {report}\nrestored into {}", context.printer.tick(), to.display());
    Ok(Reply::new(report, text))
}

/// What a drill proved, and how long it took.
struct Drilled {
    restored: Summary,
    started: Started,
    restore_seconds: f64,
    start_seconds: f64,
}

async fn drill(context: &Context, wish: Drill) -> Outcome {
    let spec = context.trusted_spec()?;
    let addressee = Addressee::named(context, &wish.which, &spec)?;
    let chosen = newest(&wish.backups)?;
    let parent = wish.scratch.unwrap_or_else(std::env::temp_dir);
    let mut meter = Meter::new(context.printer);
    let dir = chosen.clone();
    let drilled = blocking(move || rehearse(&dir, &parent, &spec, &mut meter)).await?;
    let Drilled { restored, started, restore_seconds, start_seconds } = drilled;
    let told = addressee.tell(context, restored.created_ms).await;
    let text = format!(
        "{tick} {} is usable\n{restored}\n  verified and restored in {:.1} s · started in {:.1} s: \
         height {} · state root equal · {} final\n  the scratch directory is removed",
        chosen.display(),
        restore_seconds,
        start_seconds,
        started.height,
        started.committed,
        tick = context.printer.tick(),
    );
    Ok(Reply::new(
        json!({
            "backup": chosen, "restored": restored, "started": started,
            "restore_seconds": restore_seconds, "start_seconds": start_seconds, "told": told,
        }),
        text,
    ))
}

fn rehearse(dir: &Path, parent: &Path, spec: &Spec, meter: &mut Meter) -> Result<Drilled, Failure> {
    let scratch = Scratch::within(parent)?;
    let data = scratch.path().join("data");
    let began = Instant::now();
    let restored = backup::restore(dir, &data, spec, &mut |step| meter.at(step))?;
    let restore_seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let started = backup::start(&data, spec).map_err(|error| not_started(&error))?;
    let start_seconds = began.elapsed().as_secs_f64();
    if (started.height, started.state_root) != (restored.height, restored.state_root) {
        let (height, root) = (started.height, started.state_root);
        let message = format!("a start from it comes to height {height} with state root {root}");
        return Err(useless(message));
    }
    Ok(Drilled { restored, started, restore_seconds, start_seconds })
}

fn not_started(error: &RecoverError) -> Failure {
    useless(format!("no node starts from it: {error}"))
}

fn useless(message: String) -> Failure {
    Failure::new("bad_backup", message)
        .with_exit(Exit::VerificationFailed)
        .with_hint("do not restore it; take another backup")
}

/// The backup itself, or the newest finished one in a directory of backups.
fn newest(directory: &Path) -> Result<PathBuf, Failure> {
    if directory.join("manifest.json").exists() {
        return Ok(directory.to_path_buf());
    }
    let mut newest = None;
    let unread = |error| Failure::new("io", format!("{}: {error}", directory.display()));
    for entry in std::fs::read_dir(directory).map_err(unread)?.take(BACKUPS_MAX) {
        let path = entry.map_err(unread)?.path();
        if !path.join("manifest.json").exists() {
            continue;
        }
        // One that cannot be read may be the newest: the drill must not pass by another.
        let made = Manifest::read(&path)?.created_ms;
        if newest.as_ref().is_none_or(|(newest, _)| made > *newest) {
            newest = Some((made, path));
        }
    }
    newest.map(|(_, path)| path).ok_or_else(|| {
        let place = directory.display();
        Failure::new("no_backup", format!("{place} is no backup and holds none that is finished"))
            .with_hint("make one: logothete backup create --to DIR")
    })
}

async fn create(context: &Context, wish: Create) -> Outcome {
    let dir = std::path::absolute(&wish.to)?;
    let shown = dir.display().to_string();
    let mut meter = Meter::new(context.printer);
    let request = Request::Backup { dir, progress: true };
    let asked = admin::ask_watching(context, &wish.which, request, move |step| meter.at(step));
    let answer = asked.await?;
    let height = answer.get("height").and_then(Value::as_str).unwrap_or("?").to_owned();
    let text = format!(
        "{} backup of height {height} in {shown}\ncheck it: logothete backup verify {shown}",
        context.printer.tick()
    );
    Ok(Reply::new(answer, text))
}

/// Runs what reads and writes much on a thread of its own.
///
/// # Errors
/// Those of the work.
pub(super) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Failure>
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
            BackupError::Audit(error) => errors::disbelieved("bad_backup", &error)
                .with_hint("do not restore it; take another backup"),
            BackupError::Io { .. } | BackupError::Store(_) => Self::new("io", message),
            _ => Self::new("bad_backup", message)
                .with_exit(Exit::VerificationFailed)
                .with_hint("do not restore it; take another backup"),
        }
    }
}
