//! Which path shows what, and the headers that keep a page to itself.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use logothete_primitives::{domain, hash};

use super::assets::{Asset, INDEX};

/// What a page may load, and from where: its own files, from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'self'";

/// Paths that show the one page there is; it reads the rest from its address.
const PAGES: [&str; 12] = [
    "/",
    "/blocks",
    "/block/{which}",
    "/tx/{hash}",
    "/account/{address}",
    "/validators",
    "/consensus",
    "/evidence",
    "/mempool",
    "/network",
    "/verify",
    "/send",
];

/// The routes of the explorer. `genesis` is the encoding of the chain specification, whose hash is
/// the chain id.
pub fn routes<S: Clone + Send + Sync + 'static>(genesis: Bytes) -> Router<S> {
    let mut router = Router::new();
    for path in PAGES {
        router = router.route(path, get(page));
    }
    let tag = format!("\"{}\"", hash(domain::CHAIN, &genesis));
    let genesis_file = async move |headers: HeaderMap| {
        answer(&headers, &tag, "application/octet-stream", genesis.clone())
    };
    router.route("/assets/{*path}", get(asset)).route("/genesis", get(genesis_file))
}

async fn page(headers: HeaderMap) -> Response {
    serve(&headers, INDEX)
}

async fn asset(headers: HeaderMap, Path(path): Path<String>) -> Response {
    if path == INDEX {
        return not_found();
    }
    serve(&headers, &path)
}

fn serve(headers: &HeaderMap, path: &str) -> Response {
    let Some((asset, tag)) = Asset::find(path) else { return not_found() };
    answer(headers, tag, asset.media_type(), Bytes::from_static(asset.bytes))
}

/// The content, or only that it is what the browser has.
fn answer(headers: &HeaderMap, tag: &str, media_type: &'static str, bytes: Bytes) -> Response {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = known.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    });
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, media_type)], bytes).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    protect(headers);
    response
}

fn not_found() -> Response {
    let mut response = (StatusCode::NOT_FOUND, "no such file\n").into_response();
    protect(response.headers_mut());
    response
}

/// The browser asks each time, and is told in a few bytes that nothing changed: a new version of the
/// node must not meet an old page.
fn protect(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 3] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
