//! A devnet of the measurement's own.

use crate::cli::output::Failure;
use crate::devnet::directory::{Directory, State};
use crate::devnet::proxy::Link;
use crate::devnet::{faults, start, up};

/// A devnet that exists for some measurements and is removed after them, whatever happens.
#[derive(Debug)]
pub struct Network {
    directory: Directory,
    state: State,
}

impl Network {
    /// Starts so many validators on this machine, behind fault proxies where delays are wanted.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start(nodes: u16, proxied: bool) -> Result<Self, Failure> {
        let directory = Directory::ephemeral()?;
        let options = up::Options {
            nodes: Some(nodes),
            base_port: Some(0),
            ephemeral: true,
            proxied,
            ..up::Options::default()
        };
        let state = match up::bring_up(&directory, &options).await {
            Ok(state) => state,
            Err(failure) => {
                directory.remove()?;
                return Err(failure);
            }
        };
        Ok(Self { directory, state })
    }

    /// Where its nodes answer.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.state.urls()
    }

    /// From now on every message takes so long.
    ///
    /// # Errors
    /// Its proxies do not hear.
    pub fn delay(&self, delay_ms: u64) -> Result<(), Failure> {
        let names: Vec<String> = self.state.nodes.iter().map(|node| node.name.clone()).collect();
        faults::set(&self.directory, &names, Link { delay_ms, ..Link::default() })?;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let stopped = start::stop_all(&self.directory).map(|_| ());
        if let Err(failure) = stopped.and_then(|()| Ok(self.directory.remove()?)) {
            tracing::warn!(event = "bench.not_removed", failure = failure.message);
        }
    }
}
