//! Everything is said many times, and what was said long ago again.

use std::collections::VecDeque;

use bytes::Bytes;
use logothete_p2p::Lane;
use rand::RngExt;

use super::{Liar, Lie};

/// Frames that are remembered.
const MEMORY: usize = 64;
/// Frames for one.
const FACTOR: usize = 4;

/// Remembers what it said.
#[derive(Default)]
pub(super) struct Flooder {
    said: VecDeque<(Lane, Bytes)>,
}

impl Lie for Flooder {
    fn send(&mut self, liar: &mut Liar, lane: Lane, frame: Bytes) -> Vec<(Lane, Bytes)> {
        if self.said.len() == MEMORY {
            self.said.pop_front();
        }
        self.said.push_back((lane, frame.clone()));
        liar.lied();
        let mut frames = vec![(lane, frame)];
        for _ in 1..FACTOR {
            frames.push(self.said[liar.random.random_range(0..self.said.len())].clone());
        }
        frames
    }
}
