//! A leader that is down costs at most one timeout at its turn, and soon has no turn at all.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use logothete_client::rpc::method::{ConsensusStateMethod, ConsensusViewsMethod};
use logothete_client::rpc::types::{Empty, PageRequest, ViewOutcome};
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::Load;
use tokio::time::Instant;

const SOON: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// One counter of a node's metrics.
async fn counter(net: &TestNet, node: usize, name: &str) -> anyhow::Result<u64> {
    let text = net.metrics(node).await?;
    let line = text
        .lines()
        .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
        .with_context(|| format!("{name} is not among the metrics"))?;
    let value = line.rsplit(' ').next().context("a metric has a value")?;
    let whole = value.split('.').next().context("a number has an integer part")?;
    Ok(whole.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_down_is_soon_skipped() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let load = Load::start(&net, &[0, 1, 2], 12)?;
    load.wait_progress(50, SOON).await?;
    // One that was late to start may be skipped already, and would have no turn to miss.
    wait_until_leads(&net, 0, "v3").await?;
    let (timeouts, view) = (
        counter(&net, 0, "logothete_consensus_timeouts_total").await?,
        counter(&net, 0, "logothete_consensus_view").await?,
    );
    net.kill(3);
    load.wait_progress(1_500, SOON).await?;
    let timeouts = counter(&net, 0, "logothete_consensus_timeouts_total").await? - timeouts;
    let views = counter(&net, 0, "logothete_consensus_view").await? - view;
    let turns = views / 4;
    println!(
        "leader down: {timeouts} timeouts in {views} views, in which it would have led {turns}"
    );
    assert!(timeouts >= 1, "its first turn is noticed");
    assert!(timeouts <= turns, "at most one timeout a turn");
    assert!(timeouts * 5 <= turns, "it is skipped soon: {timeouts} timeouts in {turns} turns");
    load.finish().await?;
    let failed = passed_since(&net, 0, view).await?;
    println!("views that passed without a block, by leader: {failed:?}");
    assert!(failed.get("v3").is_some_and(|count| *count >= 1), "the chain says who was away");
    Ok(())
}

/// Waits until a node sees that a validator leads the current view.
async fn wait_until_leads(net: &TestNet, node: usize, name: &str) -> anyhow::Result<()> {
    let (client, deadline) = (net.client(node)?, Instant::now() + SOON);
    loop {
        let state = client.call::<ConsensusStateMethod>(Empty {}).await?;
        if state.leader.is_some_and(|leader| leader.name == name) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{name} does not lead within {SOON:?}");
        tokio::time::sleep(POLL).await;
    }
}

/// Who led the views from `view` on that passed without a block, and how many each.
async fn passed_since(
    net: &TestNet,
    node: usize,
    view: u64,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let client = net.client(node)?;
    let mut failed = BTreeMap::new();
    let mut cursor = None;
    loop {
        let params = PageRequest { cursor, limit: Some(100), min_height: None };
        let page = client.call::<ConsensusViewsMethod>(params).await?;
        for record in page.items {
            if record.view.get() < view {
                return Ok(failed);
            }
            if record.outcome == ViewOutcome::Passed {
                *failed.entry(record.leader.name).or_default() += 1;
            }
        }
        cursor = Some(page.next_cursor.context("the list goes back to the first view")?);
    }
}
