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

/// An address that is none of a collector.
#[derive(Debug, Error)]
#[error(
    "traces.endpoint: {0:?} is no address of a collector; it begins with http://, such as http://127.0.0.1:4318"
)]
pub struct BadEndpoint(String);

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
        let bad = || BadEndpoint(endpoint.to_owned());
        let base = format!("{}/", endpoint.trim_end_matches('/'));
        let base = Url::parse(&base).ok().filter(|url| url.scheme() == "http" && url.has_host());
        let url = base.and_then(|base| base.join(PATH).ok()).ok_or_else(bad)?;
        let http = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|_| bad())?;
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
