//! The process of a node: its listeners, its signals, its end.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::admin::{self, Actions};
use crate::backup;
use crate::config::Config;
use crate::files;
use crate::node::Node;
use crate::rpc;
use crate::service::Service;
use crate::workers;

/// Files beside the connections of clients: the database, peers, the log.
const OTHER_FILES: u64 = 2_048;

/// Runs a node until a signal, its administrator or a failed stage ends it.
///
/// # Errors
/// Why the node could not start, or why it ended.
pub async fn run(config: Config) -> anyhow::Result<()> {
    workers::start().context("starting the worker threads")?;
    let limits = rpc::Limits::default();
    allow_files(limits.connections);
    let listener = rpc::bind(config.rpc.listen).await?;
    let node = Node::start(config).await?;
    let service = node.service.clone();
    let stop = node.stop_token();
    stop_on_signals(&stop)?;
    let names = &service.config.rpc;
    let hosts = rpc::Hosts::new(&names.hosts, &names.origins);
    let options = rpc::Options { hosts, limits };
    let server = rpc::spawn(listener, service.clone(), options, stop.clone());
    let socket = service.config.admin_socket();
    let actions = Arc::new(Administration { service: service.clone() });
    let admin = admin::serve(&socket, actions, stop.clone()).context("opening the admin socket")?;
    info!(
        event = "node.started",
        version = env!("CARGO_PKG_VERSION"),
        chain = %service.spec.chain_name,
        chain_id = %service.chain.genesis().chain,
        key = %service.network.local(),
        role = ?service.config.role,
        height = %service.head().height,
        rpc = %service.config.rpc.listen,
    );
    let ended = node.finished().await;
    // Both end by themselves once the node stops; what they say of it was logged.
    let _ = tokio::join!(server, admin);
    ended
}

/// Lets the process have as many files open as connections of clients and the database may need.
fn allow_files(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
    if let Some(files) = files::allow_most().filter(|files| *files < needed) {
        warn!(event = "process.files.few", files, needed, hint = "raise `ulimit -Hn`");
    }
}

/// Asks the node to stop when the process is asked to end.
///
/// # Errors
/// When the signals cannot be listened for.
pub(crate) fn stop_on_signals(stop: &CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => info!(event = "node.stopping", reason = "SIGINT"),
            _ = terminate.recv() => info!(event = "node.stopping", reason = "SIGTERM"),
            () = stop.cancelled() => {}
        }
        stop.cancel();
    });
    Ok(())
}

struct Administration {
    service: Arc<Service>,
}

impl Actions for Administration {
    fn backup(&self, dir: &Path) -> Result<serde_json::Value, String> {
        let created = backup::create(&self.service.chain, dir);
        match &created {
            Ok(_) => self.service.metrics.backup.created(),
            Err(_) => self.service.metrics.backup.failed(),
        }
        created.map_err(|error| format!("{error:#}"))
    }

    fn shutdown(&self) {
        self.service.stop.cancel();
    }
}
