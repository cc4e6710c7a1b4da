//! Whether the database reads as it was written: its logs, the state of the applied height, the last blocks.

use std::sync::Arc;

use logothete_ledger::store::{FamilyUsage, RocksStore, Store};
use logothete_primitives::Height;

use super::check::Check;
use crate::chain::{Chain, ChainError, Genesis, batch_hashes};
use crate::config::Config;
use crate::recover::{self, Layout};
use crate::remedy::Remedy;
use crate::scratch::Scratch;

const NAME: &str = "database";
/// Newest blocks that are read with their batches.
const BLOCKS: u64 = 100;

/// Reads the database without changing it; a node that runs has it open and is left alone.
pub(super) fn check(config: &Config, genesis: &Arc<Genesis>, runs: bool) -> Check {
    let layout = Layout::new(&config.paths.data);
    if runs {
        return Check::not_checked(
            NAME,
            "the node runs and has it open",
            "stop the node to have it read; /livez and the log tell of a running one",
        );
    }
    if !layout.database().join("CURRENT").exists() {
        return Check::ok(NAME, "there is none yet; the first start makes it");
    }
    match read(&layout, genesis) {
        Ok(height) => {
            Check::ok(NAME, format!("height {height}, state and newest blocks are whole"))
        }
        Err(error) => {
            let advice = Remedy::of(&error).text();
            Check::fault(NAME, format!("{error:#}"), advice)
        }
    }
}

/// What each family of a database that nobody has open takes.
pub(super) fn usage(config: &Config) -> anyhow::Result<Vec<FamilyUsage>> {
    let scratch = Scratch::new()?;
    let database = Layout::new(&config.paths.data).database();
    Ok(RocksStore::open_read_only(&database, scratch.path())?.usage()?)
}

fn read(layout: &Layout, genesis: &Arc<Genesis>) -> anyhow::Result<Height> {
    let scratch = Scratch::new()?;
    let store = RocksStore::open_read_only(&layout.database(), scratch.path())?;
    anyhow::ensure!(
        store.chain() == genesis.chain,
        "the database belongs to chain {}, the chain file is of {}",
        store.chain(),
        genesis.chain
    );
    let chain = Chain::new(Arc::new(store), genesis.clone());
    let applied = chain.store().applied_height();
    if applied.is_some() {
        recover::load_tree(&chain)?;
    }
    let newest = chain.store().committed_height();
    let mut height = newest;
    while height > Height::ZERO && newest.since(height) < BLOCKS {
        // Batches of blocks that were not executed yet may be on their way.
        read_block(&chain, height, Some(height) <= applied)?;
        height = height.minus(1);
    }
    Ok(newest)
}

fn read_block(chain: &Chain, height: Height, is_executed: bool) -> Result<(), ChainError> {
    let stored = chain.expect_block(height)?;
    let hashes = if is_executed { batch_hashes(&stored.block) } else { Vec::new() };
    for hash in hashes {
        chain.batch(&hash)?.ok_or(ChainError::Missing { what: "batch", height })?;
    }
    Ok(())
}
