//! Length-prefixed frames: four bytes of length, little endian, then the body.

use std::io;

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncReadExt};
use thiserror::Error;

/// Bytes of the length prefix.
pub(crate) const PREFIX: usize = 4;

/// Memory is set aside for a body in steps, as its bytes arrive, the first of this size.
const FIRST_STEP: usize = 64 * 1024;

/// Why no frame could be read.
#[derive(Debug, Error)]
pub(crate) enum FrameError {
    #[error("a frame of {bytes} bytes, at most {max} are permitted")]
    Oversize { bytes: usize, max: usize },
    #[error("the stream ended inside a frame")]
    Truncated,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The prefix of a body, which the caller has checked against the limit of its lane.
pub(crate) fn prefix(bytes: usize) -> [u8; PREFIX] {
    u32::try_from(bytes).expect("lane limits are far below 4 GiB").to_le_bytes()
}

/// Reads one frame of at most `max` bytes; `None` at the end of the stream.
///
/// The length is checked before anything is allocated, and what is allocated grows with what has
/// arrived: a peer that announces a long frame and sends nothing holds one step.
pub(crate) async fn read_frame<R>(stream: &mut R, max: usize) -> Result<Option<Bytes>, FrameError>
where
    R: AsyncRead + Unpin,
{
    let mut prefix = [0u8; PREFIX];
    let mut have = 0;
    while have < PREFIX {
        match stream.read(&mut prefix[have..]).await? {
            0 if have == 0 => return Ok(None),
            0 => return Err(FrameError::Truncated),
            n => have += n,
        }
    }
    let length = u32::from_le_bytes(prefix);
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > max {
        return Err(FrameError::Oversize { bytes, max });
    }
    let mut body = Vec::new();
    let mut filled = 0;
    while filled < bytes {
        if filled == body.len() {
            body.resize(bytes.min((filled * 2).max(FIRST_STEP)), 0);
        }
        match stream.read(&mut body[filled..]).await? {
            0 => return Err(FrameError::Truncated),
            n => filled += n,
        }
    }
    Ok(Some(Bytes::from(body)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn read(bytes: &[u8], max: usize) -> Result<Option<Bytes>, FrameError> {
        block_on(read_frame(&mut Cursor::new(bytes), max))
    }

    #[test]
    fn reads_what_was_framed_whatever_its_length() {
        for length in [0, 1, FIRST_STEP - 1, FIRST_STEP, FIRST_STEP + 1, 5 * FIRST_STEP + 3] {
            let body: Vec<u8> = (0..=255u8).cycle().take(length).collect();
            let framed = [&prefix(length)[..], &body].concat();
            assert_eq!(read(&framed, length).unwrap().unwrap(), body);
        }
    }

    #[test]
    fn refuses_a_long_frame_by_its_prefix_alone() {
        let announced = u32::MAX.to_le_bytes();
        assert!(matches!(read(&announced, 1024), Err(FrameError::Oversize { max: 1024, .. })));
        let announced = prefix(1025);
        assert!(matches!(read(&announced, 1024), Err(FrameError::Oversize { bytes: 1025, .. })));
    }

    #[test]
    fn tells_the_end_of_a_stream_from_a_cut_frame() {
        assert!(read(&[], 10).unwrap().is_none());
        assert!(matches!(read(&[1, 0], 10), Err(FrameError::Truncated)));
        assert!(matches!(read(&[2, 0, 0, 0, 9], 10), Err(FrameError::Truncated)));
    }
}
