//! What the nodes on this machine used: CPU time by stage, bytes on the wire and to the disk, syncs, memory.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::str::FromStr;
use std::time::Duration;

use logothete_client::Client;
use logothete_client::rpc::method::NodeStatusMethod;
use logothete_client::rpc::types::Empty;

use super::http;
use crate::devnet::process::Process;

/// Bytes that all nodes have sent to each other.
const SENT_BYTES: &str = "logothete_network_sent_bytes_total";
/// Bytes that a node has received from all others.
const RECEIVED_BYTES: &str = "logothete_network_received_bytes_total";
/// Syncs of the database.
const SYNCS: &str = "logothete_store_fsync_seconds_count";
/// From a proposal until its block was final: how long all of them took, and how many there were.
const FINALITY_SUM: &str = "logothete_consensus_finality_seconds_sum";
const FINALITY_COUNT: &str = "logothete_consensus_finality_seconds_count";

/// What executing blocks took by the clock, and of that the state tree and the writing of results.
const EXECUTING: &str = "logothete_execution_block_seconds_sum";
const TREE: &str = "logothete_execution_tree_seconds_sum";
const STORING: &str = "logothete_store_apply_seconds_sum";

/// A node that runs on this machine.
#[derive(Clone, Debug)]
pub struct LocalNode {
    process: Process,
    /// Host and port of its RPC.
    address: String,
}

/// What one node has used since its start.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// CPU time of all threads.
    pub cpu: Duration,
    /// CPU time by stage, of the threads that live.
    pub stages: BTreeMap<&'static str, Duration>,
    /// What executing blocks took by the clock.
    pub executing: Duration,
    /// Of that, what the state tree took.
    pub tree: Duration,
    /// Of that, what writing results took.
    pub storing: Duration,
    /// Bytes sent to other nodes, before encryption.
    pub sent_bytes: u64,
    /// Bytes received from other nodes, after decryption.
    pub received_bytes: u64,
    /// Bytes written to the disk.
    pub written_bytes: u64,
    /// Syncs of the database.
    pub syncs: u64,
    /// Blocks that became final.
    pub finals: u64,
    /// From proposal to final, all of these blocks together.
    pub finality: Duration,
    /// Bytes of memory that it holds now.
    pub resident_bytes: u64,
}

impl Usage {
    /// What was used since `earlier`; memory is what is held now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |stage: &str| earlier.stages.get(stage).copied().unwrap_or_default();
        let stages =
            self.stages.iter().map(|(stage, cpu)| (*stage, cpu.saturating_sub(before(stage))));
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            stages: stages.collect(),
            executing: self.executing.saturating_sub(earlier.executing),
            tree: self.tree.saturating_sub(earlier.tree),
            storing: self.storing.saturating_sub(earlier.storing),
            sent_bytes: self.sent_bytes.saturating_sub(earlier.sent_bytes),
            received_bytes: self.received_bytes.saturating_sub(earlier.received_bytes),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
            syncs: self.syncs.saturating_sub(earlier.syncs),
            finals: self.finals.saturating_sub(earlier.finals),
            finality: self.finality.saturating_sub(earlier.finality),
            resident_bytes: self.resident_bytes,
        }
    }

    /// CPU time by stage, that of execution divided by what its parts took by the clock: they follow one another on one
    /// thread.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<&'static str, Duration> {
        let mut parts = self.stages.clone();
        let whole = self.executing.as_secs_f64();
        let Some(execution) = parts.get(EXECUTION).copied().filter(|_| whole > 0.0) else {
            return parts;
        };
        let mut rest = execution;
        for (name, took) in [("state tree", self.tree), ("writing results", self.storing)] {
            let part = execution.mul_f64((took.as_secs_f64() / whole).min(1.0)).min(rest);
            rest -= part;
            parts.insert(name, part);
        }
        parts.insert(EXECUTION, rest);
        parts
    }
}

/// Those of the nodes that run on this machine, as they say themselves.
pub async fn local_nodes(urls: &[String]) -> Vec<LocalNode> {
    let mut nodes = Vec::new();
    for url in urls.iter().filter(|url| is_local(url)) {
        let Ok(client) = Client::new(vec![url.clone()]) else { continue };
        if let Ok(status) = client.call_once::<NodeStatusMethod>(Empty {}).await
            && let Some(process) = Process::find(status.pid)
        {
            nodes.push(LocalNode { process, address: address_of(url) });
        }
    }
    nodes
}

