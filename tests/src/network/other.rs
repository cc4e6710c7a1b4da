//! Nodes that are otherwise than the rest of their network: on another chain, by another clock, told other things.

use std::time::Duration;

use anyhow::ensure;
use logothete_primitives::TimestampMs;

use super::{TestNet, write_fresh_marker};
use crate::disk::Disk;

impl TestNet {
    /// Changes the configuration of a node that does not run.
    ///
    /// # Errors
    /// When the text to be replaced is not there, or the file cannot be written.
    pub fn reconfigure(&self, index: usize, from: &str, to: &str) -> anyhow::Result<()> {
        let file = self.nodes[index].home.join("config.toml");
        let text = std::fs::read_to_string(&file)?;
        ensure!(text.contains(from), "{from:?} is not in the configuration:\n{text}");
        Ok(std::fs::write(file, text.replace(from, to))?)
    }

    /// Kills a validator and gives it, with an empty directory, the file of another chain of the same validators.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn put_on_other_chain(&mut self, index: usize) -> anyhow::Result<()> {
        self.wipe(index)?;
        let mut other = self.spec.clone();
        other.timestamp = TimestampMs::new(other.timestamp.get() + 1);
        other.write_new(&self.scratch("other.toml"))?;
        write_fresh_marker(&other, index, &self.nodes[index].home)?;
        self.reconfigure(index, "/genesis.toml", "/other.toml")
    }

    /// Starts a node that does not run, whose wall clock is ahead.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn start_with_clock_ahead(&mut self, index: usize, by: Duration) -> anyhow::Result<()> {
        self.spawn(index, |_, command| Disk::set_clock(command, i64::try_from(by.as_secs())?))
    }
}
