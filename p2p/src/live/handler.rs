//! The handler of one connection: it opens and accepts streams for its session.
//!
//! Unlike `libp2p-stream` it loses no inbound stream: those that wait are bounded in number, and
//! one beyond the bound, which a correct node never opens, is reset.

use std::{
    fmt,
    task::{Context, Poll},
};

use futures::FutureExt;
use libp2p::{
    Stream,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{
            ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
        },
    },
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::streams::{Accept, Channel, Open};

/// Streams that may wait for the session on either side.
const WAITING: usize = 16;

/// Why a stream was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotOpened;

type Reply = oneshot::Sender<Result<Stream, NotOpened>>;

/// A session's access to the streams of its connection.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) arrivals: mpsc::Receiver<(Channel, Stream)>,
    pub(super) opener: Opener,
}

/// Opens streams.
#[derive(Clone, Debug)]
pub(super) struct Opener(mpsc::Sender<(Channel, Reply)>);

impl Opener {
    pub(super) async fn open(&self, channel: Channel) -> Result<Stream, NotOpened> {
        let (reply, opened) = oneshot::channel();
        self.0.send((channel, reply)).await.map_err(|_| NotOpened)?;
        opened.await.unwrap_or(Err(NotOpened))
    }
}

/// The handler of one connection.
pub(super) struct Handler {
    arrivals: mpsc::Sender<(Channel, Stream)>,
    orders: mpsc::Receiver<(Channel, Reply)>,
    /// A task of its own, which ends with the connection.
    session: Option<AbortOnDropHandle<()>>,
}

/// The session is over: the connection is to be closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionEnded;

impl Handler {
    /// A handler that drives the session made of its streams.
    pub(super) fn new<F>(session: impl FnOnce(Streams) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (arrivals, arrived) = mpsc::channel(WAITING);
        let (orders, ordered) = mpsc::channel(WAITING);
        let streams = Streams { arrivals: arrived, opener: Opener(orders) };
        let session = AbortOnDropHandle::new(tokio::spawn(session(streams)));
        Self { arrivals, orders: ordered, session: Some(session) }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = std::convert::Infallible;
    type ToBehaviour = SessionEnded;
    type InboundProtocol = Accept;
    type OutboundProtocol = Open;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Accept, ()> {
        SubstreamProtocol::new(Accept, ())
    }

    /// The session decides how long a connection lives; it is bounded in time until it is admitted.
    fn connection_keep_alive(&self) -> bool {
        self.session.is_some()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Open, Reply, SessionEnded>> {
        if let Some(session) = &mut self.session
            && let Poll::Ready(ended) = session.poll_unpin(cx)
        {
            if let Err(error) = ended {
                tracing::error!(event = "p2p.session.panicked", %error);
            }
            self.session = None;
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(SessionEnded));
        }
        match self.orders.poll_recv(cx) {
            Poll::Ready(Some((channel, reply))) => {
                let protocol = SubstreamProtocol::new(Open(channel), reply);
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Option<SessionEnded>> {
        self.session = None;
        Poll::Ready(None)
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Accept, Open, (), Reply>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: arrival,
                info: (),
            }) => {
                // A refused arrival is dropped, which resets the stream.
                let _ = self.arrivals.try_send(arrival);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                info: reply,
            }) => {
                let _ = reply.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: reply, error }) => {
                if let StreamUpgradeError::Apply(never) = error {
                    match never {}
                }
                let _ = reply.send(Err(NotOpened));
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("session", &self.session.is_some()).finish()
    }
}
