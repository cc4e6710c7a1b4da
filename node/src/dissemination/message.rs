//! What validators say to one another on the batch lane.

use bytes::{BufMut as _, Bytes, BytesMut};
use logothete_primitives::BoundedVec;
use logothete_primitives::codec::{self, CodecError};
use logothete_primitives::limits::MAX_BATCHES_PER_BLOCK;
use logothete_primitives::{BatchHash, ValidatorIndex};

const BATCH: u8 = 0;
const ACK: u8 = 1;
const REQUEST: u8 = 2;
const EVIDENCE: u8 = 3;

/// A frame of the batch lane: one byte that says what it is, then the content.
///
/// The batch itself stays encoded: the event loop passes it to a worker, which decodes it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchMessage {
    /// An encoded batch, from its author or in answer to a request.
    Batch(Bytes),
    /// The sender holds this batch.
    Ack(BatchHash),
    /// Send me these batches.
    Request(BoundedVec<BatchHash, MAX_BATCHES_PER_BLOCK>),
    /// Encoded evidence of equivocation.
    Evidence(Bytes),
}

impl BatchMessage {
    /// The bytes of the frame.
    pub fn to_frame(&self) -> Bytes {
        let (tag, content) = match self {
            Self::Batch(bytes) => (BATCH, bytes.clone()),
            Self::Ack(hash) => (ACK, Bytes::from(codec::encode(hash))),
            Self::Request(hashes) => (REQUEST, Bytes::from(codec::encode(hashes))),
            Self::Evidence(bytes) => (EVIDENCE, bytes.clone()),
        };
        let mut frame = BytesMut::with_capacity(1 + content.len());
        frame.put_u8(tag);
        frame.put(content);
        frame.freeze()
    }

    /// Reads a frame; the content of a batch or of evidence is not looked at yet.
    ///
    /// # Errors
    /// [`CodecError`] for an unknown tag or content that does not decode.
    pub fn from_frame(frame: &Bytes) -> Result<Self, CodecError> {
        match frame.first() {
            Some(&BATCH) => Ok(Self::Batch(frame.slice(1..))),
            Some(&ACK) => codec::decode(&frame[1..]).map(Self::Ack),
            Some(&REQUEST) => codec::decode(&frame[1..]).map(Self::Request),
            Some(&EVIDENCE) => Ok(Self::Evidence(frame.slice(1..))),
            Some(_) => Err(CodecError::Invalid(
                "a batch message is a batch, an ack, a request or evidence",
            )),
            None => Err(CodecError::Truncated),
        }
    }
}

/// Who an encoded batch names as its author; `None` when it is too short to be a batch.
pub(super) fn author_of(batch: &Bytes) -> Option<ValidatorIndex> {
    let bytes: [u8; 2] = batch.get(..2)?.try_into().ok()?;
    Some(ValidatorIndex::new(u16::from_le_bytes(bytes)))
}
