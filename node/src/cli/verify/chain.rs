//! `verify chain`: every block a stopped node keeps, and its state.

use std::time::Instant;

use logothete_genesis::Spec;
use logothete_ledger::audit::{AuditError, Audited, audit};
use logothete_ledger::store::{RocksStore, Store, StoreError};
use serde_json::json;

use crate::chain_check::Check;
use crate::cli::backup::blocking;
use crate::cli::config::Place;
use crate::cli::context::Context;
use crate::cli::db::Idle;
use crate::cli::errors::disbelieved;
use crate::cli::output::{Failure, Outcome, Reply};
use crate::cli::progress::Meter;
use crate::cli::show;
use crate::config::Config;
use crate::scratch::Scratch;

/// Reads all of it against the chain file of the node, or the one that was named.
///
/// # Errors
/// The node runs; the first thing that does not hold, with its height.
pub(super) async fn perform(context: &Context, place: &Place) -> Outcome {
    let config = Config::from_settings(&place.resolve()?);
    let spec = Spec::load(context.named_genesis().unwrap_or(&config.paths.genesis))?;
    let idle = Idle::take(&config)?;
    let database = idle.layout.database();
    let mut meter = Meter::new(context.printer);
    let began = Instant::now();
    let audited = blocking(move || -> Result<Audited, Failure> {
        let scratch = Scratch::new()?;
        let store = RocksStore::open_read_only(&database, scratch.path())?;
        if store.chain() != spec.chain_id() {
            let (expected, found) = (spec.chain_id(), store.chain());
            return Err(StoreError::ForeignChain { expected, found }.into());
        }
        let mut watch = |step| meter.at(step);
        audit(&store, &mut Check::new(&spec, &mut watch)).map_err(|error| unbelieved(&error))
    })
    .await?;
    drop(idle);
    let Audited { height, state_root, state_entries, blocks, certificates } = audited;
    let text = format!(
        "{} {} blocks, {} commit certificates and {} state entries verified in {}\nstate root {state_root} at height {}",
        context.printer.tick(),
        show::grouped(blocks),
        show::grouped(certificates),
        show::grouped(state_entries),
        show::duration(began.elapsed()),
        height.map_or("none".to_owned(), |height| height.to_string()),
    );
    Ok(Reply::new(
        json!({
            "blocks": blocks, "certificates": certificates, "state_entries": state_entries,
            "height": height, "state_root": state_root, "seconds": began.elapsed().as_secs_f64(),
        }),
        text,
    ))
}

fn unbelieved(error: &AuditError) -> Failure {
    disbelieved("bad_chain", error).with_hint(
        "wipe the node, it heals from its peers; keep a copy if you want to find the cause",
    )
}
