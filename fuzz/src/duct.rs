//! A stream with a stranger at the other end: gives prepared bytes in pieces, takes everything.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};

/// The stream.
#[derive(Debug)]
pub struct Duct<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl<'a> Duct<'a> {
    /// A stream that gives `bytes`, at most `piece` at a time (at least one), and then ends.
    pub fn new(bytes: &'a [u8], piece: usize) -> Self {
        Self { rest: bytes, piece: piece.max(1) }
    }
}

impl AsyncRead for Duct<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let count = self.piece.min(buffer.len()).min(self.rest.len());
        let (now, later) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = later;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Duct<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
