//! `/ws`: calls and subscriptions over one WebSocket.
//!
//! One task serves a connection. It reads the next message only when there is room for its answer, and
//! makes the next event only when the one before was written: whoever does not read is not read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::{AbortHandle, Abortable, BoxFuture};
use futures::stream::{BoxStream, FuturesUnordered, SelectAll, SplitSink};
use futures::{FutureExt, SinkExt, StreamExt};
use logothete_client::rpc::method::{Method, SubscribeMethod, UnsubscribeMethod, parse_params};
use logothete_client::rpc::types::{
    Event, Notice, Subscribe, Subscribed, SubscriptionId, Told, Unsubscribed,
};
use logothete_client::rpc::{Api, RpcError};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::Limits;
use super::super::clients::Visitor;
use super::super::dispatch::error_body;
use super::super::envelope::{Body, Call, parse, write_response};
use super::super::http::{Shared, json};
use super::Feeds;
use super::seats::{Seat, full};

/// Bytes that are read from a WebSocket at once; each holds as many for as long as it is open.
const READ_BYTES: usize = 4 * 1024;
/// The method of the notification that carries an event.
const EVENT: &str = "event";

/// Opens a WebSocket, if there is room for one.
pub(in crate::rpc) async fn socket<A: Api + Feeds + 'static>(
    State(shared): State<Arc<Shared<A>>>,
    Extension(visitor): Extension<Visitor>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let permit = match shared.seats.socket() {
        Ok(permit) => permit,
        Err(error) => {
            shared.metrics.rpc.refused("sockets");
            return json(StatusCode::SERVICE_UNAVAILABLE, error_body(&error));
        }
    };
    let max = shared.dispatcher.limits().message_bytes;
    let tasks = shared.tasks.clone();
    let serve = move |socket| {
        let connection = Connection::new(shared, visitor, permit);
        tasks.track_future(connection.serve(socket))
    };
    let upgrade = upgrade.max_message_size(max).max_frame_size(max);
    upgrade.read_buffer_size(READ_BYTES).on_upgrade(serve)
}

/// What a subscription yields: its number, and an event or its end.
type Numbered = (u64, Option<Event>);

struct Connection<A> {
    shared: Arc<Shared<A>>,
    visitor: Visitor,
    feeds: SelectAll<BoxStream<'static, Numbered>>,
    subscriptions: BTreeMap<u64, Subscription>,
    calls: FuturesUnordered<BoxFuture<'static, Option<Vec<u8>>>>,
    numbers: u64,
    _permit: OwnedSemaphorePermit,
}

/// A subscription of this connection.
struct Subscription {
    seat: Seat,
    end: AbortHandle,
}

/// What to do next.
enum Turn {
    Message(Option<Result<Message, axum::Error>>),
    Answer(Option<Vec<u8>>),
    Event(Numbered),
    Ping,
    Stop,
}

