//! One direction of one connection: read, wait as long as the link says, write.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{Flow, Link};

/// Largest piece moved at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Pieces on the way at one time: with the chunk size this bounds a connection's memory to 4 MiB.
const CHUNKS_MAX: usize = 256;

struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

/// Moves bytes until either end closes or the link is cut.
pub(super) async fn pump(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    link: watch::Receiver<Link>,
) {
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let mut cut = link.clone();
    tokio::select! {
        // A link whose owner is gone stays as it is.
        Ok(_) = cut.wait_for(|link| link.flow == Flow::Cut) => {}
        ((), ()) = async { tokio::join!(read(from, sender, link.clone()), write(to, receiver, link)) } => {}
    }
}

async fn read(
    mut from: impl AsyncRead + Unpin,
    sender: mpsc::Sender<Chunk>,
    mut link: watch::Receiver<Link>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        if link.wait_for(|link| link.flow == Flow::Open).await.is_err() {
            return;
        }
        let Ok(count) = from.read(&mut buffer).await else { return };
        if count == 0 {
            return;
        }
        let due = Instant::now() + Duration::from_millis(link.borrow().delay_ms);
        let bytes = buffer.get(..count).unwrap_or_default().to_vec();
        if sender.send(Chunk { due, bytes }).await.is_err() {
            return;
        }
    }
}

async fn write(
    mut to: impl AsyncWrite + Unpin,
    mut receiver: mpsc::Receiver<Chunk>,
    mut link: watch::Receiver<Link>,
) {
    while let Some(chunk) = receiver.recv().await {
        tokio::time::sleep_until(chunk.due).await;
        let Ok(limit) =
            link.wait_for(|link| link.flow == Flow::Open).await.map(|link| link.bytes_per_second)
        else {
            return;
        };
        if let Some(rate) = limit {
            tokio::time::sleep(time_at(rate, chunk.bytes.len())).await;
        }
        if to.write_all(&chunk.bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// How long so many bytes take at so many a second; a rate of nothing counts as one.
fn time_at(rate: u64, bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_micros(bytes.saturating_mul(1_000_000) / rate.max(1))
}
