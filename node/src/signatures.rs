//! The stage that checks signatures, those of batches from peers and of transactions from clients together.
//!
//! The more are checked at once, the less each costs. While all cores are busy what comes waits, and makes the next
//! group larger; when nothing is being checked, nothing is held back.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use logothete_ledger::admission::{Admitted, Candidate, admit};
use logothete_ledger::error::TxError;
use tokio::sync::{mpsc, oneshot};

use crate::dissemination::BatchRules;
use crate::metrics::Metrics;
use crate::supervise::Pulse;
use crate::workers::Workers;

/// Jobs that may wait; whoever brings another one waits with it.
const QUEUED_MAX: usize = 1_024;
/// Transactions checked in one go: more gain little, and delay the first.
const TOGETHER: usize = 1_024;

/// Transactions that are checked at once without waking another thread: about as much work as that.
const SMALL: usize = 4;

/// A candidate whose signatures hold, or the reason why it is none.
pub type Verdict = Result<Arc<Admitted>, TxError>;

struct Job {
    candidates: Vec<Candidate>,
    respond: oneshot::Sender<Vec<Verdict>>,
}

/// The entrance of the stage. Cheap to clone.
#[derive(Clone)]
pub struct Signatures(mpsc::Sender<Job>);

/// The stage itself.
pub struct SignatureStage {
    rules: BatchRules,
    queue: mpsc::Receiver<Job>,
    workers: Workers,
    metrics: Metrics,
    pulse: Arc<Pulse>,
}

impl Signatures {
    /// The entrance and the stage behind it.
    pub fn new(
        rules: BatchRules,
        workers: Workers,
        metrics: Metrics,
        pulse: Arc<Pulse>,
    ) -> (Self, SignatureStage) {
        let (sender, queue) = mpsc::channel(QUEUED_MAX);
        (Self(sender), SignatureStage { rules, queue, workers, metrics, pulse })
    }

    /// The verdict on each candidate; `None` when the node is about to stop.
    pub async fn check(&self, candidates: Vec<Candidate>) -> Option<Vec<Verdict>> {
        let (respond, verdicts) = oneshot::channel();
        self.0.send(Job { candidates, respond }).await.ok()?;
        verdicts.await.ok()
    }
}

impl SignatureStage {
    /// Checks what comes until the last entrance is gone.
    pub async fn run(mut self) {
        let cores = self.workers.parallelism();
        let pulse = self.pulse.clone();
        let mut groups = FuturesUnordered::new();
        loop {
            let _busy = (!groups.is_empty()).then(|| pulse.busy());
            tokio::select! {
                biased;
                Some(()) = groups.next() => {}
                job = self.queue.recv(), if groups.len() < cores => {
                    let Some(job) = job else { return };
                    let group = self.gather(job);
                    let tools = (self.rules.clone(), self.metrics.clone());
                    groups.push(check(tools, self.workers, group));
                }
            }
        }
    }

    /// A job and those that wait behind it, up to what is checked together.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut size = first.candidates.len();
        let mut group = vec![first];
        while size < TOGETHER
            && let Ok(next) = self.queue.try_recv()
        {
            size += next.candidates.len();
            group.push(next);
        }
        group
    }
}

/// Checks a group and answers each of its jobs.
async fn check((rules, metrics): (BatchRules, Metrics), workers: Workers, group: Vec<Job>) {
    let mut candidates = Vec::new();
    let mut asked = Vec::with_capacity(group.len());
    for mut job in group {
        asked.push((job.candidates.len(), job.respond));
        candidates.append(&mut job.candidates);
    }
    let workers = workers.unless(candidates.len() <= SMALL);
    let mut shards = Vec::with_capacity(candidates.len().div_ceil(TOGETHER));
    while !candidates.is_empty() {
        let rest = candidates.split_off(candidates.len().min(TOGETHER));
        let (rules, metrics) = (rules.clone(), metrics.clone());
        let shard = std::mem::replace(&mut candidates, rest);
        shards.push(workers.run(move || {
            let (count, began) = (shard.len(), Instant::now());
            let verdicts = admit(&rules.chain, &rules.verified, shard);
            metrics.pipeline.verified_signatures(count, began.elapsed());
            verdicts
        }));
    }
    let mut verdicts = join_all(shards).await.into_iter().flatten();
    for (count, respond) in asked {
        // Whoever went away does not need its answer.
        let _ = respond.send(verdicts.by_ref().take(count).collect());
    }
}
