//! Being told what happens, without gap or repeat, whatever happens to connections and nodes.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::Client;
use crate::rpc::envelope::{Answer, Call};
use crate::rpc::method::SubscribeMethod;
use crate::rpc::types::{Event, EventKind, Notice, Position, Subscribe, Subscribed, Told};
use crate::rpc::{Method, RpcError};
use crate::transport::{ClientError, Pauses, RetryPolicy};

/// How long a node may be silent. It pings three times as often.
const SILENCE: Duration = Duration::from_secs(60);
/// How the connection is made again.
const RETRY: RetryPolicy = RetryPolicy {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(2),
    budget: Duration::from_secs(120),
    attempt: Duration::from_secs(10),
};

/// The events of one subscription. A connection that is lost is made again, to the next node, and the
/// events go on after the last one that was given out.
#[derive(Debug)]
pub struct Subscription {
    nodes: Vec<Url>,
    preferred: usize,
    retry: RetryPolicy,
    /// What to ask for when the connection is made the next time.
    wish: Subscribe,
    seen: Option<Position>,
    socket: Option<Socket>,
    over: bool,
}

impl Client {
    /// Subscribes to events. Nothing is sent before the first is waited for.
    #[must_use]
    pub fn subscribe(&self, wish: Subscribe) -> Subscription {
        let nodes = self.transport.urls().iter().map(socket_url).collect();
        Subscription {
            nodes,
            preferred: 0,
            retry: RETRY,
            wish,
            seen: None,
            socket: None,
            over: false,
        }
    }
}

impl Subscription {
    /// The same with other patience.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Up to where everything was given out: what to go on after, in another process too.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.seen
    }

    /// The next event; `None` after the event `lagged`, which is the last. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// The node's refusal, or what happened to the last attempt at a connection.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let mut pauses = self.retry.pauses(self.nodes.len());
        while !self.over {
            let error = match self.next_once().await {
                Ok(Event { told: Told::Progress, .. }) => {
                    pauses = self.retry.pauses(self.nodes.len());
                    continue;
                }
                Ok(event) => return Ok(Some(event)),
                Err(error) => error,
            };
            self.socket = None;
            if !error.is_transient() {
                return Err(error);
            }
            self.preferred += 1;
            self.pause(&mut pauses, error).await?;
        }
        Ok(None)
    }

    async fn pause(&self, pauses: &mut Pauses, error: ClientError) -> Result<(), ClientError> {
        let Some(pause) = pauses.after(&error) else { return Err(error) };
        sleep(pause).await;
        Ok(())
    }

    async fn next_once(&mut self) -> Result<Event, ClientError> {
        if self.socket.is_none() {
            let url = self.nodes[self.preferred % self.nodes.len()].clone();
            let opening = Socket::open(url.clone(), &self.wish);
            let opened = timeout(self.retry.attempt, opening).await;
            let (socket, made) = opened.unwrap_or_else(|_| Err(lost(&url, "it took too long")))?;
            // What happens from here on is wanted, also if the connection is lost before it happens.
            let anew = self.wish.from_height.is_none() && self.wish.after.is_none();
            if anew && self.wish.kind != EventKind::Consensus {
                self.wish.after = Some(Position::all_of(made.at.height));
            }
            self.socket = Some(socket);
        }
        let socket = self.socket.as_mut().expect("it was filled above");
        let event = socket.next().await?;
        if let Some(position) = event.position {
            if self.seen.is_some_and(|seen| !is_after(position, seen, &event)) {
                return Err(socket.senseless(format!("{position} comes again")));
            }
            self.seen = Some(position);
            (self.wish.from_height, self.wish.after) = (None, Some(position));
        }
        self.over = matches!(event.told, Told::Lagged { .. });
        Ok(event)
    }
}

/// Whether an event goes on from what was seen; that nothing happened may be said twice.
fn is_after(position: Position, seen: Position, event: &Event) -> bool {
    let rank = |at: Position| (at.height, at.index.map_or(u64::MAX, u64::from));
    match event.told {
        Told::Progress => rank(position) >= rank(seen),
        _ => rank(position) > rank(seen),
    }
}

/// One connection with one subscription.
#[derive(Debug)]
struct Socket {
    url: Url,
    stream: WebSocketStream<TcpStream>,
}

