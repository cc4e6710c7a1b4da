//! Faults under load: every transaction that was reported final stays final, all nodes agree, nobody signs twice.

use std::time::Duration;

use logothete_client::rpc::types::Mode;
use logothete_node::devnet::proxy::Link;
use logothete_tests::checks;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::{Load, network_under_load};

const ALL: [usize; 4] = [0, 1, 2, 3];
const SENDERS: usize = 16;
/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);

async fn under_load(plan: Plan) -> anyhow::Result<(TestNet, Load)> {
    network_under_load(plan, SENDERS).await
}

async fn promises_kept(net: &TestNet, load: Load) -> anyhow::Result<()> {
    checks::promises_kept(net, load).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_validator_comes_back() -> anyhow::Result<()> {
    let (mut net, load) = under_load(Plan::default()).await?;
    net.kill(3);
    load.wait_progress(100, SOON).await?;
    net.start_node(3)?;
    net.wait_active(3, SOON).await?;
    load.wait_progress(100, SOON).await?;
    promises_kept(&net, load).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_validator_heals_and_votes_again() -> anyhow::Result<()> {
    let (mut net, load) = under_load(Plan::default()).await?;
    net.wipe(2)?;
    load.wait_progress(50, SOON).await?;
    net.start_node(2)?;
    let status = net.wait_for(2, "to answer", SOON, |_| true).await?;
    assert!(
        matches!(status.mode, Mode::Learner | Mode::Active),
        "it comes back as a learner (R10): {:?}",
        status.mode
    );
    net.wait_active(2, SOON).await?;
    load.wait_progress(100, SOON).await?;
    promises_kept(&net, load).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_killed_validators_halt_the_chain_and_are_named() -> anyhow::Result<()> {
    let (mut net, load) = under_load(Plan::default()).await?;
    net.kill(2);
    net.kill(3);
    let status =
        net.wait_for(0, "to name both", SOON, |status| status.missing().count() == 2).await?;
    let missing: Vec<_> = status.missing().map(|validator| validator.name.clone()).collect();
    assert_eq!(missing, ["v2", "v3"]);
    assert!(!status.healthy, "a halted chain is not healthy: {}", status.summary);
    net.start_node(2)?;
    net.start_node(3)?;
    load.wait_progress(100, SOON).await?;
    promises_kept(&net, load).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_even_partition_heals() -> anyhow::Result<()> {
    let (net, load) = under_load(Plan { proxied: true, ..Plan::default() }).await?;
    net.links.partition(&[vec![0, 1], vec![2, 3]]);
    net.wait_for(0, "to miss the others", SOON, |status| status.missing().count() >= 2).await?;
    net.links.heal();
    load.wait_progress(100, SOON).await?;
    promises_kept(&net, load).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_holds_nobody_up_for_good() -> anyhow::Result<()> {
    let (net, load) = under_load(Plan { proxied: true, ..Plan::default() }).await?;
    let slow = Link { delay_ms: 200, bytes_per_second: Some(64 * 1024), ..Link::default() };
    net.set_links_of(3, slow);
    load.wait_progress(200, SOON).await?;
    net.links.heal();
    promises_kept(&net, load).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_killed_at_once_go_on_where_they_were() -> anyhow::Result<()> {
    let (mut net, load) = under_load(Plan::default()).await?;
    ALL.into_iter().for_each(|node| net.kill(node));
    for node in ALL {
        net.start_node(node)?;
    }
    load.wait_progress(100, SOON).await?;
    promises_kept(&net, load).await
}
