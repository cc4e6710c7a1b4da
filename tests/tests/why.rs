//! A network is broken in ten ways, and `node_why` names each: what it is, who it comes from, what to do.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use logothete_client::TxBuilder;
use logothete_client::rpc::method::NodeWhyMethod;
use logothete_client::rpc::types::{
    Absence, CulpritKind, Effect, Empty, NodeWhy, Obstacle, Trouble,
};
use logothete_node::devnet::proxy::Link;
use logothete_primitives::{Amount, Height, Nonce, TxHash};
use logothete_tests::network::{Plan, TestNet, account_key, program};
use logothete_tests::workload::{Load, network_under_load};
use tokio::time::{Instant, sleep};

/// Bound for everything that must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What a node must say.
struct Named<'a> {
    obstacle: Obstacle,
    effect: Effect,
    /// Who it comes from.
    who: &'a [&'a str],
    /// What is known of each of them.
    detail: &'a str,
    /// What to do.
    advice: &'a str,
}

impl Named<'_> {
    fn is(&self, trouble: &Trouble) -> bool {
        let who: Vec<&str> = trouble.culprits.iter().map(|culprit| culprit.name.as_str()).collect();
        trouble.obstacle == self.obstacle
            && trouble.effect == self.effect
            && who == self.who
            && trouble.culprits.iter().all(|culprit| culprit.detail.contains(self.detail))
            && trouble.advice.contains(self.advice)
    }
}

async fn why(net: &TestNet, node: usize) -> anyhow::Result<NodeWhy> {
    Ok(net.client(node)?.call_once::<NodeWhyMethod>(Empty {}).await?)
}

async fn wait_for(
    net: &TestNet,
    node: usize,
    what: &str,
    condition: impl Fn(&NodeWhy) -> bool,
) -> anyhow::Result<NodeWhy> {
    let deadline = Instant::now() + SOON;
    loop {
        let said = why(net, node).await;
        match said {
            Ok(said) if condition(&said) => return Ok(said),
            said if Instant::now() > deadline => {
                bail!("v{node} does not say {what} within {SOON:?}: {said:#?}")
            }
            _ => sleep(POLL).await,
        }
    }
}

/// Waits until a node says so in the first place.
async fn says_first(net: &TestNet, node: usize, named: Named<'_>) -> anyhow::Result<NodeWhy> {
    let what = format!("{:?} of {:?} first", named.obstacle, named.who);
    let first = |said: &NodeWhy| said.troubles.first().is_some_and(|first| named.is(first));
    let said = wait_for(net, node, &what, first).await?;
    assert_eq!(said.obstacle, Some(named.obstacle));
    assert_eq!(
        (&said.advice, said.healthy),
        (&said.troubles[0].advice, named.effect == Effect::Degraded)
    );
    eprintln!("v{node}: {}", said.summary);
    Ok(said)
}

/// Waits until a node says so, be it beside other things.
async fn says(net: &TestNet, node: usize, named: Named<'_>) -> anyhow::Result<NodeWhy> {
    let what = format!("{:?} of {:?}", named.obstacle, named.who);
    wait_for(net, node, &what, |said| said.troubles.iter().any(|one| named.is(one))).await
}

/// The same of a node that is well. A busy machine may hold the chain for a moment besides.
async fn says_while_the_chain_goes_on(
    net: &TestNet,
    node: usize,
    named: Named<'_>,
) -> anyhow::Result<()> {
    let what = format!("{:?} of {:?}, and is healthy", named.obstacle, named.who);
    let both = |said: &NodeWhy| said.healthy && said.troubles.iter().any(|one| named.is(one));
    wait_for(net, node, &what, both).await.map(drop)
}

/// Waits until a node that is well does not say so, or no longer. A busy machine may have a slow disk besides.
async fn does_not_say(net: &TestNet, node: usize, obstacle: Obstacle) -> anyhow::Result<()> {
    let gone = |said: &NodeWhy| {
        said.healthy && said.troubles.iter().all(|trouble| trouble.obstacle != obstacle)
    };
    wait_for(net, node, &format!("no {obstacle:?}"), gone).await.map(drop)
}

/// What `logothete why` prints about these nodes, and its exit code.
fn why_command(net: &TestNet, nodes: &[usize]) -> anyhow::Result<(String, Option<i32>)> {
    let mut command = Command::new(program()?);
    command.arg("why");
    for node in nodes {
        command.args(["--url", &format!("http://{}", net.nodes[*node].rpc)]);
    }
    let output = command.output()?;
    Ok((String::from_utf8(output.stdout)?, output.status.code()))
}

async fn running(plan: Plan) -> anyhow::Result<TestNet> {
    let net = TestNet::start(plan).await?;
    net.wait_ready().await?;
    for node in 0..net.nodes.len() {
        net.wait_height(node, Height::new(2), SOON).await?;
    }
    Ok(net)
}