/// Why a connection ends: what to tell the client, if it still listens.
struct End(Option<(u16, &'static str)>);

impl End {
    const GONE: Self = Self(None);
    const STOPPING: Self = Self(Some((close_code::AWAY, "the node is stopping; resume elsewhere")));
    const FAILED: Self = Self(Some((close_code::ERROR, "a subscription failed; resume it")));
    const SILENT: Self = Self(Some((close_code::POLICY, "no answer to pings")));
    const BINARY: Self = Self(Some((close_code::UNSUPPORTED, "messages are JSON text")));
    const TOO_LARGE: Self = Self(Some((close_code::SIZE, "a message is too large, or broken")));
}

impl<A: Api + Feeds + 'static> Connection<A> {
    fn new(shared: Arc<Shared<A>>, visitor: Visitor, permit: OwnedSemaphorePermit) -> Self {
        Self {
            shared,
            visitor,
            feeds: SelectAll::new(),
            subscriptions: BTreeMap::new(),
            calls: FuturesUnordered::new(),
            numbers: 0,
            _permit: permit,
        }
    }

    async fn serve(mut self, socket: WebSocket) {
        let (mut sink, mut messages) = socket.split();
        let stopping = self.shared.dispatcher.stopping().clone();
        let mut out = Out { sink: &mut sink, stopping: &stopping };
        let mut heard = Instant::now();
        let mut ping = heard + self.limits().ping_time;
        let end = loop {
            let room = self.calls.len() < self.limits().socket_calls;
            let turn = tokio::select! {
                () = stopping.cancelled() => Turn::Stop,
                message = messages.next(), if room => Turn::Message(message),
                Some(answer) = self.calls.next() => Turn::Answer(answer),
                Some(event) = self.feeds.next() => Turn::Event(event),
                () = tokio::time::sleep_until(ping) => Turn::Ping,
            };
            let done = match turn {
                Turn::Stop => Err(End::STOPPING),
                Turn::Message(message) => {
                    heard = Instant::now();
                    self.take(message, &mut out).await
                }
                Turn::Answer(answer) => out.answer(answer).await,
                Turn::Event((number, event)) => self.tell(number, event, &mut out).await,
                Turn::Ping => {
                    ping = Instant::now() + self.limits().ping_time;
                    if heard.elapsed() > self.limits().silent_time {
                        Err(End::SILENT)
                    } else {
                        out.send(Message::Ping(Bytes::new())).await
                    }
                }
            };
            if let Err(end) = done {
                break end;
            }
        };
        out.close(end, self.limits().drain_time).await;
    }

    fn limits(&self) -> &Limits {
        self.shared.dispatcher.limits()
    }

    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        out: &mut Out<'_>,
    ) -> Result<(), End> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(End::BINARY),
            Some(Err(_)) => return Err(End::TOO_LARGE),
            Some(Ok(Message::Close(_))) | None => return Err(End::GONE),
        };
        if let Some(answer) = self.serve_own(&text) {
            return out.answer(answer).await;
        }
        let (shared, visitor) = (Arc::clone(&self.shared), self.visitor.clone());
        let call = async move { shared.dispatcher.answer(text.as_bytes(), &visitor).await };
        self.calls.push(call.boxed());
        Ok(())
    }

    /// Answers a call that is about this connection; `None` when it is another one.
    fn serve_own(&mut self, text: &Utf8Bytes) -> Option<Option<Vec<u8>>> {
        if !text.contains(SubscribeMethod::NAME) {
            return None;
        }
        let Ok(Body::Single(Ok(call))) = parse(text.as_bytes(), self.limits()) else {
            return None;
        };
        let started = std::time::Instant::now();
        let (name, outcome) = match call.method.as_ref() {
            SubscribeMethod::NAME => {
                (SubscribeMethod::NAME, self.subscribe(&call).and_then(|made| write(&made)))
            }
            UnsubscribeMethod::NAME => {
                (UnsubscribeMethod::NAME, self.unsubscribe(&call).and_then(|end| write(&end)))
            }
            _ => return None,
        };
        let code = outcome.as_ref().map_or_else(|error| error.code.name(), |_| "ok");
        self.shared.metrics.rpc.answered(name, code, started.elapsed());
        // Nobody hears the answer to a notification.
        let Some(id) = call.id else { return Some(None) };
        let mut answer = Vec::with_capacity(256);
        write_response(&mut answer, Some(id), &outcome);
        Some(Some(answer))
    }

    fn subscribe(&mut self, call: &Call<'_>) -> Result<Subscribed, RpcError> {
        self.visitor.call(std::time::Instant::now())?;
        let wish: Subscribe = parse_params(params(call)?)?;
        if self.subscriptions.len() >= self.limits().socket_subscriptions {
            return Err(full("subscriptions on this connection"));
        }
        let seat = self.shared.seats.take(wish.kind)?;
        let feed = self.shared.dispatcher.api().feed(&wish)?;
        self.numbers += 1;
        let number = self.numbers;
        let ending = futures::stream::once(async move { (number, None) });
        let events = feed.events.map(move |event| (number, Some(event))).chain(ending);
        let (end, registration) = AbortHandle::new_pair();
        self.feeds.push(Abortable::new(events, registration).boxed());
        self.subscriptions.insert(number, Subscription { seat, end });
        Ok(Subscribed { subscription: number.to_string(), at: feed.at })
    }

    fn unsubscribe(&mut self, call: &Call<'_>) -> Result<Unsubscribed, RpcError> {
        let wish: SubscriptionId = parse_params(params(call)?)?;
        let number = wish.subscription.parse().ok();
        let found = number.and_then(|number: u64| self.subscriptions.remove(&number));
        let ended = found.is_some_and(|subscription| {
            subscription.end.abort();
            true
        });
        Ok(Unsubscribed { ended })
    }

    /// Sends an event of a subscription that still is one.
    async fn tell(
        &mut self,
        number: u64,
        event: Option<Event>,
        out: &mut Out<'_>,
    ) -> Result<(), End> {
        let Some(subscription) = self.subscriptions.get(&number) else { return Ok(()) };
        // A feed that ends of itself has said `lagged` before, and was let go then.
        let Some(event) = event else { return Err(End::FAILED) };
        subscription.seat.told();
        if matches!(event.told, Told::Lagged { .. }) {
            self.subscriptions.remove(&number);
        }
        out.notify(&Notice { subscription: number.to_string(), event }).await
    }
}

/// The way to the client. Every write waits until the one before is gone; the connection itself gives
/// up on a client that takes nothing for too long.
struct Out<'a> {
    sink: &'a mut SplitSink<WebSocket, Message>,
    stopping: &'a CancellationToken,
}

impl Out<'_> {
    async fn send(&mut self, message: Message) -> Result<(), End> {
        tokio::select! {
            sent = self.sink.send(message) => sent.map_err(|_| End::GONE),
            () = self.stopping.cancelled() => Err(End::STOPPING),
        }
    }

    async fn answer(&mut self, answer: Option<Vec<u8>>) -> Result<(), End> {
        let Some(answer) = answer else { return Ok(()) };
        let text = Utf8Bytes::try_from(Bytes::from(answer)).expect("JSON is text");
        self.send(Message::Text(text)).await
    }

    async fn notify(&mut self, notice: &Notice) -> Result<(), End> {
        #[derive(Serialize)]
        struct Notification<'a> {
            jsonrpc: &'static str,
            method: &'static str,
            params: &'a Notice,
        }
        let notification = Notification { jsonrpc: "2.0", method: EVENT, params: notice };
        let text = serde_json::to_string(&notification).expect("an event is plain JSON");
        self.send(Message::Text(text.into())).await
    }

    /// Says why, if the client takes it.
    async fn close(self, end: End, time: Duration) {
        let Some((code, reason)) = end.0 else { return };
        let frame = CloseFrame { code, reason: reason.into() };
        let closing = async {
            let _ = self.sink.send(Message::Close(Some(frame))).await;
            let _ = self.sink.close().await;
        };
        let _ = tokio::time::timeout(time, closing).await;
    }
}

fn params(call: &Call<'_>) -> Result<Value, RpcError> {
    match call.params {
        Some(raw) => serde_json::from_str(raw.get()).map_err(RpcError::parse_error),
        None => Ok(Value::Null),
    }
}

fn write<R: Serialize>(result: &R) -> Result<Vec<u8>, RpcError> {
    serde_json::to_vec(result).map_err(|_| RpcError::internal())
}
