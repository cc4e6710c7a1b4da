//! Yamux, with a bound on what one connection may make us hold.
//!
//! `libp2p-yamux` keeps the library's default of 1 GiB of receive windows per connection and offers
//! no way to lower it: windows grow while a peer sends fast and we read fast, and the peer may then
//! fill them when we are busy. This adapter differs from it in that bound alone.

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    io,
    iter::{Once, once},
    pin::Pin,
    task::{Context, Poll, Waker, ready as poll_ready},
};

use futures::io::{AsyncRead, AsyncWrite};
use libp2p::core::{
    UpgradeInfo,
    muxing::{StreamMuxer, StreamMuxerEvent},
    upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
};
use yamux::{Connection, ConnectionError, Mode};

/// Streams that may be open on one connection: two per lane, control, gossip, identify and ping,
/// and room for their renewal.
const MAX_STREAMS: usize = 64;

/// Bytes that one connection may make us hold: every stream's first window, and as much again for
/// those streams whose windows grow with their traffic.
const MAX_RECEIVE_WINDOW: usize = 2 * MAX_STREAMS * FIRST_WINDOW;

/// A stream's first window, as the specification has it.
const FIRST_WINDOW: usize = 256 * 1024;

/// Streams of the peer that wait to be accepted; more are reset.
const MAX_WAITING: usize = MAX_STREAMS;

/// The upgrade of a connection to a multiplexed one.
#[derive(Clone, Debug)]
pub(super) struct Config(yamux::Config);

impl Config {
    pub(super) fn new() -> Self {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(MAX_STREAMS);
        config.set_max_connection_receive_window(Some(MAX_RECEIVE_WINDOW));
        Self(config)
    }
}

impl UpgradeInfo for Config {
    type Info = &'static str;
    type InfoIter = Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        once("/yamux/1.0.0")
    }
}

impl<C> InboundConnectionUpgrade<C> for Config
where
    C: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_inbound(self, socket: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(Connection::new(socket, self.0, Mode::Server))))
    }
}

impl<C> OutboundConnectionUpgrade<C> for Config
where
    C: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_outbound(self, socket: C, _: &'static str) -> Self::Future {
        ready(Ok(Muxer::new(Connection::new(socket, self.0, Mode::Client))))
    }
}

/// A multiplexed connection.
#[derive(Debug)]
pub(super) struct Muxer<C> {
    connection: Connection<C>,
    /// Streams of the peer that arrived while the connection was driven for the sake of others.
    waiting: VecDeque<yamux::Stream>,
    acceptor: Option<Waker>,
}

impl<C> Muxer<C>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    const fn new(connection: Connection<C>) -> Self {
        Self { connection, waiting: VecDeque::new(), acceptor: None }
    }

    fn poll_arrival(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        let arrival = poll_ready!(self.connection.poll_next_inbound(cx));
        Poll::Ready(arrival.unwrap_or(Err(ConnectionError::Closed)))
    }
}

impl<C> StreamMuxer for Muxer<C>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    type Substream = yamux::Stream;
    type Error = ConnectionError;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        if let Some(stream) = self.waiting.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        if let Poll::Ready(arrival) = self.poll_arrival(cx) {
            return Poll::Ready(arrival);
        }
        self.acceptor = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<yamux::Stream, ConnectionError>> {
        self.connection.poll_new_outbound(cx)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.connection.poll_close(cx)
    }

    /// Drives the connection; what arrives meanwhile waits to be accepted.
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, ConnectionError>> {
        let stream = poll_ready!(self.poll_arrival(cx))?;
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(stream);
            if let Some(acceptor) = self.acceptor.take() {
                acceptor.wake();
            }
        }
        // There may be more: come back, and let others run in between.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