/// Two of four die; then both come back without memory.
#[tokio::test(flavor = "multi_thread")]
async fn dead_validators_are_named_and_then_those_without_memory() -> anyhow::Result<()> {
    let mut net = running(Plan::default()).await?;
    net.kill(3);
    let one = Named {
        obstacle: Obstacle::ValidatorsMissing,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "its process ended",
        advice: "bring them back",
    };
    says(&net, 0, one).await?;
    let (text, code) = why_command(&net, &[0])?;
    assert_eq!(code, Some(0), "the chain goes on: {text}");
    assert!(text.contains("who      v3: power 1, last heard"), "{text}");

    net.kill(2);
    let both = Named {
        obstacle: Obstacle::NoQuorum,
        effect: Effect::Stalled,
        who: &["v2", "v3"],
        detail: "its process ended",
        advice: "start them",
    };
    let said = says_first(&net, 0, both).await?;
    assert_eq!((said.power_present, said.quorum, said.power_short), (2, 3, 1));
    let missing: Vec<_> = said.missing.iter().map(|one| (one.name.as_str(), one.absence)).collect();
    assert_eq!(missing, [("v2", Some(Absence::Gone)), ("v3", Some(Absence::Gone))]);
    let (second, third) = (said.missing[0].last_heard, said.missing[1].last_heard);
    assert!(third.is_some() && third < second, "v3 was heard, and died before v2: {missing:?}");
    assert!(said.next_timer.is_some(), "a timer runs");
    let (text, code) = why_command(&net, &[0])?;
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("missing v2, v3") && text.contains("1 is short"), "{text}");
    assert!(text.contains("; next it "), "{text}");

    for node in [2, 3] {
        net.wipe(node)?;
        net.start_node(node)?;
    }
    for node in [0, 2] {
        let amnesia = Named {
            obstacle: Obstacle::Amnesia,
            effect: Effect::Stalled,
            who: &["v2", "v3"],
            detail: "lost its safety state",
            advice: "their own data directories",
        };
        says_first(&net, node, amnesia).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_told_from_dead_validators() -> anyhow::Result<()> {
    let net = running(Plan { proxied: true, ..Plan::default() }).await?;
    net.links.partition(&[vec![0, 1], vec![2, 3]]);
    for (node, others) in [(0, &["v2", "v3"]), (3, &["v0", "v1"])] {
        let cut = Named {
            obstacle: Obstacle::Partition,
            effect: Effect::Stalled,
            who: others,
            detail: "the network is cut",
            advice: "mend the network",
        };
        says_first(&net, node, cut).await?;
    }
    let (text, code) = why_command(&net, &[0, 2])?;
    assert_eq!(code, Some(4), "{text}");
    assert!(
        text.contains("v0 does not hear v2, and v2 runs and answers here"),
        "whoever asks both sides knows that it is the network: {text}"
    );
    net.links.heal();
    does_not_say(&net, 0, Obstacle::Partition).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_named_here_and_there() -> anyhow::Result<()> {
    let mut net = TestNet::create(&Plan::default()).await?;
    for node in 0..3 {
        net.start_node(node)?;
    }
    net.start_with_clock_ahead(3, Duration::from_secs(60))?;
    net.wait_ready().await?;
    let there = Named {
        obstacle: Obstacle::ClockSkew,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "ahead of that of this node",
        advice: "time service",
    };
    says(&net, 0, there).await?;
    // What is measured is a minute less the way of a proposal, and that is long on a busy machine.
    let near = |said: &NodeWhy| {
        said.troubles.iter().filter(|one| one.obstacle == Obstacle::ClockSkew).any(|one| {
            let detail = &one.culprits[0].detail;
            ["57.", "58.", "59.", "1 m 0 s"].iter().any(|seconds| detail.contains(seconds))
        })
    };
    wait_for(&net, 0, "that v3 is about a minute ahead", near).await?;
    let here = Named {
        obstacle: Obstacle::ClockSkew,
        effect: Effect::Behind,
        who: &["v3"],
        detail: "ahead of the others",
        advice: "time service",
    };
    let said = says_first(&net, 3, here).await?;
    assert_eq!(said.troubles[0].culprits[0].kind, CulpritKind::ThisNode);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_genesis_is_named_here_and_there() -> anyhow::Result<()> {
    let mut net = running(Plan::default()).await?;
    net.put_on_other_chain(3)?;
    net.start_node(3)?;
    let there = Named {
        obstacle: Obstacle::OtherChain,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "chain differs: ours is ",
        advice: "genesis hash",
    };
    let said = says(&net, 0, there).await?;
    let refused = said.refused.iter().find(|one| one.name.as_deref() == Some("v3"));
    assert_eq!(refused.context("it is listed")?.reason, "chain");
    let here = Named {
        obstacle: Obstacle::OtherChain,
        effect: Effect::Stalled,
        who: &["v3"],
        detail: "chain differs: ours is ",
        advice: "put their file at paths.genesis",
    };
    let said = says_first(&net, 3, here).await?;
    assert_eq!(said.troubles[0].culprits[0].kind, CulpritKind::ThisNode);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_by_the_node_that_ends_and_missed_by_the_others() -> anyhow::Result<()>
{
    let plan = Plan { faulty_disks: true, ..Plan::default() };
    let (mut net, load) = network_under_load(plan, 4).await?;
    net.kill(3);
    let before = net.nodes[3].log().len();
    net.start_with_fault(3, "full 400000")?;
    let ended = net.wait_ended(3, SOON).await?;
    let said = net.nodes[3].log().split_off(before);
    assert_eq!(ended.code(), Some(1), "{said}");
    let error = said.rfind("error: ").map_or("", |at| &said[at..]);
    assert!(error.contains("no space left") && error.contains("make room"), "{said}");
    let missing = Named {
        obstacle: Obstacle::ValidatorsMissing,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "its process ended",
        advice: "bring them back",
    };
    let said = says(&net, 0, missing).await?;
    assert!(said.missing[0].last_heard.is_some(), "{said:?}");
    load.finish().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_is_named() -> anyhow::Result<()> {
    let plan = Plan { faulty_disks: true, ..Plan::default() };
    let mut net = running(plan).await?;
    net.kill(3);
    net.start_with_fault(3, "slow 300")?;
    let slow = Named {
        obstacle: Obstacle::SlowDisk,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "a sync takes",
        advice: "iostat",
    };
    says(&net, 3, slow).await?;
    does_not_say(&net, 0, Obstacle::SlowDisk).await
}

/// Sends so many transfers of an account to a node, of which none can be taken: the first nonce is left out.
async fn send_with_gap(
    net: &TestNet,
    node: usize,
    (account, count): (usize, u64),
    lives: u64,
) -> anyhow::Result<Vec<TxHash>> {
    let (client, key) = (net.client(node)?, account_key(account));
    let height = net.status(node).await?.height;
    let mut hashes = Vec::new();
    for nonce in 1..=count {
        let tx = TxBuilder::new(net.spec.chain_id())
            .nonce(Nonce::new(nonce))
            .transfer(account_key(0).public().into(), Amount::new(1))
            .expires_after(height, lives)
            .sign(&key)?;
        hashes.push(client.submit(&tx).await?.hash);
    }
    Ok(hashes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mempool_and_expired_transactions_are_named() -> anyhow::Result<()> {
    let mut net = TestNet::create(&Plan::default()).await?;
    net.reconfigure(0, "[log]", "[mempool]\ntransactions = 40\n[log]")?;
    for node in 0..net.nodes.len() {
        net.start_node(node)?;
    }
    net.wait_ready().await?;
    send_with_gap(&net, 0, (1, 40), 10_000).await?;
    let full = Named {
        obstacle: Obstacle::MempoolFull,
        effect: Effect::Degraded,
        who: &["v0"],
        detail: "40 of 40 transactions",
        advice: "close the gaps in their nonces",
    };
    says_while_the_chain_goes_on(&net, 0, full).await?;
    does_not_say(&net, 1, Obstacle::MempoolFull).await?;

    let sent = send_with_gap(&net, 1, (2, 2), 3).await?;
    let expired = |said: &NodeWhy| {
        said.healthy
            && said.troubles.iter().any(|one| {
                one.obstacle == Obstacle::TransactionsExpire && one.culprits.len() == sent.len()
            })
    };
    let said = wait_for(&net, 1, "that two transactions expired", expired).await?;
    let trouble = said.troubles.iter().find(|one| one.obstacle == Obstacle::TransactionsExpire);
    let trouble = trouble.context("it was there")?;
    for hash in sent {
        let named = trouble
            .culprits
            .iter()
            .any(|one| one.kind == CulpritKind::Transaction && one.name == hash.to_string());
        assert!(named, "{hash} is not among {trouble:?}");
    }
    assert!(trouble.advice.contains("a later expiry"), "{trouble:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_node_is_named_here_and_there() -> anyhow::Result<()> {
    let mut net = running(Plan { proxied: true, ..Plan::default() }).await?;
    net.kill(3);
    let load = Load::start(&net, &[0, 1, 2], 6)?;
    let top = net.status(0).await?.height;
    net.wait_height(0, Height::new(top.get() + 300), SOON).await?;
    net.set_links_of(3, Link { bytes_per_second: Some(16 * 1024), ..Link::default() });
    net.start_node(3)?;
    let here = Named {
        obstacle: Obstacle::CatchingUp,
        effect: Effect::Behind,
        who: &["v3"],
        detail: "blocks behind",
        advice: "read from another node",
    };
    let said = says_first(&net, 3, here).await?;
    assert!(said.sync.lag > 5, "{said:?}");
    let there = Named {
        obstacle: Obstacle::PeersLag,
        effect: Effect::Degraded,
        who: &["v3"],
        detail: "blocks behind this node",
        advice: "logothete why",
    };
    says(&net, 0, there).await?;
    net.links.heal();
    load.finish().await?;
    does_not_say(&net, 3, Obstacle::CatchingUp).await
}
