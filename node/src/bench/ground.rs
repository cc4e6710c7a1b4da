//! The devnet that something is measured on: a chain of so many transfers, and what one of its nodes says.

use std::time::{Duration, Instant};

use logothete_client::rpc::types::NodeStatus;
use logothete_primitives::SecretKey;
use tokio_util::sync::CancellationToken;

use super::report::Report;
use super::usage::{self, LocalNode};
use super::{Options, http};
use crate::cli::output::{Exit, Failure, Printer};
use crate::devnet::directory::{Directory, Node, State};
use crate::devnet::observe;

/// How often a node is looked at.
pub(super) const POLL: Duration = Duration::from_millis(10);
/// How long a chain may take to be made.
const MAKING: Duration = Duration::from_secs(3_600);
/// Accounts that send, and so transfers on the way at one time.
const ACCOUNTS: usize = 4_000;
/// How long nodes may take to be level with each other when nothing is sent any more.
const LEVEL_PATIENCE: Duration = Duration::from_secs(60);

/// A devnet whose nodes all run.
#[derive(Debug)]
pub struct Ground<'a> {
    /// Its files.
    pub directory: Directory,
    /// Who pays.
    pub funder: &'a SecretKey,
    /// Where progress is told.
    pub printer: Printer,
}

impl Ground<'_> {
    /// What its state file says.
    ///
    /// # Errors
    /// There is no devnet, or none of several nodes, or one does not run.
    pub fn state(&self) -> Result<State, Failure> {
        let state = crate::devnet::lifecycle::load(&self.directory)?;
        if state.nodes.len() < 2 || !state.nodes.iter().all(Node::is_alive) {
            return Err(Failure::usage("this needs a devnet of several nodes that all run")
                .with_hint("start one: logothete devnet up --detach"));
        }
        Ok(state)
    }

    /// Sends transfers, as fast as they become final, until so many are; what that gave.
    ///
    /// # Errors
    /// What a load fails with.
    pub async fn make(&self, transfers: u64) -> Result<Report, Failure> {
        let options = Options {
            accounts: ACCOUNTS.min(usize::try_from(transfers).unwrap_or(usize::MAX)).max(8),
            committed_max: Some(transfers),
            duration: MAKING,
            warmup: Duration::ZERO,
            ..Options::new(self.state()?.urls())
        };
        super::run(&options, self.funder, self.printer).await
    }

    /// A load at a rate on all nodes but one, until it is stopped.
    ///
    /// # Errors
    /// What a load fails with.
    pub async fn load(
        &self,
        without: usize,
        rate: u64,
        stop: CancellationToken,
    ) -> Result<Report, Failure> {
        let state = self.state()?;
        let others = state.nodes.iter().enumerate().filter(|(index, _)| *index != without);
        let accounts = usize::try_from(rate).unwrap_or(usize::MAX).clamp(64, ACCOUNTS);
        let options = Options {
            accounts,
            rate: Some(rate),
            duration: MAKING,
            warmup: Duration::ZERO,
            stop,
            ..Options::new(others.map(|(_, node)| node.url()).collect())
        };
        super::run(&options, self.funder, self.printer).await
    }

    /// Waits until all nodes have executed the same height, and gives what the first one says then.
    ///
    /// # Errors
    /// They do not come to one height.
    pub async fn level(&self) -> Result<NodeStatus, Failure> {
        let state = self.state()?;
        let deadline = Instant::now() + LEVEL_PATIENCE;
        while Instant::now() < deadline {
            let look = observe::Observation::take(&state).await;
            let heights: Vec<_> =
                look.nodes.iter().flatten().map(|status| status.executed.height).collect();
            let is_level = heights.len() == state.nodes.len()
                && heights.iter().all(|height| Some(height) == heights.first());
            if let Some(first) = look.node(0).filter(|_| is_level) {
                return Ok(first.clone());
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Failure::new("not_level", "the nodes do not come to one height")
            .with_exit(Exit::NotSynced)
            .with_hint("logothete status says what they wait for"))
    }
}

/// Transactions that a node has executed since it was started; none if it does not answer.
pub(super) async fn executed(node: &Node) -> Option<u64> {
    let metrics = http::get(&node.rpc.to_string(), "/metrics").await?;
    Some(usage::total(&metrics, "logothete_execution_transactions_total"))
}

/// What a node that runs used so far.
pub(super) async fn used(node: &Node) -> usage::Usage {
    let local: Vec<LocalNode> = node
        .process
        .map(|process| LocalNode::new(process, node.rpc.to_string()))
        .into_iter()
        .collect();
    usage::sample(&local).await.pop().unwrap_or_default()
}
