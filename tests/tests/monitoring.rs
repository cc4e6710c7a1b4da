//! The alert rules of `deploy/monitoring` with a real Prometheus: silent while all is well, and each firing on its fault.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use logothete_client::TxBuilder;
use logothete_client::rpc::method::TxSubmitMethod;
use logothete_client::rpc::types::{HexBytes, TxBytes};
use logothete_consensus::signing::PrepareBody;
use logothete_consensus::{Message, PrepareVote};
use logothete_ledger::transaction::Transaction;
use logothete_node::devnet::proxy::Link;
use logothete_p2p::{Bytes, Lane};
use logothete_primitives::{
    Amount, BlockHash, Digest, Epoch, Height, Nonce, ValidatorIndex, View, codec,
};
use logothete_tests::liar::{self, Liar};
use logothete_tests::network::{Plan, TestNet, account_key};
use logothete_tests::prometheus::Prometheus;
use logothete_tests::workload::Load;
use tokio::task::JoinSet;
use tokio::time::sleep;

const RULES: &str = include_str!("../../deploy/monitoring/alerts.yml");
const RULES_TEST: &str = include_str!("../../deploy/monitoring/alerts_test.yml");
const DASHBOARD: &str = include_str!("../../deploy/monitoring/dashboard.json");
/// Alerts about the machine that the test runs on, which may be right.
const OF_THE_MACHINE: [&str; 2] = ["LogotheteDiskFull", "LogotheteSlowDisk"];
/// Bound for what must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(90);
/// How many transactions the first node of the network of faults keeps.
const MEMPOOL: u64 = 40;

/// The rules with minutes made seconds, so that a test need not wait for them.
fn hurried(rules: &str) -> String {
    let waits = ["for: 15s", "for: 30s", "for: 1m", "for: 2m"];
    let hurried = waits.iter().fold(rules.to_owned(), |rules, wait| {
        // At the end of the line: an hour and five minutes stay what they are.
        rules.replace(&format!("{wait}\n"), "for: 1s\n")
    });
    hurried.replace("[1m]", "[6s]").replace("[5m]", "[10s]")
}

/// The hurried rules with what no test can wait for or make replaced: five minutes and an hour are a second, an old
/// transaction is one of three seconds and an old backup one of a second, a disk is full that has less than all and
/// a tenth free, and one version is one too many. These three show that their metrics are fed, not that the limit is right.
fn lowered(rules: &str) -> anyhow::Result<String> {
    let changes = [
        ("for: 5m\n", "for: 1s\n"),
        ("for: 1h\n", "for: 1s\n"),
        ("logothete_mempool_oldest_age_seconds > 30", "logothete_mempool_oldest_age_seconds > 3"),
        ("> 172800", "> 1"),
        ("logothete_store_disk_total_bytes < 0.1", "logothete_store_disk_total_bytes < 1.1"),
        ("(logothete_build_info)) > 1", "(logothete_build_info)) > 0"),
    ];
    let mut lowered = hurried(rules);
    for (from, to) in changes {
        ensure!(lowered.contains(from), "no rule says {from:?}");
        lowered = lowered.replace(from, to);
    }
    Ok(lowered)
}

