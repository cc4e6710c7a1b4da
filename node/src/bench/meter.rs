//! What became final between two moments, and what that took.

use std::time::{Duration, Instant};

use super::finality::Window;
use super::profile::{Profiler, Recorded, Recording};
use super::usage::{self, LocalNode, Usage};
use crate::cli::output::Failure;
use crate::devnet::process;

/// The figures of the measured time.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How long it was.
    pub elapsed: Duration,
    /// What became final in it.
    pub window: Window,
    /// What each node that runs on this machine used.
    pub nodes: Vec<Usage>,
    /// CPU time of this process.
    pub client_cpu: Duration,
}

/// A measured time that has begun.
#[derive(Debug)]
pub struct Meter {
    nodes: Vec<LocalNode>,
    before: Vec<Usage>,
    own_before: Duration,
    recording: Option<Recording>,
    began: Instant,
}

impl Meter {
    /// Begins to measure nodes; they are sampled for a flame graph if there is a profiler.
    ///
    /// # Errors
    /// The profiler cannot be started.
    pub async fn start(nodes: Vec<LocalNode>, profiler: Option<Profiler>) -> Result<Self, Failure> {
        let (before, own_before) = (usage::sample(&nodes).await, process::own_cpu());
        let pids: Vec<u32> = nodes.iter().map(LocalNode::pid).collect();
        let recording = profiler.map(|profiler| profiler.begin(&pids)).transpose()?;
        Ok(Self { nodes, before, own_before, recording, began: Instant::now() })
    }

    /// How long it has been measured.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends the measured time; `close` says what became final in it.
    ///
    /// # Errors
    /// What the profiler says when it could not sample.
    pub async fn stop(
        self,
        close: impl FnOnce() -> Window,
    ) -> Result<(Measured, Option<Recorded>), Failure> {
        let elapsed = self.began.elapsed();
        let window = close();
        let client_cpu = process::own_cpu().saturating_sub(self.own_before);
        let after = usage::sample(&self.nodes).await;
        let used = after.iter().zip(&self.before).map(|(after, before)| after.since(before));
        let nodes = used.collect();
        let recorded = Recording::end(self.recording).await?;
        Ok((Measured { elapsed, window, nodes, client_cpu }, recorded))
    }
}