/// What comes: an event, or something else that is none of ours.
#[derive(Deserialize)]
struct Notification {
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
}

impl Socket {
    async fn open(url: Url, wish: &Subscribe) -> Result<(Self, Subscribed), ClientError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        let unreachable = |why: String| ClientError::Unreachable { url: url.to_string(), why };
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(|error| unreachable(error.to_string()))?;
        let request = url.as_str().into_client_request();
        let request = request.map_err(|error| unreachable(error.to_string()))?;
        let opened = client_async(request, stream).await;
        let (stream, _) = opened.map_err(|error| lost(&url, error))?;
        let mut socket = Self { url, stream };
        let made = socket.subscribe(wish).await?;
        Ok((socket, made))
    }

    async fn subscribe(&mut self, wish: &Subscribe) -> Result<Subscribed, ClientError> {
        const ID: u64 = 1;
        let call = serde_json::to_string(&Call::new(ID, SubscribeMethod::NAME, wish));
        let call = call.map_err(|error| {
            RpcError::invalid_params(error, "these parameters have no form in JSON")
        })?;
        let sent = self.stream.send(Message::text(call)).await;
        sent.map_err(|error| lost(&self.url, error))?;
        let text = self.text().await?;
        let answer: Answer<Subscribed> =
            serde_json::from_str(&text).map_err(|error| self.senseless(error.to_string()))?;
        let outcome = answer.into_outcome(ID).map_err(|why| self.senseless(why.to_owned()))?;
        Ok(outcome?)
    }

    async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            let text = self.text().await?;
            let bad = |error: serde_json::Error| self.senseless(error.to_string());
            let told: Notification = serde_json::from_str(&text).map_err(bad)?;
            if told.method.as_deref() == Some("event") {
                let notice: Notice = serde_json::from_value(told.params).map_err(bad)?;
                return Ok(notice.event);
            }
        }
    }

    /// The next message; pings are answered on the way.
    async fn text(&mut self) -> Result<String, ClientError> {
        loop {
            let message = timeout(SILENCE, self.stream.next()).await;
            let message = message.map_err(|_| lost(&self.url, "the node is silent"))?;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or_else(String::new, |frame| frame.reason.to_string());
                    return Err(lost(&self.url, format!("the node closed the connection: {why}")));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(lost(&self.url, error)),
                None => return Err(lost(&self.url, "the connection was closed")),
            }
        }
    }

    fn senseless(&self, why: String) -> ClientError {
        ClientError::BadAnswer { url: self.url.to_string(), why }
    }
}

fn lost(url: &Url, why: impl std::fmt::Display) -> ClientError {
    ClientError::Lost { url: url.to_string(), why: why.to_string() }
}

/// Where the node of a JSON-RPC address takes WebSockets.
fn socket_url(url: &Url) -> Url {
    let mut url = url.clone();
    let base = url.path().strip_suffix("/rpc").unwrap_or_default().to_owned();
    url.set_path(&format!("{base}/ws"));
    url.set_scheme("ws").expect("an address of http may be one of ws");
    url
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_socket_is_beside_the_calls() {
        let of = |text: &str| socket_url(&Url::parse(text).unwrap()).to_string();
        assert_eq!(of("http://127.0.0.1:8080/rpc"), "ws://127.0.0.1:8080/ws");
        assert_eq!(of("http://node.example/a/rpc"), "ws://node.example/a/ws");
    }

    #[test]
    fn an_event_that_comes_again_is_no_progress() {
        let at = |text: &str| text.parse::<Position>().unwrap();
        let txs = |position| Event {
            position: Some(position),
            told: Told::Lagged { resume_from: position.height },
        };
        for (seen, next, fine) in [
            ("5", "6", true),
            ("5", "5", false),
            ("5.3", "5.4", true),
            ("5.3", "5", true),
            ("5", "5.3", false),
            ("5.3", "5.3", false),
        ] {
            assert_eq!(is_after(at(next), at(seen), &txs(at(next))), fine, "{seen} {next}");
        }
        let quiet = Event { position: Some(at("5")), told: Told::Progress };
        assert!(is_after(at("5"), at("5"), &quiet));
    }
}
