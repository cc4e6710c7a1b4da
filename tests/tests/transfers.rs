//! Ten thousand transfers through four nodes: one state, nothing lost, everything provable.

use std::time::Duration;

use logothete_primitives::Height;
use logothete_tests::checks;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::send_all;

const ALL: [usize; 4] = [0, 1, 2, 3];

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_transfers_end_in_one_state() -> anyhow::Result<()> {
    let net = TestNet::start(Plan { accounts: 250, ..Plan::default() }).await?;
    net.wait_ready().await?;
    let ledger = send_all(&net, &ALL, (250, 40)).await?;
    let told = ledger.told();
    assert_eq!(told.len(), 10_000, "each transaction is reported final once");
    assert!(told.values().all(|place| place.success), "every transfer takes effect");

    let top = checks::agreement(&net, &ALL).await?;
    for node in ALL {
        checks::supply_conserved(&net, node).await?;
    }
    checks::finals_kept(&net, &[3], &told).await?;
    let sample: Vec<_> = told.keys().step_by(97).copied().collect();
    net.wait_for(0, "to attest the last results", Duration::from_secs(20), |status| {
        status.height > top || status.executed.height >= top
    })
    .await?;
    checks::proofs_hold(&net, 0, &sample).await?;
    let middle = Height::new(top.get() / 2);
    checks::certificates_hold(&net, 1, &[Height::new(1), middle, top]).await?;
    checks::history_complete(&net, 2, &told).await?;
    checks::nothing_signed_twice(&net)?;
    Ok(())
}
