//! Which path shows what, and the headers that keep a page to itself.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use logothete_primitives::{domain, hash};

use super::assets::{Asset, Form, INDEX};

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
    let genesis = Form {
        tag: format!("\"{}\"", hash(domain::CHAIN, &genesis)),
        bytes: genesis,
        media_type: "application/octet-stream",
        coding: None,
    };
    let genesis_file = async move |headers: HeaderMap| answer(&headers, &genesis);
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
    let Some(form) = Asset::find(path, takes_gzip(headers)) else { return not_found() };
    let mut response = answer(headers, form);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Whether the client takes packed content.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = false;
    for item in values.flat_map(|list| list.split(',')) {
        let (coding, quality) = item.split_once(';').unwrap_or((item, "q=1"));
        let quality = quality.trim().strip_prefix("q=").and_then(|quality| quality.parse().ok());
        let wanted = quality.is_some_and(|quality: f32| quality > 0.0);
        match coding.trim() {
            "gzip" => return wanted,
            "*" => any = wanted,
            _ => {}
        }
    }
    any
}

/// The content, or only that it is what the browser has.
fn answer(headers: &HeaderMap, form: &Form) -> Response {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = known.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == form.tag
    });
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, form.media_type)], form.bytes.clone()).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&form.tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(coding) = form.coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
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
