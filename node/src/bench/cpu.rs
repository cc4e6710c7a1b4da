//! CPU time of the nodes on this machine and of this process.

use std::time::Duration;

use logothete_client::Client;
use logothete_client::rpc::method::NodeStatusMethod;
use logothete_client::rpc::types::Empty;

use crate::devnet::process::{self, Process};

/// The processes of those nodes that run on this machine, as they say themselves.
pub async fn local_nodes(urls: &[String]) -> Vec<Process> {
    let mut processes = Vec::new();
    for url in urls.iter().filter(|url| is_local(url)) {
        let Ok(client) = Client::new(vec![url.clone()]) else { continue };
        if let Ok(status) = client.call_once::<NodeStatusMethod>(Empty {}).await {
            processes.extend(Process::find(status.pid));
        }
    }
    processes
}

/// CPU time of each so far.
#[must_use]
pub fn sample(processes: &[Process]) -> Vec<Duration> {
    processes.iter().map(|process| process.cpu().unwrap_or_default()).collect()
}

/// CPU time of this process so far.
#[must_use]
pub fn own() -> Duration {
    process::own_cpu()
}

fn is_local(url: &str) -> bool {
    ["http://127.", "http://localhost", "http://[::1]"].iter().any(|prefix| url.starts_with(prefix))
}
