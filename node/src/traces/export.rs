//! Sends spans to a collector: OTLP over HTTP, in its JSON form.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{Span, unix_nanos};

/// Spans of one request.
const SPANS_MAX: usize = 256;
/// Time between two requests, in which spans gather.
const PAUSE: Duration = Duration::from_millis(500);
/// Time that a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where collectors take traces.
const PATH: &str = "v1/traces";
/// Kinds of spans in OTLP: what a client asked for, and a part of that.
const SERVER: u8 = 2;
const INTERNAL: u8 = 1;

/// An address that is none of a collector. It is not told: there may be a password in it.
#[derive(Debug, Error)]
#[error(
    "traces.endpoint is no address of a collector; it begins with http:// and holds neither user nor password, such as \
     http://127.0.0.1:4318"
)]
pub struct BadEndpoint;

/// Where a collector takes traces.
///
/// # Errors
/// The endpoint is no address of a collector. Who has a password in it would find it in the log.
pub fn address_of(endpoint: &str) -> Result<Url, BadEndpoint> {
    let base = format!("{}/", endpoint.trim_end_matches('/'));
    let base = Url::parse(&base).ok().filter(|url| url.scheme() == "http" && url.has_host());
    let open = base.filter(|url| url.username().is_empty() && url.password().is_none());
    open.and_then(|base| base.join(PATH).ok()).ok_or(BadEndpoint)
}

/// Sends what waits, until the node stops.
pub struct Exporter {
    url: Url,
    node: String,
    http: reqwest::Client,
    waiting: mpsc::Receiver<Span>,
}

impl Exporter {
    pub(super) fn new(
        endpoint: &str,
        node: &str,
        waiting: mpsc::Receiver<Span>,
    ) -> Result<Self, BadEndpoint> {
        let url = address_of(endpoint)?;
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .expect("a client without TLS has nothing to load");
        Ok(Self { url, node: node.to_owned(), http, waiting })
    }

    /// Sends until nobody tells anything any more. What a collector does not take is lost.
    pub async fn run(mut self) {
        let mut spans = Vec::with_capacity(SPANS_MAX);
        let mut works = true;
        while self.waiting.recv_many(&mut spans, SPANS_MAX).await > 0 {
            let request = self.http.post(self.url.clone()).json(&body(&self.node, &spans));
            let answer = request.send().await.and_then(reqwest::Response::error_for_status);
            match (&answer, works) {
                (Err(error), true) => {
                    warn!(event = "traces.lost", url = %self.url, %error, "told again once it works");
                }
                (Ok(_), false) => info!(event = "traces.taken", url = %self.url),
                _ => {}
            }
            works = answer.is_ok();
            spans.clear();
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A request for the export of spans.
fn body(node: &str, spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let resource = [text("service.name", "logothete"), text("service.instance.id", node)];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{
            "scope": { "name": "logothete", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans,
        }],
    }] })
}

fn span(span: &Span) -> Value {
    let hash = span.tx.to_string();
    let height = json!({ "key": "block.height", "value": { "intValue": span.height.to_string() } });
    json!({
        "traceId": hash.get(..32),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": span.parent.map_or_else(String::new, |parent| format!("{parent:016x}")),
        "name": span.name,
        "kind": if span.parent.is_none() { SERVER } else { INTERNAL },
        "startTimeUnixNano": unix_nanos(span.began).to_string(),
        "endTimeUnixNano": unix_nanos(span.ended).to_string(),
        "attributes": [text("tx.hash", &hash), height],
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}
