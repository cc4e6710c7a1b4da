//! The HTTP face: `/rpc`, `/ws`, `/events`, `/openrpc.json`, `/livez`, `/readyz`, `/metrics`, and the explorer on all other
//! paths it has.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::Router;
use axum::body::{BodyDataStream, Bytes};
use axum::extract::{Extension, RawQuery, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use logothete_client::rpc::{Api, ErrorCode, RpcError, openrpc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::Limits;
use super::clients::Visitor;
use super::dispatch::{Dispatcher, Interface, error_body};
use super::envelope::as_u64;
use super::events::{Feeds, Seats, socket, stream};
use super::health::{Check, Health, report};
use super::hosts::Hosts;
use crate::explorer;
use crate::metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics};

/// Request bodies are counted against their common budget in pieces of this many bytes.
const BUDGET_UNIT: usize = 1024;
/// What a client is told to wait when no more bodies fit.
const BUSY_RETRY_MS: u32 = 250;

/// Where calls are answered. Each counts for itself, and not the request.
pub(super) const RPC: &str = "/rpc";

/// What every request needs.
pub(super) struct Shared<A> {
    pub(super) dispatcher: Arc<Dispatcher<A>>,
    hosts: Hosts,
    pub(super) metrics: Metrics,
    /// Room for subscribers.
    pub(super) seats: Seats,
    /// What goes on after its request was answered.
    pub(super) tasks: TaskTracker,
    /// Room for request bodies, in units of [`BUDGET_UNIT`].
    bodies: Arc<Semaphore>,
}

impl<A: Interface> Shared<A> {
    pub(super) fn new(
        dispatcher: Arc<Dispatcher<A>>,
        hosts: Hosts,
        metrics: Metrics,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let bodies = Arc::new(Semaphore::new(dispatcher.limits().bodies_bytes / BUDGET_UNIT));
        let seats = Seats::new(dispatcher.limits(), metrics.clone());
        Arc::new(Self { dispatcher, hosts, metrics, seats, tasks, bodies })
    }
}

/// The routes of the public listener.
///
/// WebSockets outlive the requests that open them; `tasks` has them. `genesis` is the encoding of the chain specification.
pub fn router<A>(
    dispatcher: Arc<Dispatcher<A>>,
    hosts: Hosts,
    metrics: Metrics,
    (tasks, genesis): (TaskTracker, Bytes),
) -> Router
where
    A: Api + Feeds + Health + 'static,
{
    let shared = Shared::new(dispatcher, hosts, metrics, tasks);
    Router::new()
        .route(RPC, post(rpc::<A>).options(preflight::<A>))
        .route("/ws", get(socket::<A>))
        .route("/events/{kind}", get(stream::<A>))
        .route("/openrpc.json", get(description))
        .route("/livez", get(livez::<A>))
        .route("/readyz", get(readyz::<A>))
        .route("/metrics", get(exposition::<A>))
        .merge(explorer::routes(genesis))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_verb)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::<A>))
        .with_state(shared)
}

