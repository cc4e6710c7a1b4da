//! `db stats|compact`: the database of a node that does not run.

use std::path::Path;
use std::time::Instant;

use clap::Subcommand;
use logothete_ledger::database::{self, FamilyStats, Stats};
use logothete_ledger::store::{DataLock, StoreError, disk_space};
use serde_json::{Value, json};

use super::backup::blocking;
use super::config::Place;
use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply, table};
use super::progress::Meter;
use super::show;
use crate::config::Config;
use crate::recover::Layout;
use crate::scratch::Scratch;

/// The database of a node that does not run; a running node tells its figures at /metrics.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, from the command line")]
pub enum Db {
    /// Heights, and what each family of records takes: bytes, records, files by level. Changes nothing.
    #[command(after_help = "Example:\n  logothete db stats --home ./node0")]
    Stats(Place),
    /// Write every family anew, so that what was deleted takes no room. Needs as much free space as the largest family.
    #[command(after_help = "Example:\n  logothete db compact --home ./node0\n\n\
        Nothing of the chain is removed: a node keeps all blocks, because others fetch them from it.")]
    Compact(Place),
}

/// A database that nobody else has open while this value lives.
pub(super) struct Idle {
    /// Where the parts are.
    pub(super) layout: Layout,
    _lock: DataLock,
}

impl Idle {
    /// Takes the lock of the data directory.
    ///
    /// # Errors
    /// The node runs, or there is no database.
    pub(super) fn take(config: &Config) -> Result<Self, Failure> {
        let layout = Layout::new(&config.paths.data);
        if !layout.database().join("CURRENT").exists() {
            let path = layout.database();
            return Err(Failure::new("no_database", format!("no database in {}", path.display()))
                .with_hint("name the home directory of the node with --home DIR"));
        }
        let lock = DataLock::acquire(layout.data())?;
        Ok(Self { layout, _lock: lock })
    }
}

/// Looks, or writes anew.
///
/// # Errors
/// The node runs, there is no database, it is damaged, or there is no room.
pub async fn perform(context: &Context, command: Db) -> Outcome {
    match command {
        Db::Stats(place) => stats(&Config::from_settings(&place.resolve()?)).await,
        Db::Compact(place) => compact(context, &Config::from_settings(&place.resolve()?)).await,
    }
}

async fn stats(config: &Config) -> Outcome {
    let idle = Idle::take(config)?;
    let path = idle.layout.database();
    let stats = blocking(move || -> Result<Stats, Failure> { Ok(look(&path)?) }).await?;
    Ok(Reply::new(data(&stats), described(&stats)))
}

fn look(path: &Path) -> Result<Stats, StoreError> {
    let scratch =
        Scratch::new().map_err(|source| StoreError::Io { path: std::env::temp_dir(), source })?;
    database::stats(path, scratch.path())
}

fn data(stats: &Stats) -> Value {
    let families = stats.families.iter().map(|family| {
        let usage = &family.usage;
        let levels = family.levels.iter().map(|level| {
            json!({
                "level": level.level, "files": level.files,
                "bytes": level.bytes.to_string(), "deletions": level.deletions.to_string(),
            })
        });
        json!({
            "family": usage.family, "bytes": usage.disk_bytes.to_string(),
            "records_estimated": usage.records.to_string(), "levels": levels.collect::<Vec<_>>(),
        })
    });
    json!({
        "chain_id": stats.chain, "committed": stats.committed, "applied": stats.applied,
        "bytes": stats.disk_bytes().to_string(), "families": families.collect::<Vec<_>>(),
    })
}

fn described(stats: &Stats) -> String {
    let levels = |family: &FamilyStats| {
        let levels = family.levels.iter().map(|level| format!("L{}: {}", level.level, level.files));
        levels.collect::<Vec<_>>().join(" ")
    };
    let rows = stats.families.iter().map(|family| {
        let deletions: u64 = family.levels.iter().map(|level| level.deletions).sum();
        vec![
            family.usage.family.to_owned(),
            show::grouped(family.usage.disk_bytes),
            format!("~{}", show::grouped(family.usage.records)),
            show::grouped(deletions),
            levels(family),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let headings = ["family", "bytes", "records", "deletions", "files by level"];
    let applied = stats.applied.map_or("none".to_owned(), |height| height.to_string());
    format!(
        "chain {}\nfinal height {} · executed height {applied}\n{}{} bytes",
        stats.chain,
        stats.committed,
        table(&headings, &rows),
        show::grouped(stats.disk_bytes()),
    )
}

async fn compact(context: &Context, config: &Config) -> Outcome {
    let idle = Idle::take(config)?;
    let path = idle.layout.database();
    let mut meter = Meter::new(context.printer);
    let began = Instant::now();
    let (before, after) = blocking(move || -> Result<_, Failure> {
        refuse_without_room(&look(&path)?, &path)?;
        Ok(database::compact(&path, &mut |step| meter.at(step))?)
    })
    .await?;
    drop(idle);
    let took = show::duration(began.elapsed());
    let text = format!(
        "{} {} bytes before, {} after · {took}",
        context.printer.tick(),
        show::grouped(before),
        show::grouped(after),
    );
    let seconds = began.elapsed().as_secs_f64();
    let (before, after) = (before.to_string(), after.to_string());
    Ok(Reply::new(
        json!({ "bytes_before": before, "bytes_after": after, "seconds": seconds }),
        text,
    ))
}

/// The old files of a family stay until the new ones are there.
fn refuse_without_room(stats: &Stats, path: &Path) -> Result<(), Failure> {
    let largest = stats.families.iter().map(|family| family.usage.disk_bytes).max().unwrap_or(0);
    let free = disk_space(path)?.free_bytes;
    if free > largest {
        return Ok(());
    }
    let (free, largest) = (show::grouped(free), show::grouped(largest));
    let message = format!("{free} bytes are free, {largest} are needed for a while");
    Err(Failure::new("no_space", message)
        .with_exit(Exit::UnsafeRefused)
        .with_hint("make room on the disk of the data directory first"))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Locked { .. } => Self::new("node_runs", message).with_hint(
                "stop the node first; a running one tells at /metrics, and `logothete backup create` copies it",
            ),
            error if error.is_corruption() => Self::new("damaged", message)
                .with_exit(Exit::VerificationFailed)
                .with_hint("wipe the node, it heals from its peers; or restore a backup"),
            _ => Self::new("store", message),
        }
    }
}
