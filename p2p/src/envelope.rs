//! The envelope of the sync lane: what kind of frame, and to which request it belongs.

use bytes::{Buf, Bytes};

/// Bytes of an envelope's head: the kind, then the correlation id, little endian.
pub(crate) const HEAD: usize = 9;

/// What a frame of the sync lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Wants an answer with the same id.
    Request = 0,
    /// Answers the request with that id.
    Response = 1,
    /// The request is not taken up: too many are in hand.
    Busy = 2,
    /// The request is understood and not answered.
    Declined = 3,
    /// Like a request; no answer is wanted.
    Notice = 4,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Request, Self::Response, Self::Busy, Self::Declined, Self::Notice];
}

/// The head of a frame of the sync lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
}

impl Head {
    pub(crate) fn encode(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[0] = self.kind as u8;
        bytes[1..].copy_from_slice(&self.id.to_le_bytes());
        bytes
    }

    /// Splits a frame into head and body; `None` if it is no envelope.
    pub(crate) fn split(mut frame: Bytes) -> Option<(Self, Bytes)> {
        if frame.len() < HEAD {
            return None;
        }
        let kind = *Kind::ALL.get(usize::from(frame.get_u8()))?;
        let id = frame.get_u64_le();
        Some((Self { kind, id }, frame))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_kind_survives_the_wire() {
        for (tag, kind) in (0u8..).zip(Kind::ALL) {
            let head = Head { kind, id: 0x0102_0304_0506_0708 };
            let bytes = head.encode();
            assert_eq!(bytes, [tag, 8, 7, 6, 5, 4, 3, 2, 1]);
            let (split, body) = Head::split([&bytes[..], b"body"].concat().into()).unwrap();
            assert_eq!((split, &body[..]), (head, &b"body"[..]));
        }
    }

    #[test]
    fn other_bytes_are_no_envelope() {
        assert!(Head::split(Bytes::from_static(&[5; 9])).is_none());
        assert!(Head::split(Bytes::from_static(&[0; 8])).is_none());
        assert!(Head::split(Bytes::new()).is_none());
    }
}