fn alerts() -> BTreeSet<String> {
    let names = RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

/// Every selector that rules and dashboard name, such as `logothete_x_total{reason="y"}`, of any node.
fn selectors() -> BTreeSet<String> {
    let text = format!("{RULES}\n{DASHBOARD}").replace("\\\"", "\"").replace("$instance", ".+");
    let selector = |(at, _): (usize, &str)| {
        let rest = &text[at..];
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let name = name.unwrap_or(rest.len());
        let labels = rest[name..].starts_with('{').then(|| rest[name..].find('}')).flatten();
        rest[..labels.map_or(name, |end| name + end + 1)].to_owned()
    };
    text.match_indices("logothete_").map(selector).collect()
}

fn all_of(firing: &BTreeSet<String>, names: &[&str]) -> bool {
    names.iter().all(|name| firing.contains(*name))
}

fn is_silent(firing: &BTreeSet<String>) -> bool {
    firing.iter().all(|name| OF_THE_MACHINE.contains(&name.as_str()))
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_fire_when_validators_fail_and_end_when_they_are_back() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let prometheus = Prometheus::start(&net, &hurried(RULES))?;
    prometheus.wait_scraped(4).await?;
    prometheus.wait_firing("silence", is_silent).await?;

    net.kill(3);
    let one_down = ["LogotheteNodeDown", "LogotheteValidatorMissing", "LogotheteQuorumAtRisk"];
    let firing = prometheus.wait_firing("one is down", |firing| all_of(firing, &one_down)).await?;
    for critical in ["LogotheteStalled", "LogotheteQuorumLost"] {
        assert!(!firing.contains(critical), "three of four are enough: {firing:?}");
    }

    net.kill(2);
    let two_down = ["LogotheteStalled", "LogotheteQuorumLost"];
    prometheus.wait_firing("the chain stands still", |firing| all_of(firing, &two_down)).await?;

    net.start_node(2)?;
    net.start_node(3)?;
    prometheus.wait_firing("silence again", is_silent).await?;
    Ok(())
}

/// One network that suffers one fault after the other. What an alert shows is looked for at the node that shows it.
struct Faults {
    net: TestNet,
    prometheus: Prometheus,
}

impl Faults {
    /// Four validators, of which the last has a clock that is a minute ahead.
    async fn start() -> anyhow::Result<Self> {
        let plan = Plan { proxied: true, faulty_disks: true, ..Plan::default() };
        let mut net = TestNet::create(&plan).await?;
        let mempool = format!("[mempool]\ntransactions = {MEMPOOL}\n[log]");
        net.reconfigure(0, "[log]", &mempool)?;
        for node in 0..3 {
            net.start_node(node)?;
        }
        net.start_with_clock_ahead(3, Duration::from_secs(60))?;
        net.wait_ready().await?;
        let prometheus = Prometheus::start(&net, &lowered(RULES)?)?;
        Ok(Self { net, prometheus })
    }

    async fn alert(&self, name: &str, node: usize) -> anyhow::Result<()> {
        self.prometheus.wait_alert(name, self.net.nodes[node].rpc).await?;
        eprintln!("{name} at v{node}");
        Ok(())
    }

    /// A node of another chain is refused, and a leader is so far away that views end before its block comes.
    async fn network(&mut self) -> anyhow::Result<()> {
        self.net.put_on_other_chain(3)?;
        self.net.start_node(3)?;
        self.alert("LogotheteRefusedPeer", 0).await?;
        self.net.kill(3);
        self.alert("LogotheteQuorumAtRisk", 0).await?;
        // Without the fourth, no certificate comes without the third.
        self.net.set_links_of(2, Link { delay_ms: 1_000, ..Link::default() });
        self.alert("LogotheteTimeouts", 0).await?;
        self.net.links.heal();
        Ok(())
    }

    /// A validator that lost everything catches up over a narrow line with a chain that goes on.
    async fn lag(&mut self) -> anyhow::Result<()> {
        let load = Load::start(&self.net, &[0, 1, 2], 6)?;
        let top = self.net.status(0).await?.height;
        self.net.wait_height(0, top.plus(300), SOON).await?;
        self.net.wipe(3)?;
        self.net.reconfigure(3, "/other.toml", "/genesis.toml")?;
        let narrow = Link { bytes_per_second: Some(16 * 1024), ..Link::default() };
        self.net.set_links_of(3, narrow);
        self.net.start_node(3)?;
        self.alert("LogotheteLagging", 3).await?;
        self.net.links.heal();
        load.finish().await?;
        self.net.wait_active(3, SOON).await.map(drop)
    }

    /// While a validator is down, somebody else votes twice with its key; then it is back on a slow disk.
    async fn key_and_disk(&mut self) -> anyhow::Result<()> {
        self.net.kill(3);
        let liar = Liar::connect(&self.net, 3, 0).await?;
        let firing = self.alert("LogotheteEquivocation", 0);
        tokio::select! {
            fired = firing => fired?,
            ended = vote_twice(&self.net, &liar) => ended?,
        }
        liar.leave().await?;
        self.net.start_with_fault(3, "slow 300")?;
        self.alert("LogotheteSlowDisk", 3).await
    }

    /// A backup into a directory that holds something, and one that is good and soon old.
    async fn backups(&self) -> anyhow::Result<()> {
        let home = self.net.nodes[0].home.display().to_string();
        let create =
            |to: &str| self.net.command(&["backup", "create", "--home", &home, "--to", to]);
        let refused = create(&home).expect_err("the directory is not empty");
        self.alert("LogotheteBackupFailed", 0).await.context(refused)?;
        create(&self.net.scratch("backup").display().to_string())?;
        self.alert("LogotheteBackupOld", 0).await
    }

    /// A mempool full of transactions of which none can be taken, and a client that is sent away.
    async fn mempool(&self) -> anyhow::Result<()> {
        let client = self.net.client(0)?;
        for nonce in 1..=MEMPOOL {
            client.submit(&self.transfer(20, nonce).await?).await?;
        }
        // They wait for their sender, and neither for the chain nor for a better fee.
        let of = format!("{{instance=\"{}\"}}", self.net.nodes[0].rpc);
        let full = format!("logothete_mempool_transactions{of} == {MEMPOOL}");
        let no_age = format!("logothete_mempool_oldest_age_seconds{of} == 0");
        self.prometheus.wait_found(&format!("{full} and {no_age}")).await?;

        let tx = TxBytes { tx: HexBytes(self.transfer(21, 1).await?.encode()) };
        let mut sender = JoinSet::new();
        sender.spawn(async move {
            loop {
                // It is refused; the alert says so.
                let _ = client.call_once::<TxSubmitMethod>(tx.clone()).await;
                sleep(Duration::from_millis(200)).await;
            }
        });
        self.alert("LogotheteMempoolFull", 0).await
    }

    /// Two of four lose everything, so nobody may vote, and a transaction waits.
    async fn amnesia(&mut self) -> anyhow::Result<()> {
        for node in [2, 3] {
            self.net.wipe(node)?;
        }
        for node in [2, 3] {
            self.net.start_node(node)?;
        }
        for node in [2, 3] {
            self.alert("LogotheteLearner", node).await?;
        }
        self.net.client(1)?.submit(&self.transfer(22, 0).await?).await?;
        self.alert("LogotheteTransactionsWait", 1).await
    }

    async fn transfer(&self, account: usize, nonce: u64) -> anyhow::Result<Transaction> {
        let height = self.net.status(0).await?.height;
        let transfer = TxBuilder::new(self.net.spec.chain_id())
            .nonce(Nonce::new(nonce))
            .transfer(account_key(0).public().into(), Amount::new(1))
            .expires_after(height, 10_000);
        Ok(transfer.sign(&account_key(account))?)
    }
}

/// Votes for two blocks in the view that comes, again and again: a busy node may be past it when they arrive.
async fn vote_twice(net: &TestNet, liar: &Liar) -> anyhow::Result<()> {
    loop {
        let view = net.status(0).await?.view.next();
        for block in [1, 2] {
            let body = PrepareBody {
                epoch: Epoch::ZERO,
                view,
                block: BlockHash::new(Digest::new([block; 32])),
                height: Height::new(1),
                parent_view: View::ZERO,
            };
            let vote = PrepareVote {
                epoch: body.epoch,
                view: body.view,
                block: body.block,
                height: body.height,
                parent_view: body.parent_view,
                signer: ValidatorIndex::new(3),
                signature: liar::key(3).sign(&body.message(&net.spec.chain_id())),
            };
            let frame = codec::encode(&Message::PrepareVote(vote));
            liar.send(Lane::Consensus, Bytes::from(frame))?;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_fires_on_its_fault_and_nothing_that_is_shown_is_empty() -> anyhow::Result<()> {
    let mut faults = Faults::start().await?;
    faults.alert("LogotheteClockSkew", 0).await?;
    faults.alert("LogotheteDiskFull", 0).await?;
    let versions = "ALERTS{alertname=\"LogotheteVersions\",alertstate=\"firing\"}";
    faults.prometheus.wait_found(versions).await?;
    faults.network().await?;
    faults.lag().await?;
    faults.key_and_disk().await?;
    faults.backups().await?;
    faults.mempool().await?;
    faults.amnesia().await?;
    faults.net.kill(3);
    for alert in ["LogotheteStalled", "LogotheteQuorumLost", "LogotheteValidatorMissing"] {
        faults.alert(alert, 0).await?;
    }
    faults.alert("LogotheteNodeDown", 3).await?;

    let Faults { prometheus, .. } = &faults;
    assert_eq!(prometheus.fired().await?, alerts(), "no alert was left out");
    for selector in selectors() {
        assert!(!prometheus.series(&selector).await?.is_empty(), "no node has {selector}");
    }
    Ok(())
}

#[test]
fn promtool_finds_no_fault_in_the_rules() -> anyhow::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring");
    for arguments in
        [["check", "config", "prometheus.yml"].as_slice(), &["test", "rules", "alerts_test.yml"]]
    {
        let tool = Command::new("promtool").args(arguments).current_dir(&directory).output();
        let output = tool.context("promtool (Debian package `prometheus`) does not start")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    Ok(())
}

#[test]
fn every_rule_is_tested_both_ways() {
    let names = RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let mut count = 0;
    for name in names {
        for way in ["fires", "is silent"] {
            let case = format!("name: {name} {way}\n");
            assert!(RULES_TEST.contains(&case), "alerts_test.yml has no case: {case}");
        }
        count += 1;
    }
    assert!(count > 10);
}
