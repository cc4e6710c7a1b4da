//! A real Prometheus that watches a network.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::network::TestNet;

/// Bound for what must happen soon; reached only when it does not happen.
const SOON: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(200);

/// A Prometheus that watches a network, stopped when dropped.
pub struct Prometheus {
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

impl Prometheus {
    /// Starts one that looks at every node once a second and applies these rules as often.
    ///
    /// # Errors
    /// When a file, a port or the process is not to be had.
    pub fn start(net: &TestNet, rules: &str) -> anyhow::Result<Self> {
        let directory = net.scratch("prometheus");
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("alerts.yml"), rules)?;
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

    /// What a query finds now.
    ///
    /// # Errors
    /// When it does not answer, or the query is none.
    pub async fn query(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let data = self.ask("query", &[("query", query)]).await?;
        Ok(data["result"].as_array().context("no result")?.clone())
    }

    /// The labels of every series that it has ever seen and a selector chooses.
    ///
    /// # Errors
    /// When it does not answer, or the selector is none.
    pub async fn series(&self, selector: &str) -> anyhow::Result<Vec<Value>> {
        let data = self.ask("series", &[("match[]", selector)]).await?;
        Ok(data.as_array().context("no series")?.clone())
    }

    /// The names of the alerts that fire.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn firing(&self) -> anyhow::Result<BTreeSet<String>> {
        let alerts = self.query("ALERTS{alertstate=\"firing\"}").await?;
        Ok(alerts.iter().filter_map(|alert| name_of(&alert["metric"])).collect())
    }

    /// The names of the alerts that fire or have fired.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn fired(&self) -> anyhow::Result<BTreeSet<String>> {
        let alerts = self.series("ALERTS{alertstate=\"firing\"}").await?;
        Ok(alerts.iter().filter_map(name_of).collect())
    }

    /// Every alert that is pending or fires, with its labels, since when and why.
    pub async fn told(&self) -> String {
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

    /// Waits until a query finds something.
    ///
    /// # Errors
    /// When it does not, with what is told then.
    pub async fn wait_found(&self, query: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + SOON;
        while !self.query(query).await.is_ok_and(|found| !found.is_empty()) {
            if Instant::now() > deadline {
                bail!("nothing within {SOON:?}: {query}\n{}", self.told().await);
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits until an alert fires of a node.
    ///
    /// # Errors
    /// When it does not, with what is told then.
    pub async fn wait_alert(&self, alert: &str, node: SocketAddr) -> anyhow::Result<()> {
        let at = format!("alertname=\"{alert}\",instance=\"{node}\"");
        self.wait_found(&format!("ALERTS{{alertstate=\"firing\",{at}}}")).await
    }

    /// Waits until every node was looked at and its chain goes on.
    ///
    /// # Errors
    /// When one was not.
    pub async fn wait_scraped(&self, nodes: usize) -> anyhow::Result<()> {
        let heights = "delta(logothete_consensus_height[6s]) > 0";
        let all = format!("count(up == 1) == {nodes} and count({heights}) == {nodes}");
        self.wait_found(&all).await
    }

    /// Waits until what fires is as wished.
    ///
    /// # Errors
    /// When it is not, with what it is and what is told then.
    pub async fn wait_firing(
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
            sleep(POLL).await;
        }
        bail!("not within {SOON:?}: {what}; last seen: {last}\n{}", self.told().await)
    }
}

fn name_of(labels: &Value) -> Option<String> {
    labels["alertname"].as_str().map(str::to_owned)
}
