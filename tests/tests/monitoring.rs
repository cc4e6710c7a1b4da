//! The alert rules of `deploy/monitoring` with a real Prometheus: silent while all is well, and firing when nodes fail.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use logothete_tests::network::{Plan, TestNet};
use serde_json::Value;
use tokio::time::{Instant, sleep};

const RULES: &str = include_str!("../../deploy/monitoring/alerts.yml");
const RULES_TEST: &str = include_str!("../../deploy/monitoring/alerts_test.yml");
/// Alerts about the machine that the test runs on, which may be right.
const OF_THE_MACHINE: [&str; 2] = ["LogotheteDiskFull", "LogotheteSlowDisk"];
/// Bound for what must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(90);

/// A Prometheus that watches a network, stopped when dropped.
struct Prometheus {
    process: Child,
    address: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about either.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The rules with minutes made seconds, so that a test need not wait for them.
fn hurried(rules: &str) -> String {
    let waits = ["for: 15s", "for: 30s", "for: 1m", "for: 2m"];
    let hurried = waits.iter().fold(rules.to_owned(), |rules, wait| {
        // At the end of the line: an hour and five minutes stay what they are.
        rules.replace(&format!("{wait}\n"), "for: 1s\n")
    });
    hurried.replace("[1m]", "[6s]").replace("[5m]", "[10s]")
}

impl Prometheus {
    fn start(net: &TestNet) -> anyhow::Result<Self> {
        let directory = net.scratch("prometheus");
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("alerts.yml"), hurried(RULES))?;
        let targets: Vec<String> =
            net.nodes.iter().map(|node| format!("\"{}\"", node.rpc)).collect();
        let configuration = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [alerts.yml]\n\
             scrape_configs: [{{job_name: logothete, static_configs: [{{targets: [{}]}}]}}]\n",
            targets.join(", ")
        );
        let file = directory.join("prometheus.yml");
        std::fs::write(&file, configuration)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = std::fs::File::create(directory.join("log"))?;
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("prometheus (Debian package `prometheus`) does not start")?;
        Ok(Self { process, address })
    }

    /// What it answers below `/api/v1`.
    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let url = reqwest::Url::parse_with_params(&url, query)?;
        let text = reqwest::get(url).await?.error_for_status()?.text().await?;
        let mut answer: Value = serde_json::from_str(&text)?;
        Ok(answer["data"].take())
    }

    async fn query(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let data = self.ask("query", &[("query", query)]).await?;
        Ok(data["result"].as_array().context("no result")?.clone())
    }

    /// Every alert that is pending or fires, with its labels, since when and why.
    async fn told(&self) -> String {
        match self.ask("alerts", &[]).await {
            Ok(data) => {
                let alerts = data["alerts"].as_array().map_or(&[][..], Vec::as_slice);
                let lines = alerts.iter().map(|alert| {
                    let (state, since) = (&alert["state"], &alert["activeAt"]);
                    let (labels, why) = (&alert["labels"], &alert["annotations"]["summary"]);
                    format!("{state} since {since}: {labels} {why}\n")
                });
                lines.collect()
            }
            Err(error) => error.to_string(),
        }
    }

    /// The names of the alerts that fire.
    async fn firing(&self) -> anyhow::Result<BTreeSet<String>> {
        let alerts = self.query("ALERTS{alertstate=\"firing\"}").await?;
        let name = |alert: &Value| alert["metric"]["alertname"].as_str().map(str::to_owned);
        let names = alerts.iter().filter_map(name);
        Ok(names.filter(|name| !OF_THE_MACHINE.contains(&name.as_str())).collect())
    }

    /// Waits until what fires is as wished.
    async fn wait(
        &self,
        what: &str,
        wished: impl Fn(&BTreeSet<String>) -> bool,
    ) -> anyhow::Result<BTreeSet<String>> {
        let deadline = Instant::now() + SOON;
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.firing().await {
                Ok(firing) if wished(&firing) => return Ok(firing),
                Ok(firing) => last = format!("{firing:?}"),
                Err(error) => last = error.to_string(),
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!("not within {SOON:?}: {what}; last seen: {last}\n{}", self.told().await)
    }

    async fn wait_scraped(&self, nodes: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + SOON;
        let query = format!(
            "count(up == 1) == {nodes} and count(delta(logothete_consensus_height[6s]) > 0) == {nodes}"
        );
        while !self.query(&query).await.is_ok_and(|found| !found.is_empty()) {
            if Instant::now() > deadline {
                bail!("not all nodes were scraped");
            }
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

fn all_of(firing: &BTreeSet<String>, names: &[&str]) -> bool {
    names.iter().all(|name| firing.contains(*name))
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_fire_when_validators_fail_and_end_when_they_are_back() -> anyhow::Result<()> {
    let mut net = TestNet::start(Plan::default()).await?;
    net.wait_ready().await?;
    let prometheus = Prometheus::start(&net)?;
    prometheus.wait_scraped(4).await?;
    prometheus.wait("silence", BTreeSet::is_empty).await?;

    net.kill(3);
    let one_down = ["LogotheteNodeDown", "LogotheteValidatorMissing", "LogotheteQuorumAtRisk"];
    let firing = prometheus.wait("one is down", |firing| all_of(firing, &one_down)).await?;
    for critical in ["LogotheteStalled", "LogotheteQuorumLost"] {
        assert!(!firing.contains(critical), "three of four are enough: {firing:?}");
    }

    net.kill(2);
    let two_down = ["LogotheteStalled", "LogotheteQuorumLost"];
    prometheus.wait("the chain stands still", |firing| all_of(firing, &two_down)).await?;

    net.start_node(2)?;
    net.start_node(3)?;
    prometheus.wait("silence again", BTreeSet::is_empty).await?;
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
