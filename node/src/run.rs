//! The process of a node: its listeners, its signals, its end.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::OptionFuture;
use logothete_client::rpc::types::AdminPeers;
use logothete_ledger::progress::Watch;
use logothete_primitives::{ChainId, TimestampMs};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::admin::{Actions, listener, socket};
use crate::backup;
use crate::backup_record::{BackupRecord, RecordError};
use crate::config::Config;
use crate::files;
use crate::node::Node;
use crate::recover::Layout;
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
    let public = rpc::bind(config.rpc.listen).await?;
    let private = match config.admin {
        Some(admin) => Some((rpc::bind(admin.listen).await?, admin.token_hash)),
        None => None,
    };
    let node = Node::start(config).await?;
    let service = node.service.clone();
    let stop = node.stop_token();
    stop_on_signals(&stop)?;
    // Before anybody can scrape: it sets the figures of what the node before the restart knew.
    let actions: Arc<dyn Actions> = Arc::new(Administration::new(service.clone()));
    let names = &service.config.rpc;
    let hosts = rpc::Hosts::new(&names.hosts, &names.origins);
    let options = rpc::Options { hosts, limits };
    let server = rpc::spawn(public, service.clone(), options, stop.clone());
    let path = service.config.admin_socket();
    let socket = socket::serve(&path, Arc::clone(&actions), stop.clone())
        .context("opening the admin socket")?;
    let administered = private.as_ref().and_then(|(listener, _)| listener.local_addr().ok());
    let administration = private.map(|(listener, token)| {
        listener::spawn(listener, token, actions, service.metrics.clone(), stop.clone())
    });
    info!(
        event = "node.started",
        version = env!("CARGO_PKG_VERSION"),
        chain = %service.spec.chain_name,
        chain_id = %service.chain.genesis().chain,
        key = %service.network.local(),
        role = ?service.config.role,
        height = %service.head().height,
        rpc = %service.config.rpc.listen,
        admin = administered.map(tracing::field::display),
    );
    let ended = node.finished().await;
    // They end by themselves once the node stops; what they say of it was logged.
    let _ = tokio::join!(server, socket, OptionFuture::from(administration));
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
    backups: BackupRecord,
}

impl Administration {
    fn new(service: Arc<Service>) -> Self {
        let path = Layout::new(&service.config.paths.data).backups();
        let backups = BackupRecord::open(path, service.chain.genesis().chain);
        service.metrics.backup.known(backups.newest());
        Self { service, backups }
    }
}

impl Actions for Administration {
    fn backup(&self, dir: &Path, watch: &mut Watch<'_>) -> Result<serde_json::Value, String> {
        let metrics = &self.service.metrics.backup;
        let made = backup::create(&self.service.chain, dir, watch).map_err(|error| {
            metrics.failed();
            error.to_string()
        })?;
        // The backup is good all the same.
        if let Err(error) = self.backups.made(made.created_ms) {
            warn!(event = "backup.record.unwritten", %error);
        }
        metrics.known(self.backups.newest());
        serde_json::to_value(made).map_err(|error| error.to_string())
    }

    fn backup_verified(
        &self,
        chain: ChainId,
        created: TimestampMs,
    ) -> Result<TimestampMs, RecordError> {
        let remembered = self.backups.verified(chain, created);
        let newest = self.backups.newest();
        self.service.metrics.backup.known(newest);
        remembered.map(|()| newest.verified_ms.unwrap_or(created))
    }

    fn peers(&self) -> AdminPeers {
        rpc::peers(&self.service)
    }

    fn shutdown(&self) {
        self.service.stop.cancel();
    }
}