/// Refuses what is not meant for this server; adds what every answer carries.
pub(super) async fn guard<A>(
    State(shared): State<Arc<Shared<A>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let host = header(request.headers(), &HOST).or_else(|| request.uri().host()).unwrap_or("");
    if !shared.hosts.serves(host) {
        shared.metrics.rpc.refused("host");
        let error = RpcError::unauthorized(
            "the Host header names another server",
            "use the address of the node, or configure the name it is known by",
        );
        return json(StatusCode::FORBIDDEN, error_body(&error));
    }
    let origin = header(request.headers(), &ORIGIN);
    if origin.is_some_and(|origin| !shared.hosts.trusts(origin, host)) {
        shared.metrics.rpc.refused("origin");
        let error = RpcError::unauthorized(
            "pages of this origin may not call this node",
            "configure the origin if you trust it",
        );
        return json(StatusCode::FORBIDDEN, error_body(&error));
    }
    let visitor = request.extensions_mut().get_or_insert_default::<Visitor>().clone();
    if request.uri().path() != RPC
        && let Err(error) = visitor.call(Instant::now())
    {
        shared.metrics.rpc.refused("rate");
        return come_back(StatusCode::TOO_MANY_REQUESTS, &error);
    }
    let readable = request.headers().get(ORIGIN).cloned();
    let readable = readable.filter(|o| o.to_str().is_ok_and(|o| shared.hosts.allows(o)));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = readable {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// Answers JSON-RPC.
pub(super) async fn rpc<A: Interface>(
    State(shared): State<Arc<Shared<A>>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    // A tool may leave the media type out; a page may not, so that its browser asks first.
    let from_page = request.headers().contains_key(ORIGIN);
    if from_page && !is_json(request.headers()) {
        let error = RpcError::invalid_request("the Content-Type is not application/json");
        return json(StatusCode::UNSUPPORTED_MEDIA_TYPE, error_body(&error));
    }
    let (bytes, room) = match read_body(&shared, request).await {
        Ok(read) => read,
        Err(error) => return refuse(&shared.metrics, &error),
    };
    let answer = shared.dispatcher.answer(&bytes, &visitor).await;
    drop((bytes, room));
    match answer {
        Some(answer) => json(StatusCode::OK, answer),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Reads a body within its own limit, the common budget and the time.
async fn read_body<A: Interface>(
    shared: &Shared<A>,
    request: Request,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), RpcError> {
    let limits = shared.dispatcher.limits();
    let announced = header(request.headers(), &CONTENT_LENGTH).and_then(|n| n.parse().ok());
    let too_large = announced.is_some_and(|announced: usize| announced > limits.body_bytes);
    if too_large && request.headers().contains_key(EXPECT) {
        return Err(body_too_large(limits.body_bytes));
    }
    let mut pieces = request.into_body().into_data_stream();
    let read = async {
        if too_large {
            return Err(body_too_large(limits.body_bytes));
        }
        collect(&mut pieces, limits.body_bytes, &shared.bodies).await
    };
    let read = tokio::time::timeout(limits.body_time, read).await.unwrap_or_else(|_| {
        let seconds = limits.body_time.as_secs();
        Err(RpcError::invalid_request(format!("the body did not arrive within {seconds} s")))
    });
    if read.is_err() {
        discard(&mut pieces, limits).await;
    }
    read
}

/// Reads on for a while what was refused: many clients look at the answer only after they have
/// sent everything, and would see a broken connection instead of the reason.
async fn discard(pieces: &mut BodyDataStream, limits: &Limits) {
    let mut left = limits.discard_bytes;
    let reading = async {
        while let Some(Ok(piece)) = pieces.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(limits.discard_time, reading).await;
}

/// Gathers the pieces of a body; each takes its room from the common budget first.
async fn collect(
    pieces: &mut BodyDataStream,
    max: usize,
    budget: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), RpcError> {
    let mut first = Bytes::new();
    let mut rest: Vec<u8> = Vec::new();
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| RpcError::invalid_request("the body broke off"))?;
        let total = first.len() + rest.len() + piece.len();
        if total > max {
            return Err(body_too_large(max));
        }
        take_room(&mut room, total, budget)?;
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok((first, room));
    }
    let mut whole = Vec::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.append(&mut rest);
    Ok((whole.into(), room))
}

/// Raises `room` to what `total` bytes need.
fn take_room(
    room: &mut Option<OwnedSemaphorePermit>,
    total: usize,
    budget: &Arc<Semaphore>,
) -> Result<(), RpcError> {
    let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let missing = total.div_ceil(BUDGET_UNIT).saturating_sub(held);
    if missing == 0 {
        return Ok(());
    }
    let missing = u32::try_from(missing).unwrap_or(u32::MAX);
    let more = Arc::clone(budget)
        .try_acquire_many_owned(missing)
        .map_err(|_| RpcError::limit("request bodies fill the room there is", BUSY_RETRY_MS))?;
    match room {
        Some(room) => room.merge(more),
        None => *room = Some(more),
    }
    Ok(())
}

fn body_too_large(max: usize) -> RpcError {
    RpcError::too_large("the body", as_u64(max))
}

/// The answer to a body that was not read.
fn refuse(metrics: &Metrics, error: &RpcError) -> Response {
    let (status, reason) = match error.code {
        ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        ErrorCode::Limit => (StatusCode::SERVICE_UNAVAILABLE, "bodies_full"),
        _ => (StatusCode::REQUEST_TIMEOUT, "body_incomplete"),
    };
    metrics.rpc.refused(reason);
    come_back(status, error)
}

/// An error as the answer to a request, with a header that says when to try again if the error does.
pub(super) fn come_back(status: StatusCode, error: &RpcError) -> Response {
    let mut response = json(status, error_body(error));
    if error.data.retry_after_ms.is_some() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Answers a browser that asks whether a page of a configured origin may call.
async fn preflight<A>(State(shared): State<Arc<Shared<A>>>, headers: HeaderMap) -> Response {
    if !header(&headers, &ORIGIN).is_some_and(|origin| shared.hosts.allows(origin)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let allow = [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, allow).into_response()
}

async fn livez<A: Api + Health>(
    State(shared): State<Arc<Shared<A>>>,
    RawQuery(query): RawQuery,
) -> Response {
    probe(&shared.dispatcher.api().live(), query.as_deref())
}

async fn readyz<A: Api + Health>(
    State(shared): State<Arc<Shared<A>>>,
    RawQuery(query): RawQuery,
) -> Response {
    probe(&shared.dispatcher.api().ready(), query.as_deref())
}

fn probe(checks: &[Check], query: Option<&str>) -> Response {
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose"));
    (status, report(checks, verbose)).into_response()
}

async fn exposition<A>(State(shared): State<Arc<Shared<A>>>) -> Response {
    match shared.metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn description() -> Response {
    static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
        serde_json::to_vec(openrpc::document()).expect("the description is plain JSON")
    });
    json(StatusCode::OK, TEXT.clone())
}

async fn no_such_path() -> Response {
    (
        StatusCode::NOT_FOUND,
        "not here; try the explorer at /, POST /rpc, or GET /openrpc.json, /ws, /events/blocks, /readyz?verbose, /livez, /metrics\n",
    )
        .into_response()
}

async fn wrong_verb(method: Method) -> Response {
    let text = format!("{method} is not answered here; /rpc takes POST, the others GET\n");
    (StatusCode::METHOD_NOT_ALLOWED, text).into_response()
}

/// The one media type that a page cannot send to a stranger without a preflight request.
fn is_json(headers: &HeaderMap) -> bool {
    let essence = header(headers, &CONTENT_TYPE).and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
