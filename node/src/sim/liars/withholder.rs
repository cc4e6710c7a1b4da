//! Frames of one lane reach some and not others.

use bytes::Bytes;
use logothete_p2p::Lane;
use rand::RngExt;

use super::{Liar, Lie};

/// Keeps frames of a lane back, most of the time.
pub(super) struct Withholder {
    pub(super) lane: Lane,
}

impl Lie for Withholder {
    fn send(&mut self, liar: &mut Liar, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        if lane != self.lane || liar.random.random_bool(0.3) {
            return vec![(lane, frame)];
        }
        liar.lied();
        Vec::new()
    }
}
