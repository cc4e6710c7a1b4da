//! Two hundred times `kill -9` at random moments, under load: nothing is lost, nobody signs twice, nobody forgets.

use std::time::Duration;

use logothete_tests::checks;
use logothete_tests::network::Plan;
use logothete_tests::workload::network_under_load;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const ALL: [usize; 4] = [0, 1, 2, 3];
const KILLS: usize = 200;
const SEED: u64 = 200;
/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_lose_nothing() -> anyhow::Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut net, load) = network_under_load(Plan::default(), 4).await?;
    let mut kills = 0;
    while kills < KILLS {
        // The moment is drawn in progress of the chain, so that a slow machine kills as much in the middle. It is also
        // drawn among those at which earlier victims are still on their way back.
        load.wait_progress(random.random_range(1..20), SOON).await?;
        let mut victims = ALL;
        victims.shuffle(&mut random);
        let victims = &victims[..*[1, 1, 2, 3, 4].get(random.random_range(0..5)).unwrap_or(&1)];
        eprintln!("kill {kills} of seed {SEED}: {victims:?}");
        victims.iter().for_each(|node| net.kill(*node));
        if victims.len() == 1 {
            load.wait_progress(random.random_range(0..10), SOON).await?;
        }
        for node in victims {
            net.start_node(*node)?;
        }
        kills += victims.len();
    }
    for node in ALL {
        net.wait_active(node, SOON).await?;
    }
    checks::nobody_forgot(&net)?;
    let finals = checks::promises_kept(&net, load).await?;
    eprintln!("{kills} kills, {finals} final transactions");
    Ok(())
}
