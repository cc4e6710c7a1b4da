//! What a client and an ordering node say to each other over TCP: payloads one way, what became final the other.
//!
//! A payload travels behind its length, as in a batch. A note says which of the client's payloads, counted from zero,
//! are final, and at which height.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::queue::{Numbers, PayloadQueue};
use crate::dissemination::payloads::measure;

/// Bytes of a note: first number, count, height.
pub const NOTE_BYTES: usize = 8 + 4 + 8;
/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;
/// Bytes that are added to the queue at once: small against a batch, so that batches are well filled.
const PIECE_BYTES: usize = 32 * 1024;

/// Some payloads became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which.
    pub numbers: Numbers,
    /// In the block of this height.
    pub height: u64,
}

impl Note {
    /// As it is sent.
    #[must_use]
    pub fn to_bytes(self) -> [u8; NOTE_BYTES] {
        let mut bytes = [0; NOTE_BYTES];
        bytes[..8].copy_from_slice(&self.numbers.first.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.numbers.count.to_le_bytes());
        bytes[12..].copy_from_slice(&self.height.to_le_bytes());
        bytes
    }

    /// Takes the next note from the front of a buffer; none when it is not whole yet.
    pub fn take(buffer: &mut BytesMut) -> Option<Self> {
        if buffer.len() < NOTE_BYTES {
            return None;
        }
        let numbers = Numbers { first: buffer.get_u64_le(), count: buffer.get_u32_le() };
        Some(Self { numbers, height: buffer.get_u64_le() })
    }
}

/// Fills the queue with what a client sends, until it sends no more.
///
/// # Errors
/// Those of the connection; a payload that is too long.
pub async fn take_in(mut stream: impl AsyncRead + Unpin, queue: &PayloadQueue) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(READ_BYTES);
    loop {
        queue.room().await;
        buffer.reserve(READ_BYTES);
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        loop {
            let measured = measure(&buffer, PIECE_BYTES)
                .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
            if measured.count == 0 {
                break;
            }
            queue.add(measured, &buffer);
            buffer.advance(measured.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::ValidatorIndex;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::dissemination::BatchSource as _;

    #[test]
    fn notes_come_back_as_they_were_sent() {
        let note = |first| Note { numbers: Numbers { first, count: 9 }, height: first + 1 };
        let mut buffer = BytesMut::from(&[note(5).to_bytes(), note(700).to_bytes()].concat()[..]);
        let half = buffer.split_off(NOTE_BYTES + 3);
        assert_eq!(Note::take(&mut buffer), Some(note(5)));
        assert_eq!(Note::take(&mut buffer), None);
        buffer.unsplit(half);
        assert_eq!(Note::take(&mut buffer), Some(note(700)));
    }

    #[tokio::test]
    async fn a_stream_cut_anywhere_fills_batches_with_whole_payloads() {
        let queue = PayloadQueue::default();
        let entry = [&100u32.to_le_bytes()[..], &[3; 100]].concat();
        let mut stream = entry.repeat(9_999);
        stream.extend_from_slice(&entry[..50]);
        // It holds so little that what is sent arrives in pieces.
        let (mut client, node) = tokio::io::duplex(1_013);
        let sending = async {
            client.write_all(&stream).await.unwrap();
            drop(client);
        };
        let (_, taken) = tokio::join!(sending, take_in(node, &queue));
        taken.unwrap();
        let mut count = 0;
        while let Some(batch) = queue.seal(ValidatorIndex::new(0), 0) {
            count += batch.reference.count;
        }
        assert_eq!(count, 9_999);
        let long = u32::MAX.to_le_bytes();
        assert!(take_in(&long[..], &queue).await.is_err());
    }
}
