//! What the nodes of a devnet say about themselves and each other, asked all at once.

use std::time::Duration;

use logothete_client::Client;
use logothete_client::rpc::method::{BlockGetMethod, NodeStatusMethod};
use logothete_client::rpc::types::{BlockGet, Empty, Mode, NodeStatus};
use logothete_primitives::{Height, StateRoot, View};

use super::directory::{Node, State};

/// How long a node may take to answer; a devnet is on one machine.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// One look at all nodes, by index; none for a node that does not answer.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What each says.
    pub nodes: Vec<Option<NodeStatus>>,
}

impl Observation {
    /// Asks all nodes at once.
    pub async fn take(state: &State) -> Self {
        let answers = state
            .nodes
            .iter()
            .map(|node| async move { if node.is_alive() { status(node).await } else { None } });
        Self { nodes: futures::future::join_all(answers).await }
    }

    /// The answer of one node.
    #[must_use]
    pub fn node(&self, index: usize) -> Option<&NodeStatus> {
        self.nodes.get(index).and_then(Option::as_ref)
    }

    /// The highest final height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.answers().map(|status| status.height.get()).max().unwrap_or(0)
    }

    /// The highest final height that a node other than this one has.
    #[must_use]
    pub fn height_of_others(&self, index: usize) -> Option<u64> {
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != index);
        others.filter_map(|(_, status)| status.as_ref()).map(|status| status.height.get()).max()
    }

    /// The highest view.
    #[must_use]
    pub fn view(&self) -> u64 {
        self.answers().map(|status| status.view.get()).max().unwrap_or(0)
    }

    /// Whether a validator votes: it says that it may, and most of the others have seen its votes since
    /// they were started and do not miss them now.
    #[must_use]
    pub fn is_voting(&self, index: usize) -> bool {
        let active = self.node(index).is_some_and(|status| status.mode == Mode::Active);
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != index);
        let witnesses: Vec<&NodeStatus> =
            others.filter_map(|(_, status)| status.as_ref()).collect();
        let seen = |status: &&&NodeStatus| {
            let member = status.validators.get(index);
            member.is_some_and(|member| !member.missing && member.last_vote_view > View::ZERO)
        };
        let seeing = witnesses.iter().filter(seen).count();
        active && (witnesses.is_empty() || seeing * 2 > witnesses.len())
    }

    /// How many validators vote.
    #[must_use]
    pub fn voting(&self) -> usize {
        (0..self.nodes.len()).filter(|index| self.is_voting(*index)).count()
    }

    /// Half of the recent transactions became final within so many milliseconds.
    #[must_use]
    pub fn finality_p50(&self) -> Option<u32> {
        self.answers().filter_map(|status| status.finality_ms).map(|finality| finality.p50).min()
    }

    fn answers(&self) -> impl Iterator<Item = &NodeStatus> {
        self.nodes.iter().flatten()
    }
}

/// What one node says; none if it does not answer in time.
pub async fn status(node: &Node) -> Option<NodeStatus> {
    let client = Client::new(vec![node.url()]).ok()?;
    let call = client.call_once::<NodeStatusMethod>(Empty {});
    tokio::time::timeout(PATIENCE, call).await.ok()?.ok()
}

/// The state root a node computed at a height; none if it does not know (yet).
pub async fn state_root(node: &Node, height: Height) -> Option<StateRoot> {
    let client = Client::new(vec![node.url()]).ok()?;
    let block = BlockGet { height: Some(height), ..BlockGet::default() };
    let call = client.call_once::<BlockGetMethod>(block);
    let view = tokio::time::timeout(PATIENCE, call).await.ok()?.ok()?;
    view.results.map(|results| results.state_root)
}
