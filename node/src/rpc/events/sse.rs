//! `GET /events/<kind>`: one subscription as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use logothete_client::rpc::method::parse_params;
use logothete_client::rpc::types::{Event, EventKind, Subscribe};
use logothete_client::rpc::{Api, ErrorCode, RpcError};
use serde_json::{Map, Value};

use super::super::dispatch::error_body;
use super::super::http::{Shared, header, json};
use super::Feeds;
use super::seats::Seat;

/// What a client sends that was cut off: the position of the last event it has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers with events until the client goes, the node stops, or there is nothing more to tell.
pub(in crate::rpc) async fn stream<A: Api + Feeds + 'static>(
    State(shared): State<Arc<Shared<A>>>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let last = header(&headers, &LAST_EVENT_ID);
    match open(&shared, kind, query.as_deref().unwrap_or(""), last) {
        Ok(body) => ([(CONTENT_TYPE, "text/event-stream")], body).into_response(),
        Err(error) => {
            let status = match error.code {
                ErrorCode::NotFound => StatusCode::NOT_FOUND,
                ErrorCode::InvalidParams => StatusCode::BAD_REQUEST,
                ErrorCode::Pruned => StatusCode::GONE,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            json(status, error_body(&error))
        }
    }
}

fn open<A: Api + Feeds>(
    shared: &Shared<A>,
    kind: String,
    query: &str,
    last: Option<&str>,
) -> Result<Body, RpcError> {
    if !EventKind::ALL.iter().any(|known| known.name() == kind) {
        let names = EventKind::ALL.map(EventKind::name).join(", ");
        let shown: String = kind.chars().take(64).collect();
        let message = format!("there are no events {shown:?}");
        return Err(RpcError::new(ErrorCode::NotFound, message, format!("there are {names}")));
    }
    let stopping = shared.dispatcher.stopping().clone();
    if stopping.is_cancelled() {
        return Err(RpcError::shutting_down());
    }
    let wish = read_wish(kind, query, last)?;
    let seat = shared.seats.take(wish.kind)?;
    let feed = shared.dispatcher.api().feed(&wish)?;
    let events = feed.events.map(move |event| Ok::<_, Infallible>(write(&event, &seat)));
    Ok(Body::from_stream(events.take_until(stopping.cancelled_owned())))
}

/// The parameters of a subscription from an address. A browser that reconnects repeats the address,
/// so what it has seen last counts more than where it wanted to begin.
fn read_wish(kind: String, query: &str, last: Option<&str>) -> Result<Subscribe, RpcError> {
    let mut params = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if params.insert(name.to_owned(), value.into()).is_some() {
            return Err(RpcError::invalid_params("a name is given twice", "give each once"));
        }
    }
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        params.remove("from_height");
        params.insert("after".to_owned(), last.into());
    }
    if params.insert("kind".to_owned(), kind.into()).is_some() {
        let hint = "the kind is in the path: /events/blocks";
        return Err(RpcError::invalid_params("kind is given twice", hint));
    }
    parse_params(Value::Object(params))
}

/// An event as the lines of its frame.
fn write(event: &Event, seat: &Seat) -> Bytes {
    seat.told();
    let data = serde_json::to_string(event).expect("an event is plain JSON");
    let id = event.position.map_or_else(String::new, |position| format!("id: {position}\n"));
    format!("{id}event: {}\ndata: {data}\n\n", event.told.name()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::Height;

    use super::*;

    fn wish(query: &str, last: Option<&str>) -> Result<Subscribe, RpcError> {
        read_wish("blocks".to_owned(), query, last)
    }

    #[test]
    fn an_address_says_from_where_and_the_last_event_counts_more() {
        let from = wish("from_height=5", None).unwrap();
        assert_eq!(from, Subscribe::from(EventKind::Blocks, Height::new(5)));
        let again = wish("from_height=5", Some("17")).unwrap();
        assert_eq!((again.from_height, again.after), (None, Some("17".parse().unwrap())));
        assert_eq!(wish("", Some("")).unwrap(), Subscribe::to(EventKind::Blocks));
    }

    #[test]
    fn a_mistaken_address_is_refused() {
        for query in ["from=5", "from_height=x", "from_height=5&from_height=6", "kind=txs", "="] {
            assert_eq!(wish(query, None).unwrap_err().code, ErrorCode::InvalidParams, "{query}");
        }
        assert_eq!(wish("", Some("x")).unwrap_err().code, ErrorCode::InvalidParams);
    }
}
