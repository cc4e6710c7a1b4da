//! Supervision: a stage of the pipeline that fails, panics, ends or stalls ends the process with the reason.
//!
//! A ledger node that looks alive while one of its stages is dead is worse than one that is down, because
//! nobody restarts it. Hence no stage is ever restarted in place: the process stops and says why.

use std::any::Any;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

/// How often stalled stages are looked for.
const PATROL_INTERVAL: Duration = Duration::from_secs(1);

/// Why a stage ended the process.
#[derive(Debug, Error)]
pub enum Failure {
    /// The stage returned an error that it could not handle.
    #[error("stage {stage} failed: {reason:#}")]
    Failed {
        /// Name of the stage.
        stage: &'static str,
        /// The error with its causes.
        reason: anyhow::Error,
    },
    /// The stage panicked: one of our own invariants is broken.
    #[error("stage {stage} panicked: {message}")]
    Panicked {
        /// Name of the stage.
        stage: &'static str,
        /// The panic message.
        message: String,
    },
    /// The stage returned although the node was not asked to stop.
    #[error("stage {stage} ended without being asked to")]
    Ended {
        /// Name of the stage.
        stage: &'static str,
    },
    /// The stage has been busy with one piece of work for too long.
    #[error("stage {stage} has been stuck for {stuck:?}")]
    Stalled {
        /// Name of the stage.
        stage: &'static str,
        /// For how long.
        stuck: Duration,
    },
}

/// The pulse of one stage: busy with a piece of work since when, or idle.
#[derive(Debug)]
pub struct Pulse {
    stage: &'static str,
    origin: Instant,
    /// Milliseconds since `origin` plus one; zero while idle.
    busy_since: AtomicU64,
    beats: AtomicU64,
}

/// Marks a stage as busy until it is dropped.
#[must_use]
pub struct Busy<'a>(&'a Pulse);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy_since.store(0, Ordering::Relaxed);
    }
}

impl Pulse {
    fn new(stage: &'static str) -> Self {
        Self {
            stage,
            origin: Instant::now(),
            busy_since: AtomicU64::new(0),
            beats: AtomicU64::new(0),
        }
    }

    /// Declares that a piece of work begins.
    pub fn busy(&self) -> Busy<'_> {
        let elapsed = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.busy_since.store(elapsed + 1, Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Name of the stage.
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// For how long the stage has been busy with its current piece of work.
    pub fn stuck(&self) -> Option<Duration> {
        let since = self.busy_since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.origin.elapsed().saturating_sub(Duration::from_millis(since)))
    }

    /// Pieces of work done so far.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

/// Watches over the stages of a node.
#[derive(Clone)]
pub struct Supervisor {
    stop: CancellationToken,
    failures: mpsc::Sender<Failure>,
    pulses: Arc<Mutex<Vec<Arc<Pulse>>>>,
    stages: TaskTracker,
}

impl Supervisor {
    /// A supervisor, and the channel on which the first failure arrives.
    pub fn new(stop: CancellationToken) -> (Self, mpsc::Receiver<Failure>) {
        let (failures, first) = mpsc::channel(8);
        (Self { stop, failures, pulses: Arc::default(), stages: TaskTracker::new() }, first)
    }

    /// The token that asks every stage to stop.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Registers the pulse of a stage.
    pub fn pulse(&self, stage: &'static str) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::new(stage));
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(pulse.clone());
        pulse
    }

