//! The life of one connection: the handshake, then the lanes until it ends.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{
    AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _,
    future::BoxFuture,
    io::{AsyncRead, ReadHalf, WriteHalf},
    stream::FuturesUnordered,
};
use libp2p::Stream;
use logothete_primitives::keys::PublicKey;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    address,
    connected::{ConnectedPeer, Endpoint},
    control::{MAX_CONTROL_BYTES, Whereabouts},
    frame::{FrameError, read_frame},
    handshake::{self, Hello, RefusalReason},
    hub::{Hub, Membership, Place},
    lane::Lane,
    peer::{DisconnectReason, PeerEvent, Violation},
};

use super::{
    handler::{Opener, Streams},
    streams::{Channel, write_frames},
};

/// Streams that a peer may open on one connection over its whole life: a correct node opens each
/// lane once.
const MAX_STREAMS: usize = 64;

/// A refused connection is kept for a moment, so that the words arrive before the end.
const LINGER: Duration = Duration::from_millis(250);

/// What sessions tell the driver.
#[derive(Debug)]
pub(super) enum Told {
    /// A connection passed the handshake.
    Admitted { key: PublicKey },
    /// What a peer says of where validators are.
    Whereabouts(Vec<Whereabouts>),
}

/// One connection, from its first to its last byte.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) hub: Arc<Hub>,
    pub(super) key: PublicKey,
    pub(super) endpoint: Endpoint,
    pub(super) told: mpsc::Sender<Told>,
    /// Set once the connection no longer counts as pending.
    pub(super) admitted: Arc<AtomicBool>,
}

/// Why a connection ends after the handshake.
#[derive(Debug)]
enum Trouble {
    Lost(io::Error),
    NotOpened,
    Violation(Violation),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Session {
    /// Runs until the connection is to be closed.
    pub(super) async fn run(self, mut streams: Streams) {
        let limit = self.hub.config.limits.handshake;
        let met = timeout(limit, self.meet(&mut streams)).await;
        match met.unwrap_or(Err(RefusalReason::Timeout)) {
            Ok((control, hello, place)) => {
                self.admitted.store(true, Ordering::Relaxed);
                let member = self.hub.join(place, &hello, self.endpoint.clone());
                self.tell(Told::Admitted { key: self.key });
                self.serve(&member, control, streams).await;
            }
            Err(reason) => {
                self.refuse(reason);
                sleep(LINGER).await;
            }
        }
    }

    /// The handshake, on a stream that the dialling side opens.
    async fn meet(&self, streams: &mut Streams) -> Result<(Stream, Hello, Place), RefusalReason> {
        let mut control = if self.endpoint.outbound {
            let opened = streams.opener.open(Channel::Control).await;
            opened.map_err(|_| RefusalReason::Malformed("it does not know our protocol"))?
        } else {
            match streams.arrivals.recv().await {
                Some((Channel::Control, stream)) => stream,
                Some(_) => return Err(RefusalReason::Malformed("a lane before the handshake")),
                None => return Err(RefusalReason::Closed),
            }
        };
        let ip = address::bucket(&self.endpoint.address);
        let judge = |hello: &Hello| self.hub.judge(self.key, hello, ip);
        match handshake::exchange(&mut control, &self.hub.hello(), judge).await {
            Ok((hello, place)) => Ok((control, hello, place)),
            Err(reason) => {
                let _ = control.close().await;
                Err(reason)
            }
        }
    }

    fn refuse(&self, reason: RefusalReason) {
        tracing::info!(event = "p2p.peer.refused", peer = %self.key, address = %self.endpoint.address, %reason);
        self.hub.refused(PeerEvent::Refused {
            address: self.endpoint.address.clone(),
            key: Some(self.key),
            reason,
        });
    }

    /// Carries the lanes until the peer is let go or something breaks.
    async fn serve(&self, member: &Membership, control: Stream, streams: Streams) {
        let Streams { mut arrivals, opener } = streams;
        let peer = &member.peer;
        let mut work = self.standing_work(peer, control, &opener);
        let mut opened = 0;
        let trouble = loop {
            tokio::select! {
                () = peer.stop.cancelled() => return,
                Some((channel, stream)) = arrivals.recv() => {
                    opened += 1;
                    match channel {
                        Channel::Lane(lane) if opened <= MAX_STREAMS => {
                            work.push(self.read_lane(peer, lane, stream));
                        }
                        _ => break Trouble::Violation(Violation::UnexpectedStream),
                    }
                }
                Some(done) = work.next() => {
                    if let Err(trouble) = done {
                        break trouble;
                    }
                }
            }
        };
        match trouble {
            Trouble::Violation(violation) => self.hub.violated(peer, violation),
            Trouble::Lost(error) => peer.explain(DisconnectReason::Transport(error.to_string())),
            Trouble::NotOpened => {
                peer.explain(DisconnectReason::Transport("a lane was not opened".to_owned()));
            }
        }
    }

    /// The work that begins with the session: our side of each lane, and the control stream.
    fn standing_work(
        &self,
        peer: &Arc<ConnectedPeer>,
        control: Stream,
        opener: &Opener,
    ) -> FuturesUnordered<BoxFuture<'static, Result<(), Trouble>>> {
        let work = FuturesUnordered::new();
        let (control_in, control_out) = control.split();
        work.push(self.read_control(peer, control_in));
        work.push(write_control(Arc::clone(peer), control_out));
        for lane in Lane::ALL {
            work.push(write_lane(Arc::clone(peer), lane, opener.clone()));
        }
        work
    }

