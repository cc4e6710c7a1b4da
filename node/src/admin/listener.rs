//! Administration as JSON-RPC on a loopback address, for who holds the token.

use std::sync::Arc;
use std::time::Duration;

use logothete_client::rpc::types::{
    AdminBackup, AdminBackupVerified, AdminPeers, BackupCreated, BackupVerified, Empty, LogLevel,
    OpenRpc, Stopping,
};
use logothete_client::rpc::{
    ADMIN_METHODS, AdminApi, ErrorCode, MethodInfo, RpcError, dispatch_admin, openrpc,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Actions, Refusal, Request, TokenHash};
use crate::metrics::Metrics;
use crate::rpc::{Dispatcher, Interface, Limits, Server, guarded_router, serve};

/// Serves who holds the token until `stopping`.
pub fn spawn(
    listener: TcpListener,
    token: TokenHash,
    actions: Arc<dyn Actions>,
    metrics: Metrics,
    stopping: CancellationToken,
) -> JoinHandle<()> {
    let api = AdminNode { actions };
    let dispatcher = Dispatcher::new(api, limits(), metrics.clone(), stopping.clone());
    let router = guarded_router(dispatcher, token, metrics.clone());
    let (limits, tasks) = (Arc::new(limits()), TaskTracker::new());
    tokio::spawn(serve(listener, router, Server { limits, metrics, stopping, tasks }))
}

/// Administration is one person or one script, and a backup of a large database takes its time.
fn limits() -> Limits {
    Limits {
        connections: 16,
        body_bytes: 64 * 1024,
        bodies_bytes: 256 * 1024,
        discard_bytes: 256 * 1024,
        response_bytes: 1024 * 1024,
        values: 256,
        batch_calls: 8,
        batch_parallel: 1,
        calls: 4,
        call_time: Duration::from_secs(3600),
        ..Limits::default()
    }
}

/// The administration of a node, as an interface.
struct AdminNode {
    actions: Arc<dyn Actions>,
}

impl AdminNode {
    async fn ask<R: DeserializeOwned>(&self, request: Request) -> Result<R, RpcError> {
        // A call has one answer: how far a backup is, only the socket can tell.
        let done = request.perform(Arc::clone(&self.actions), |_| ()).await;
        let answer = done.map_err(refused)?;
        serde_json::from_value(answer).map_err(|error| {
            tracing::error!(event = "admin.answer.malformed", %error);
            RpcError::internal()
        })
    }
}

/// Whoever holds the token may know what went wrong on the node.
fn refused(refusal: Refusal) -> RpcError {
    match refusal {
        Refusal::Senseless(why) => {
            RpcError::invalid_params(why, "docs/rpc.md has an example of each method")
        }
        Refusal::Failed(why) => RpcError::new(
            ErrorCode::Internal,
            why,
            "mend that on the node's machine, and ask again",
        ),
    }
}

impl AdminApi for AdminNode {
    async fn admin_backup(&self, params: AdminBackup) -> Result<BackupCreated, RpcError> {
        self.ask(Request::Backup { dir: params.dir, progress: false }).await
    }

    async fn admin_backup_verified(
        &self,
        params: AdminBackupVerified,
    ) -> Result<BackupVerified, RpcError> {
        let AdminBackupVerified { chain, created_ms } = params;
        self.ask(Request::BackupVerified { chain, created_ms }).await
    }

    async fn admin_log_level(&self, params: LogLevel) -> Result<LogLevel, RpcError> {
        self.ask(Request::LogLevel { level: params.level }).await
    }

    async fn admin_peers(&self, _: Empty) -> Result<AdminPeers, RpcError> {
        self.ask(Request::Peers {}).await
    }

    async fn admin_shutdown(&self, _: Empty) -> Result<Stopping, RpcError> {
        self.ask(Request::Shutdown {}).await
    }

    async fn rpc_discover(&self, _: Empty) -> Result<OpenRpc, RpcError> {
        Ok(openrpc::admin_document().clone())
    }
}

impl Interface for AdminNode {
    const METHODS: &'static [MethodInfo] = ADMIN_METHODS;

    async fn call(&self, name: &str, params: Option<&RawValue>) -> Result<Vec<u8>, RpcError> {
        dispatch_admin(self, name, params).await
    }
}