    /// The pulses of all stages, for the health report.
    pub fn pulses(&self) -> Vec<Arc<Pulse>> {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a stage that lives as long as the node.
    pub fn spawn<F>(&self, stage: &'static str, work: F) -> tokio::task::JoinHandle<()>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stop, failures) = (self.stop.clone(), self.failures.clone());
        let running = tokio::spawn(work);
        self.stages.spawn(async move {
            let failure = match running.await {
                Ok(Ok(())) if stop.is_cancelled() => {
                    debug!(event = "stage.stopped", stage);
                    return;
                }
                Ok(Ok(())) => Failure::Ended { stage },
                Ok(Err(reason)) => Failure::Failed { stage, reason },
                Err(join) => Failure::Panicked { stage, message: panic_message(join) },
            };
            error!(event = "stage.failed", stage, %failure);
            // The receiver takes the first failure only; later ones are consequences.
            let _ = failures.try_send(failure);
        })
    }

    /// Runs a stage on a thread of its own, where it may wait for the disk without holding up others.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn_thread<F>(&self, stage: &'static str, work: F) -> std::io::Result<()>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let runtime = tokio::runtime::Handle::current();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name(stage.to_owned()).spawn(move || {
            let run = std::panic::AssertUnwindSafe(|| runtime.block_on(work));
            // The receiver lives as long as the node.
            let _ = sender.send(std::panic::catch_unwind(run));
        })?;
        self.spawn(stage, async move {
            match receiver.await {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => anyhow::bail!("the thread ended without a result"),
            }
        });
        Ok(())
    }

    /// Waits until every stage has ended, which they do once the node is asked to stop; says whether they did.
    ///
    /// What they use, the store above all, may be closed only then.
    pub async fn drained(&self, limit: Duration) -> bool {
        self.stages.close();
        tokio::time::timeout(limit, self.stages.wait()).await.is_ok()
    }

    /// Looks for stages that are stuck for longer than `limit`, until the node stops.
    pub fn patrol(&self, limit: Duration) {
        let supervisor = self.clone();
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(PATROL_INTERVAL);
            while !supervisor.stop.is_cancelled() {
                interval.tick().await;
                for pulse in supervisor.pulses() {
                    if let Some(stuck) = pulse.stuck().filter(|stuck| *stuck > limit) {
                        let stage = pulse.stage();
                        error!(event = "stage.stalled", stage, ?stuck);
                        let _ = supervisor.failures.try_send(Failure::Stalled { stage, stuck });
                    }
                }
            }
        });
    }
}

fn panic_message(join: tokio::task::JoinError) -> String {
    match join.try_into_panic() {
        Ok(payload) => panic_text(&*payload),
        Err(cancelled) => cancelled.to_string(),
    }
}

/// The words of a panic that was caught.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = literal.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn reports_a_panicking_stage_with_its_message() {
        let (supervisor, mut first) = Supervisor::new(CancellationToken::new());
        supervisor.spawn("executor", async { panic!("roots differ at height 7") });
        let failure = first.recv().await.unwrap();
        assert_eq!(failure.to_string(), "stage executor panicked: roots differ at height 7");
    }

    #[tokio::test]
    async fn reports_a_stage_that_ends_too_early() {
        let (supervisor, mut first) = Supervisor::new(CancellationToken::new());
        supervisor.spawn("driver", async { Ok(()) });
        assert!(matches!(first.recv().await.unwrap(), Failure::Ended { stage: "driver" }));
    }

    #[tokio::test]
    async fn is_silent_when_the_node_was_asked_to_stop() {
        let stop = CancellationToken::new();
        let (supervisor, mut first) = Supervisor::new(stop.clone());
        stop.cancel();
        supervisor.spawn("driver", async { Ok(()) }).await.unwrap();
        drop(supervisor);
        assert!(first.recv().await.is_none());
    }

    #[tokio::test]
    async fn is_drained_only_when_the_last_stage_has_ended() {
        let (supervisor, _first) = Supervisor::new(CancellationToken::new());
        let stop = supervisor.stop_token();
        let stage = async move {
            stop.cancelled().await;
            Ok(())
        };
        supervisor.spawn_thread("executor", stage).unwrap();
        assert!(!supervisor.drained(Duration::ZERO).await);
        supervisor.stop_token().cancel();
        assert!(supervisor.drained(Duration::from_secs(60)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_a_stage_that_is_stuck() {
        let (supervisor, mut first) = Supervisor::new(CancellationToken::new());
        let pulse = supervisor.pulse("store");
        let _busy = pulse.busy();
        supervisor.patrol(Duration::ZERO);
        assert!(matches!(first.recv().await.unwrap(), Failure::Stalled { stage: "store", .. }));
    }
}
