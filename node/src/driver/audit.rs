//! A record of everything this validator signed, for audits and tests.
//!
//! Each frame is written before it leaves, as a length and the encoded message. Double signing by this node would be
//! in this file, whatever the network lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use bytes::Bytes;
use logothete_consensus::Message;
use logothete_primitives::codec;
use logothete_primitives::limits::MAX_CONSENSUS_FRAME_BYTES;

/// The open record.
#[derive(Debug)]
pub struct Audit(File);

impl Audit {
    /// Opens a record to append to.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Appends a frame in one write, so that a killed process leaves no half of it in the middle.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&mut self, frame: &Bytes) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut record = Vec::with_capacity(4 + frame.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(frame);
        self.0.write_all(&record)
    }
}

/// Reads a record back. A torn frame at the end, left by a killed process, ends it.
///
/// # Errors
/// Those of the file system, and a frame that is no message.
pub fn read_audit(path: &Path) -> io::Result<Vec<Message>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut rest = &bytes[..];
    let mut messages = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_CONSENSUS_FRAME_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame beyond all limits"));
        }
        let Some((frame, tail)) = tail.split_at_checked(length) else { break };
        let message = codec::decode(frame)
            .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
        messages.push(message);
        rest = tail;
    }
    Ok(messages)
}
