//! Subscribers that listen and do nothing else.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Bytes that are read at a time.
const PIECE: usize = 4 * 1024;

/// Open subscriptions to the blocks of a node; they end with this value.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    told: Arc<AtomicU64>,
    readers: JoinSet<()>,
}

impl Subscribers {
    /// Opens so many, one after the other.
    pub(super) async fn open(address: &str, count: usize) -> io::Result<Self> {
        let mut subscribers = Self::default();
        let request = format!("GET /events/blocks HTTP/1.1\r\nHost: {address}\r\n\r\n");
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut begin = [0; 12];
            stream.read_exact(&mut begin).await?;
            if !begin.ends_with(b"200") {
                let text = String::from_utf8_lossy(&begin).into_owned();
                return Err(io::Error::other(format!("a subscription was answered: {text}")));
            }
            subscribers.readers.spawn(listen(stream, Arc::clone(&subscribers.told)));
        }
        Ok(subscribers)
    }

    /// How many still listen.
    pub(super) fn listening(&mut self) -> usize {
        while self.readers.try_join_next().is_some() {}
        self.readers.len()
    }

    /// Events that all of them were told.
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

/// Counts events until the node hangs up. Each ends with an empty line.
async fn listen(mut stream: TcpStream, told: Arc<AtomicU64>) {
    let mut piece = vec![0; PIECE];
    let mut last = 0;
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        for byte in piece.iter().take(read) {
            if (last, *byte) == (b'\n', b'\n') {
                told.fetch_add(1, Ordering::Relaxed);
            }
            last = *byte;
        }
    }
}
