//! A follower with one peer address and an empty directory: it finds the network, the tip and the same answers.

use std::time::Duration;

use logothete_client::rpc::method::{BlockGetMethod, ChainInfoMethod, NodePeersMethod};
use logothete_client::rpc::types::{BlockGet, BlockView, Empty};
use logothete_primitives::Height;
use logothete_tests::checks;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::{Load, send_all};

const ALL: [usize; 4] = [0, 1, 2, 3];
const CHAIN: Height = Height::new(5_000);

/// A block as a node tells it, but for who signed its certificate: any quorum will do, and nodes hold different ones.
fn without_signers(block: &BlockView) -> anyhow::Result<serde_json::Value> {
    let mut value = serde_json::to_value(block)?;
    let fields = value.as_object_mut().expect("a block is an object");
    fields.remove("signers");
    Ok(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_reaches_the_tip_of_a_long_chain_and_serves_it() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let load = Load::start(&net, &ALL, 6)?;
    net.wait_height(0, CHAIN, Duration::from_secs(300)).await?;

    let follower = net.add_follower(2)?;
    let began = std::time::Instant::now();
    net.wait_height(follower, CHAIN, Duration::from_secs(120)).await?;
    println!("follower: {CHAIN} blocks in {:.1} s", began.elapsed().as_secs_f64());
    let told = load.finish().await?.told();
    let top = checks::agreement(&net, &[0, follower]).await?;
    checks::finals_kept(&net, &[follower], &told).await?;
    checks::supply_conserved(&net, follower).await?;

    let (validator, client) = (net.client(0)?, net.client(follower)?);
    for height in [Height::new(1), Height::new(top.get() / 2), top] {
        let params = BlockGet { height: Some(height), transactions: true, ..BlockGet::default() };
        let ours = client.call::<BlockGetMethod>(params).await?;
        let theirs = validator.call::<BlockGetMethod>(params).await?;
        assert_eq!(without_signers(&ours)?, without_signers(&theirs)?);
    }
    let info = client.call::<ChainInfoMethod>(Empty {}).await?;
    assert_eq!(info.chain_id, net.spec.chain_id());
    let peers = client.call::<NodePeersMethod>(Empty {}).await?;
    assert_eq!(peers.items.len(), 4, "one address was enough to find all");

    // What a follower takes in becomes final as well: gossip carries it to the validators.
    let through = send_all(&net, &[follower], (8, 2)).await?.told();
    assert_eq!(through.len(), 16);
    checks::agreement(&net, &[0, follower]).await?;
    checks::finals_kept(&net, &[0], &through).await?;
    Ok(())
}
