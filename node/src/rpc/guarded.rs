//! The routes of a listener that answers only who shows a token.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use logothete_client::rpc::RpcError;
use tokio_util::task::TaskTracker;

use super::clients::{Bucket, Rate, bucket};
use super::dispatch::{Dispatcher, Interface, error_body};
use super::hosts::Hosts;
use super::http::{RPC, Shared, come_back, guard, header, json, rpc};
use crate::admin::TokenHash;
use crate::metrics::Metrics;

/// Wrong tokens that are looked into; more are only turned away.
const WRONG: Rate = Rate { per_second: 1, burst: 10 };

/// Who may pass.
struct Gate {
    token: TokenHash,
    metrics: Metrics,
    wrong: Mutex<Bucket>,
}

/// Calls, for who shows the token, and nothing else.
pub fn guarded_router<A: Interface + 'static>(
    dispatcher: Arc<Dispatcher<A>>,
    token: TokenHash,
    metrics: Metrics,
) -> Router {
    let wrong = Mutex::new(Bucket::full(WRONG, Instant::now()));
    let gate = Arc::new(Gate { token, metrics: metrics.clone(), wrong });
    let shared = Shared::new(dispatcher, Hosts::default(), metrics, TaskTracker::new());
    Router::new()
        .route(RPC, post(rpc::<A>))
        .fallback(elsewhere)
        .method_not_allowed_fallback(elsewhere)
        .layer(middleware::from_fn_with_state(gate, ask_token))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::<A>))
        .with_state(shared)
}

/// The right token always passes: strangers who show wrong ones keep nobody out.
async fn ask_token(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match header(request.headers(), &AUTHORIZATION).map(bearer) {
        Some(Some(token)) if gate.token.fits(token) => next.run(request).await,
        None => gate.refuse("no token was shown"),
        Some(_) => gate.refuse_wrong(),
    }
}

/// The token in `Bearer TOKEN`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Gate {
    fn refuse_wrong(&self) -> Response {
        let taken = bucket(&self.wrong).take(Instant::now());
        if let Err(wait_ms) = taken {
            self.metrics.rpc.refused("tokens");
            let error = RpcError::limit("too many wrong tokens were shown", wait_ms);
            return come_back(StatusCode::TOO_MANY_REQUESTS, &error);
        }
        tracing::warn!(
            event = "admin.token.wrong",
            hint = "somebody tries, or an old token is used"
        );
        self.refuse("the token is not that of this node")
    }

    fn refuse(&self, why: &str) -> Response {
        self.metrics.rpc.refused("token");
        let hint = "send the header `Authorization: Bearer TOKEN`; `logothete admin token` makes a new one";
        let mut response =
            json(StatusCode::UNAUTHORIZED, error_body(&RpcError::unauthorized(why, hint)));
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}

async fn elsewhere() -> Response {
    let text = "only POST /rpc is answered here; everything else is on the public listener\n";
    (StatusCode::NOT_FOUND, text).into_response()
}