    /// Reads one direction of a lane, in place of whoever read it before.
    fn read_lane(
        &self,
        peer: &Arc<ConnectedPeer>,
        lane: Lane,
        mut stream: Stream,
    ) -> BoxFuture<'static, Result<(), Trouble>> {
        let (hub, peer) = (Arc::clone(&self.hub), Arc::clone(peer));
        let replaced = peer.begin_reading(lane);
        Box::pin(async move {
            let reading = async {
                while let Some(frame) =
                    next(&mut stream, lane.name(), lane.max_frame_bytes()).await?
                {
                    hub.deliver(&peer, lane, frame).await.map_err(Trouble::Violation)?;
                }
                Ok(())
            };
            replaced.run_until_cancelled(reading).await.unwrap_or(Ok(()))
        })
    }

    /// Reads the control stream; its end is the end of the connection.
    fn read_control(
        &self,
        peer: &Arc<ConnectedPeer>,
        mut stream: ReadHalf<Stream>,
    ) -> BoxFuture<'static, Result<(), Trouble>> {
        let (hub, peer, told) = (Arc::clone(&self.hub), Arc::clone(peer), self.told.clone());
        Box::pin(async move {
            while let Some(frame) = next(&mut stream, "control", MAX_CONTROL_BYTES).await? {
                let others = hub.deliver_control(&peer, &frame).map_err(Trouble::Violation)?;
                if !others.is_empty() {
                    // A driver that is behind hears it again later.
                    let _ = told.try_send(Told::Whereabouts(others));
                }
            }
            Err(Trouble::Lost(io::ErrorKind::ConnectionAborted.into()))
        })
    }

    fn tell(&self, told: Told) {
        let _ = self.told.try_send(told);
    }
}

/// The next frame of a stream. A stream that breaks off ends like one that is closed: if the
/// connection broke, its control stream says so.
async fn next<R>(
    stream: &mut R,
    name: &'static str,
    max: usize,
) -> Result<Option<bytes::Bytes>, Trouble>
where
    R: AsyncRead + Unpin,
{
    match read_frame(stream, max).await {
        Ok(frame) => Ok(frame),
        Err(FrameError::Oversize { bytes, max }) => {
            Err(Trouble::Violation(Violation::Oversize { lane: name, bytes, max }))
        }
        Err(FrameError::Truncated | FrameError::Io(_)) => Ok(None),
    }
}

/// Writes our side of a lane, as soon as no other connection to the peer does.
fn write_lane(
    peer: Arc<ConnectedPeer>,
    lane: Lane,
    opener: Opener,
) -> BoxFuture<'static, Result<(), Trouble>> {
    Box::pin(async move {
        let queue = peer.lane(lane);
        let Some(_claim) = queue.claim().await else { return Ok(()) };
        let stream = opener.open(Channel::Lane(lane)).await.map_err(|_| Trouble::NotOpened)?;
        Ok(write_frames(queue, stream).await?)
    })
}

fn write_control(
    peer: Arc<ConnectedPeer>,
    stream: WriteHalf<Stream>,
) -> BoxFuture<'static, Result<(), Trouble>> {
    Box::pin(async move {
        let queue = peer.control();
        let Some(_claim) = queue.claim().await else { return Ok(()) };
        Ok(write_frames(queue, stream).await?)
    })
}
