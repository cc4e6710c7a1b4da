//! The streams of a connection: their protocol names, and how frames go in and out of them.

use std::{array, convert::Infallible, future, io, iter};

use futures::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use libp2p::{
    Stream, StreamProtocol,
    core::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
};

use crate::{lane::Lane, queue::LaneQueue};

/// Small frames are gathered up to this size before they go to the connection.
const WRITE_BUFFER: usize = 64 * 1024;

/// Frames are taken from a queue in portions of about this size.
const WRITE_PORTION: usize = 256 * 1024;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// The handshake, then heights and addresses; one per connection, in both directions.
    Control,
    /// One direction of a lane, from the side that opened the stream.
    Lane(Lane),
}

impl Channel {
    const ALL: [Self; 4] = [
        Self::Control,
        Self::Lane(Lane::Consensus),
        Self::Lane(Lane::Batches),
        Self::Lane(Lane::Sync),
    ];

    /// The name by which the stream is negotiated. The numbers are those of the streams' framing;
    /// the version of what travels in them is compared in the handshake, where it can be said in
    /// words.
    const fn protocol(self) -> StreamProtocol {
        StreamProtocol::new(match self {
            Self::Control => "/logothete/control/1",
            Self::Lane(Lane::Consensus) => "/logothete/consensus/1",
            Self::Lane(Lane::Batches) => "/logothete/batches/1",
            Self::Lane(Lane::Sync) => "/logothete/sync/1",
        })
    }
}

/// Accepts any of our streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accept;

impl UpgradeInfo for Accept {
    type Info = StreamProtocol;
    type InfoIter = array::IntoIter<StreamProtocol, 4>;

    fn protocol_info(&self) -> Self::InfoIter {
        Channel::ALL.map(Channel::protocol).into_iter()
    }
}

impl InboundUpgrade<Stream> for Accept {
    type Output = (Channel, Stream);
    type Error = Infallible;
    type Future = future::Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        let channel = Channel::ALL.into_iter().find(|channel| channel.protocol() == protocol);
        let channel = channel.expect("only what protocol_info offers is negotiated");
        future::ready(Ok((channel, stream)))
    }
}

/// Opens one of our streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open(pub(super) Channel);

impl UpgradeInfo for Open {
    type Info = StreamProtocol;
    type InfoIter = iter::Once<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once(self.0.protocol())
    }
}

impl OutboundUpgrade<Stream> for Open {
    type Output = Stream;
    type Error = Infallible;
    type Future = future::Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        future::ready(Ok(stream))
    }
}

/// Writes what the queue holds until it is closed. Flushes once per wake-up: when the queue has
/// run empty, not after each frame.
pub(super) async fn write_frames<W>(queue: &LaneQueue, stream: W) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut out = BufWriter::with_capacity(WRITE_BUFFER, stream);
    let mut frames = Vec::new();
    while queue.ready().await {
        loop {
            queue.take(&mut frames, WRITE_PORTION);
            if frames.is_empty() {
                break;
            }
            for frame in frames.drain(..) {
                out.write_all(frame.head()).await?;
                out.write_all(frame.body()).await?;
            }
        }
        out.flush().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll},
    };

    use bytes::Bytes;

    use super::*;
    use crate::{config::QueueLimit, queue::Frame};

    /// Counts flushes and closes the queue at the first.
    struct Sink<'a> {
        queue: &'a LaneQueue,
        written: Vec<u8>,
        flushes: Arc<AtomicUsize>,
    }

    impl AsyncWrite for Sink<'_> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.written.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes.fetch_add(1, Ordering::Relaxed);
            self.queue.close();
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn many_small_frames_are_flushed_once() {
        let limit = QueueLimit { frames: 100, bytes: 1 << 20 };
        let queue = LaneQueue::new(Lane::Consensus, limit);
        for _ in 0..100 {
            queue.push(Frame::plain(Bytes::from_static(b"vote"))).unwrap();
        }
        let flushes = Arc::new(AtomicUsize::new(0));
        let sink = Sink { queue: &queue, written: Vec::new(), flushes: Arc::clone(&flushes) };
        write_frames(&queue, sink).await.unwrap();
        assert_eq!(flushes.load(Ordering::Relaxed), 1);
    }
}
