//! Power fails under real nodes: what was not synced is lost, cut or torn, and nothing that anybody was promised is.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use logothete_tests::checks;
use logothete_tests::disk::Survivors;
use logothete_tests::network::{Plan, TestNet};
use logothete_tests::workload::{Load, network_under_load, send_all};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const ALL: [usize; 4] = [0, 1, 2, 3];
const SENDERS: usize = 8;
/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);

fn on_faulty_disks() -> Plan {
    Plan { faulty_disks: true, ..Plan::default() }
}

/// Power fails for some nodes at once; what is left is drawn. They are started again.
fn power_fails(
    net: &mut TestNet,
    victims: &[usize],
    random: &mut ChaCha8Rng,
) -> anyhow::Result<()> {
    victims.iter().for_each(|node| net.kill(*node));
    for node in victims {
        let lost = net.lose_power(*node, &mut Survivors::drawn(random.random()))?;
        eprintln!("  v{node}: {lost}");
        net.start_node(*node)?;
    }
    Ok(())
}

async fn ends_well(net: &TestNet, load: Load) -> anyhow::Result<()> {
    for node in ALL {
        net.wait_active(node, SOON).await?;
    }
    checks::nobody_forgot(net)?;
    let finals = checks::promises_kept(net, load).await?;
    eprintln!("{finals} final transactions");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn power_fails_at_random_moments_and_nothing_is_lost() -> anyhow::Result<()> {
    const SEED: u64 = 1;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut net, load) = network_under_load(on_faulty_disks(), SENDERS).await?;
    for round in 0..30 {
        load.wait_progress(random.random_range(1..100), SOON).await?;
        let whole_room = random.random_bool(0.4);
        let one = [random.random_range(0..ALL.len())];
        let victims = if whole_room { &ALL[..] } else { &one };
        eprintln!("round {round} of seed {SEED}: power fails for {victims:?}");
        power_fails(&mut net, victims, &mut random)?;
    }
    load.wait_progress(100, SOON).await?;
    ends_well(&net, load).await
}

/// Before and after each of the first syncs of a process on an existing database, of which the first open it, the
/// others make blocks and votes durable.
#[tokio::test(flavor = "multi_thread")]
async fn power_fails_at_each_sync_and_nothing_is_lost() -> anyhow::Result<()> {
    const SEED: u64 = 2;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut net, load) = network_under_load(on_faulty_disks(), SENDERS).await?;
    for sync in 1..=60 {
        let victim = sync % ALL.len();
        let moment = if random.random() { "before" } else { "after" };
        net.wait_active(victim, SOON).await?;
        net.kill(victim);
        net.start_with_fault(victim, &format!("kill-{moment} {sync}"))?;
        let ended = net.wait_ended(victim, SOON).await?;
        assert_eq!(ended.signal(), Some(9), "the disk kills it");
        eprintln!("power fails {moment} sync {sync} of v{victim}, seed {SEED}");
        power_fails(&mut net, &[victim], &mut random)?;
    }
    ends_well(&net, load).await
}

/// A validator whose first start is cut off anywhere never signed, and must not believe that it did.
#[tokio::test(flavor = "multi_thread")]
async fn power_fails_at_each_sync_of_a_first_start() -> anyhow::Result<()> {
    const SEED: u64 = 3;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut net = TestNet::create(&on_faulty_disks()).await?;
    for sync in 1.. {
        net.renew(0)?;
        net.start_with_fault(0, &format!("kill-after {sync}"))?;
        if net.serves_or_ends(0, SOON).await? {
            break;
        }
        let lost = net.lose_power(0, &mut Survivors::drawn(random.random()))?;
        eprintln!("power fails after sync {sync} of the first start, seed {SEED}: {lost}");
        net.start_node(0)?;
        net.wait_for(0, "to serve", SOON, |_| true).await?;
        checks::nobody_forgot(&net)?;
    }
    Ok(())
}

/// The test is able to fail: on disks that only claim to sync, transactions that clients were told are final are gone.
#[tokio::test(flavor = "multi_thread")]
async fn disks_that_lie_are_found_out() -> anyhow::Result<()> {
    let mut net = TestNet::create(&on_faulty_disks()).await?;
    for node in ALL {
        net.start_with_fault(node, "lies")?;
    }
    net.wait_ready().await?;
    let told = send_all(&net, &ALL, (SENDERS, 20)).await?.told();
    checks::finals_kept(&net, &ALL, &told).await?;
    ALL.into_iter().for_each(|node| net.kill(node));
    for node in ALL {
        net.lose_power(node, &mut Survivors::none())?;
        net.start_node(node)?;
    }
    net.wait_ready().await?;
    let lost = checks::finals_kept(&net, &ALL, &told).await.expect_err("syncs did nothing");
    assert!(lost.to_string().contains("is lost on node"), "{lost:#}");
    Ok(())
}