/// What each has used so far.
pub async fn sample(nodes: &[LocalNode]) -> Vec<Usage> {
    let mut usages = Vec::with_capacity(nodes.len());
    for node in nodes {
        let metrics = http::get(&node.address, "/metrics").await.unwrap_or_default();
        let seconds = |name| Duration::try_from_secs_f64(total(&metrics, name)).unwrap_or_default();
        let mut usage = Usage {
            cpu: node.process.cpu().unwrap_or_default(),
            sent_bytes: total(&metrics, SENT_BYTES),
            received_bytes: total(&metrics, RECEIVED_BYTES),
            written_bytes: node.process.written_bytes().unwrap_or_default(),
            syncs: total(&metrics, SYNCS),
            finals: total(&metrics, FINALITY_COUNT),
            finality: seconds(FINALITY_SUM),
            executing: seconds(EXECUTING),
            tree: seconds(TREE),
            storing: seconds(STORING),
            resident_bytes: node.process.resident_bytes().unwrap_or_default(),
            ..Usage::default()
        };
        for (thread, cpu) in node.process.threads() {
            *usage.stages.entry(stage_of(&thread)).or_default() += cpu;
        }
        usages.push(usage);
    }
    usages
}

/// The stage that executes blocks.
const EXECUTION: &str = "execution";

/// The stage that a thread works for, by its name.
fn stage_of(thread: &str) -> &'static str {
    match thread {
        "worker" => "signatures",
        "executor" => EXECUTION,
        "driver" => "consensus",
        name if name.starts_with("tokio") => "network and RPC",
        name if name.starts_with("rocksdb") => "database upkeep",
        _ => "other",
    }
}

impl LocalNode {
    /// A process of this machine whose metrics are served at a host and port.
    #[must_use]
    pub fn new(process: Process, address: String) -> Self {
        Self { process, address }
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }
}

/// The sum of a counter over all its labels, in the text format of Prometheus.
pub(super) fn total<N: FromStr + Sum>(metrics: &str, name: &str) -> N {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_it = rest.starts_with(['{', ' ']);
        is_it.then(|| rest.rsplit(' ').next()?.parse::<N>().ok()).flatten()
    });
    values.sum()
}

fn is_local(url: &str) -> bool {
    ["http://127.", "http://localhost", "http://[::1]"].iter().any(|prefix| url.starts_with(prefix))
}

fn address_of(url: &str) -> String {
    let rest = url.trim_start_matches("http://");
    rest.split('/').next().unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels_and_told_from_longer_names() {
        let metrics = "# HELP a_total all\na_total{lane=\"x\"} 3\na_total{lane=\"y z\"} 4\na_total_more 9\nb 1\n";
        assert_eq!(total::<u64>(metrics, "a_total"), 7);
        assert_eq!(total::<f64>(metrics, "b").to_bits(), 1.0f64.to_bits());
        assert_eq!(total::<u64>(metrics, "c"), 0);
    }

    #[test]
    fn what_was_used_is_the_difference_and_memory_what_is_held() {
        let at = |n: u64| Usage {
            cpu: Duration::from_secs(n),
            stages: BTreeMap::from([("execution", Duration::from_secs(n))]),
            executing: Duration::from_secs(2 * n),
            tree: Duration::from_secs(n),
            storing: Duration::from_secs(n) / 2,
            sent_bytes: n,
            received_bytes: n,
            written_bytes: n,
            syncs: n,
            finals: n,
            finality: Duration::from_secs(n),
            resident_bytes: n,
        };
        let used = at(7).since(&at(4));
        assert_eq!(
            (used.cpu, used.stages["execution"]),
            (Duration::from_secs(3), Duration::from_secs(3))
        );
        assert_eq!((used.sent_bytes, used.received_bytes), (3, 3));
        assert_eq!((used.written_bytes, used.syncs), (3, 3));
        assert_eq!(used.resident_bytes, 7);
        let parts = used.parts();
        let millis = |part: &str| parts[part].as_millis();
        let found = ["state tree", "writing results", "execution"].map(millis);
        assert_eq!(found, [1_500, 750, 750], "three seconds, by what the parts took");
    }

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        assert!(is_local("http://127.0.0.1:80/rpc") && !is_local("http://10.0.0.1"));
        assert_eq!(address_of("http://127.0.0.1:80/rpc"), "127.0.0.1:80");
    }
}
