//! The listener: accepts connections, bounds their number and their slowness, drains them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clients::{Clients, Visitor};
use super::stalled::StallGuard;
use super::{Dispatcher, Hosts, Limits, NodeApi, router};
use crate::metrics::Metrics;
use crate::service::Service;

/// The answer to a connection beyond the limit.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 31\r\n\r\ntoo many connections, come back";

/// The head of a request may not be larger; the rest of a connection's buffer is for bodies.
const BUFFER_BYTES: usize = 64 * 1024;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said; `AddrInUse` is a busy port.
    pub source: io::Error,
}

/// Opens the listener; port 0 takes a free one, which the listener then tells.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// Serves `router` on `listener` until `stopping`, then lets calls under way finish for a while.
pub async fn serve(listener: TcpListener, router: Router, server: Server) {
    let permits = Arc::new(Semaphore::new(server.limits.connections));
    let clients = Clients::new(Arc::clone(&server.limits));
    let connections = server.tasks.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.stopping.cancelled() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            server.metrics.rpc.refused("connections");
            refuse(&stream);
            continue;
        };
        let Some(visitor) = clients.admit(from.ip(), Instant::now()) else {
            server.metrics.rpc.refused("client_connections");
            refuse(&stream);
            continue;
        };
        let connection = connection(stream, router.clone(), server.clone(), visitor);
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(server.limits.drain_time, connections.wait()).await;
}

/// How the server is known and what it bounds.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of this server, beside `localhost` and addresses, and origins whose pages may call it.
    pub hosts: Hosts,
    /// The bounds.
    pub limits: Limits,
}

/// Serves the interface of a node on `listener` until `stopping`.
pub fn spawn(
    listener: TcpListener,
    service: Arc<Service>,
    options: Options,
    stopping: CancellationToken,
) -> JoinHandle<()> {
    let metrics = service.metrics.clone();
    let genesis = service.spec.encoding().into();
    let api = NodeApi::new(service, options.limits.clone());
    let limits = options.limits.clone();
    let dispatcher = Dispatcher::new(api, options.limits, metrics.clone(), stopping.clone());
    let tasks = TaskTracker::new();
    let router = router(dispatcher, options.hosts, metrics.clone(), (tasks.clone(), genesis));
    let server = Server { limits: Arc::new(limits), metrics, stopping, tasks };
    tokio::spawn(serve(listener, router, server))
}

/// What the connections share.
#[derive(Clone)]
pub struct Server {
    /// The bounds to keep.
    pub limits: Arc<Limits>,
    /// Where connections are counted.
    pub metrics: Metrics,
    /// Ends the server when cancelled.
    pub stopping: CancellationToken,
    /// The connections, WebSockets included.
    pub tasks: TaskTracker,
}

/// Serves one connection until it ends, idles too long, or the server stops.
async fn connection(stream: TcpStream, router: Router, server: Server, visitor: Visitor) {
    server.metrics.rpc.connected();
    // Answers are small and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(StallGuard::new(stream, server.limits.write_time));
    let routes = TowerToHyperService::new(router);
    let routes = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(visitor.clone());
        routes.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.limits.head_time)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(io, routes)
        .with_upgrades();
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = server.stopping.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let drained = tokio::time::timeout(server.limits.drain_time, serving).await;
            drained.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(event = "rpc.connection.ended", %error);
    }
    server.metrics.rpc.disconnected();
}

/// Tells a client that there is no room, if its buffer takes the few bytes at once.
fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(FULL);
}

/// Running out of descriptors passes; a client that went away needs no pause.
async fn pause_after(error: &io::Error) {
    let harmless = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !harmless.contains(&error.kind()) {
        tracing::warn!(event = "rpc.accept.failed", %error);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
