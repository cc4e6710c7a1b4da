//! `doctor`: what may keep a node from running well, looked at before it runs and while it runs.
//!
//! One file for each thing that is looked at; each gives a [`Check`]. What costs little and asks nobody is looked at
//! before every start too ([`at_start`]). What could not be looked at says so, and is never called good.

mod bundle;
mod check;
mod clock;
mod configuration;
mod database;
mod disk;
mod elsewhere;
mod handles;
mod key;
mod peers;
mod ports;

use std::sync::Arc;
use std::time::Duration;

use logothete_genesis::Spec;
use logothete_ledger::store::{DataLock, StoreError};

pub use self::bundle::{Bundle, Content};
pub use self::check::{Check, Verdict};
pub use self::disk::FREE_LEAST as DISK_FREE_LEAST;
pub use self::elsewhere::Witness;
pub use self::handles::raise as raise_handles;
use crate::config::Config;
use crate::recover;

/// How an examination is made, besides the configuration.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// How long peers are listened to.
    pub patience: Duration,
    /// What nodes that were named said of our key.
    pub witnesses: Vec<Witness>,
}

/// What is cheap and local: looked at before every start.
#[must_use]
pub fn at_start(config: &Config) -> Vec<Check> {
    let mut checks = configuration::check(config);
    checks.extend([key::check(config), disk::space(config), handles::check()]);
    checks.push(ports::check(config));
    checks
}

/// Everything; the checks in the order in which they are to be read.
pub async fn examine(config: &Config, wishes: &Wishes) -> Vec<Check> {
    // Held while the database is read, so that no node begins to write it.
    let lock = DataLock::acquire(&config.paths.data);
    let runs = matches!(lock, Err(StoreError::Locked { .. }));
    let mut checks = configuration::check(config);
    checks.extend([key::check(config), disk::space(config), disk::sync(config), handles::check()]);
    checks.push(if runs { ports::ours() } else { ports::check(config) });
    let Ok(spec) = Spec::load(&config.paths.genesis) else {
        // What is wrong with it was told above.
        let unread = ["database", "peers", "chain", "clock", "key_elsewhere"];
        let unread = unread.map(|name| {
            Check::not_checked(name, "there is no chain file to compare with", "mend it first")
        });
        checks.extend(unread);
        return checks;
    };
    let genesis = Arc::new(recover::genesis_of(&spec));
    checks.push(database::check(config, &genesis, runs));
    drop(lock);
    let meeting = peers::meet(config, &genesis, wishes.patience).await;
    let meeting = meeting.map_err(|error| format!("{error:#}"));
    checks.extend(peers::check(&meeting));
    checks.push(clock::check(&meeting, spec.params.clock_drift_ms_max));
    let told = (&meeting, wishes.witnesses.as_slice());
    checks.push(elsewhere::check(config, &genesis, told, runs));
    checks
}
