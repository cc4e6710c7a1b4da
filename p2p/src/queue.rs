//! What waits to leave for one peer on one lane: bounded in frames and in bytes, in order.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::{
    config::QueueLimit,
    envelope::{self, Head},
    error::SendError,
    frame,
    lane::Lane,
};

/// Longest head: the length prefix and the head of an envelope.
const HEAD_MAX: usize = frame::PREFIX + envelope::HEAD;

/// A frame ready for the wire: its head is made once, its body is never copied.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    head: [u8; HEAD_MAX],
    head_bytes: usize,
    body: Bytes,
}

impl Frame {
    /// A frame whose body is all there is.
    pub(crate) fn plain(body: Bytes) -> Self {
        let mut head = [0; HEAD_MAX];
        head[..frame::PREFIX].copy_from_slice(&frame::prefix(body.len()));
        Self { head, head_bytes: frame::PREFIX, body }
    }

    /// A frame of the sync lane: the envelope's head goes before the body.
    pub(crate) fn enveloped(head: Head, body: Bytes) -> Self {
        let mut bytes = [0; HEAD_MAX];
        let length = envelope::HEAD + body.len();
        bytes[..frame::PREFIX].copy_from_slice(&frame::prefix(length));
        bytes[frame::PREFIX..].copy_from_slice(&head.encode());
        Self { head: bytes, head_bytes: HEAD_MAX, body }
    }

    /// Prefix and head.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head[..self.head_bytes]
    }

    /// What follows the head.
    pub(crate) const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Bytes on the wire.
    pub(crate) fn bytes(&self) -> usize {
        self.head_bytes + self.body.len()
    }

    /// The frame without its length prefix, as its reader sees it.
    pub(crate) fn into_payload(self) -> Bytes {
        if self.head_bytes == frame::PREFIX {
            return self.body;
        }
        [&self.head[frame::PREFIX..], &self.body].concat().into()
    }
}

/// Frames that wait for one peer on one lane. Many push; one at a time consumes.
#[derive(Debug)]
pub(crate) struct LaneQueue {
    lane: Lane,
    limit: QueueLimit,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    room: Notify,
    consumer: Semaphore,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
    closed: bool,
}

impl LaneQueue {
    pub(crate) fn new(lane: Lane, limit: QueueLimit) -> Self {
        Self {
            lane,
            limit,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            room: Notify::new(),
            consumer: Semaphore::new(1),
        }
    }

    /// Queues a frame, or says why not.
    pub(crate) fn push(&self, frame: Frame) -> Result<(), SendError> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(SendError::NotConnected);
        }
        // One frame always fits, whatever its size: lanes bound the size of a frame.
        let bytes = waiting.bytes + frame.bytes();
        let full = waiting.frames.len() >= self.limit.frames || bytes > self.limit.bytes;
        if full && !waiting.frames.is_empty() {
            return Err(SendError::LaneFull(self.lane));
        }
        waiting.bytes = bytes;
        waiting.frames.push_back(frame);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Queues a frame as soon as there is room for it.
    pub(crate) async fn push_when_room(&self, frame: Frame) -> Result<(), SendError> {
        loop {
            let room = self.room.notified();
            match self.push(frame.clone()) {
                Err(SendError::LaneFull(_)) => room.await,
                done => return done,
            }
        }
    }

    /// The right to consume; whoever waits for it takes over when the consumer before is gone.
    pub(crate) async fn claim(&self) -> Option<SemaphorePermit<'_>> {
        self.consumer.acquire().await.ok()
    }

    /// Waits until a frame is there; `false` once the queue is closed.
    pub(crate) async fn ready(&self) -> bool {
        loop {
            let arrived = self.arrived.notified();
            {
                let waiting = self.waiting();
                if waiting.closed {
                    return false;
                }
                if !waiting.frames.is_empty() {
                    return true;
                }
            }
            arrived.await;
        }
    }

    /// Moves frames of about `bytes` into `into`, at least one if there is one.
    pub(crate) fn take(&self, into: &mut Vec<Frame>, bytes: usize) {
        let mut waiting = self.waiting();
        let mut taken = 0;
        while taken < bytes {
            let Some(frame) = waiting.frames.pop_front() else {
                break;
            };
            taken += frame.bytes();
            into.push(frame);
        }
        waiting.bytes -= taken;
        drop(waiting);
        if taken > 0 {
            self.room.notify_waiters();
        }
    }

    /// Takes the oldest frame.
    pub(crate) fn pop(&self) -> Option<Frame> {
        let mut one = Vec::new();
        self.take(&mut one, 1);
        one.pop()
    }

    /// Frames and bytes that wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let waiting = self.waiting();
        (waiting.frames.len(), waiting.bytes)
    }

    /// Refuses frames from now on and lets go of those that wait.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.bytes = 0;
        waiting.frames = VecDeque::new();
        drop(waiting);
        self.consumer.close();
        self.arrived.notify_one();
        self.room.notify_waiters();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn queue(frames: usize, bytes: usize) -> LaneQueue {
        LaneQueue::new(Lane::Consensus, QueueLimit { frames, bytes })
    }

    fn frame(length: usize) -> Frame {
        Frame::plain(Bytes::from(vec![0; length]))
    }

    #[test]
    fn is_bounded_in_frames_and_in_bytes() {
        let by_frames = queue(2, 1 << 20);
        by_frames.push(frame(1)).unwrap();
        by_frames.push(frame(1)).unwrap();
        assert_eq!(by_frames.push(frame(1)), Err(SendError::LaneFull(Lane::Consensus)));
        by_frames.pop().unwrap();
        by_frames.push(frame(1)).unwrap();

        let by_bytes = queue(100, 64);
        by_bytes.push(frame(40)).unwrap();
        assert_eq!(by_bytes.push(frame(40)), Err(SendError::LaneFull(Lane::Consensus)));
        assert_eq!(by_bytes.depth(), (1, 44));
    }

    #[test]
    fn a_frame_larger_than_the_queue_still_passes_alone() {
        let queue = queue(4, 10);
        queue.push(frame(100)).unwrap();
        assert!(queue.push(frame(1)).is_err());
        assert_eq!(queue.pop().unwrap().bytes(), 104);
        assert_eq!(queue.depth(), (0, 0));
    }

    #[tokio::test]
    async fn a_closed_queue_wakes_and_refuses_everybody() {
        let queue = queue(1, 10);
        queue.push(frame(1)).unwrap();
        let waiting = queue.push_when_room(frame(1));
        let (pushed, ()) = tokio::join!(waiting, async { queue.close() });
        assert_eq!(pushed, Err(SendError::NotConnected));
        assert!(!queue.ready().await);
        assert!(queue.claim().await.is_none());
    }

    #[tokio::test]
    async fn the_next_consumer_takes_over() {
        let queue = queue(4, 100);
        let first = queue.claim().await.unwrap();
        let mut second = Box::pin(queue.claim());
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_some());
    }
}
