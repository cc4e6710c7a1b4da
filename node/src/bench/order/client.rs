//! The load of `bench order`: one connection to each node, payloads at a rate or as many as may be on the way.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures::future::join_all;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use super::network::Network;
use super::queue::Numbers;
use super::stream::Note;
use crate::bench::finality::Window;
use crate::cli::output::Failure;

/// How long a node may take to listen, and to make its first payload final.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long payloads may take to become final after the load has stopped.
const DRAIN: Duration = Duration::from_secs(15);
/// How often it is looked whether something is due, or over.
const TICK: Duration = Duration::from_millis(1);
/// Payloads that are written at once.
const BURST: u64 = 2_048;
/// Bytes of noise that payloads are cut from: more than a compressor looks back.
const NOISE_BYTES: usize = 1024 * 1024;

/// When payloads are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At a rate over all nodes, in payloads a second, whatever becomes of them.
    Open {
        /// The rate.
        rate: u64,
    },
    /// As long as fewer than this many are on the way, over all nodes.
    Closed {
        /// How many.
        outstanding: u64,
    },
}

impl Pace {
    /// The rate, if there is one.
    #[must_use]
    pub const fn rate(self) -> Option<u64> {
        match self {
            Self::Open { rate } => Some(rate),
            Self::Closed { .. } => None,
        }
    }
}

/// Payloads that were sent together.
#[derive(Clone, Copy, Debug)]
struct Burst {
    numbers: Numbers,
    /// When the first was due, or sent.
    since: Instant,
    /// Time from one being due to the next.
    step: Duration,
    /// Payloads that are not final yet.
    left: u32,
}

#[derive(Debug)]
struct State {
    /// In the order of their numbers.
    bursts: VecDeque<Burst>,
    outstanding: u64,
    window: Window,
    is_open: bool,
    /// The highest height that was noted.
    height: u64,
    /// The same when the window was opened.
    height_before: u64,
}

/// What one connection waits for and has measured.
#[derive(Debug)]
struct Tally {
    state: Mutex<State>,
    /// Something became final.
    settled: Notify,
}

impl Tally {
    fn new() -> Self {
        let window = Window::empty();
        let (bursts, outstanding) = (VecDeque::new(), 0);
        let (is_open, height, height_before) = (false, 0, 0);
        let state = State { bursts, outstanding, window, is_open, height, height_before };
        Self { state: Mutex::new(state), settled: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self, burst: Burst) {
        let mut state = self.lock();
        state.outstanding += u64::from(burst.numbers.count);
        state.bursts.push_back(burst);
    }

    fn noted(&self, note: Note, at: Instant) {
        let mut state = self.lock();
        state.settle(note.numbers, at);
        state.height = state.height.max(note.height);
        drop(state);
        self.settled.notify_one();
    }
}

impl State {
    /// Takes what is final off the bursts it was sent in, and measures it.
    fn settle(&mut self, numbers: Numbers, at: Instant) {
        let end = numbers.first + u64::from(numbers.count);
        let from = self.bursts.partition_point(|burst| burst.end() <= numbers.first);
        for burst in self.bursts.range_mut(from..) {
            let (first, last) = (burst.numbers.first.max(numbers.first), burst.end().min(end));
            if first >= last {
                break;
            }
            let count = u32::try_from(last - first).expect("no more than the burst holds");
            burst.left = burst.left.saturating_sub(count);
            self.outstanding = self.outstanding.saturating_sub(u64::from(count));
            if self.is_open {
                self.window.committed += u64::from(count);
                burst.record(&mut self.window, first..last, at);
            }
        }
        while self.bursts.front().is_some_and(|burst| burst.left == 0) {
            self.bursts.pop_front();
        }
    }
}

impl Burst {
    fn end(&self) -> u64 {
        self.numbers.first + u64::from(self.numbers.count)
    }

    fn record(&self, window: &mut Window, numbers: std::ops::Range<u64>, at: Instant) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let waited = at.saturating_duration_since(self.since);
        if self.step.is_zero() {
            let count = numbers.end - numbers.start;
            window.latency_us.saturating_record_n(micros(waited), count);
            return;
        }
        for number in numbers {
            let place = u32::try_from(number - self.numbers.first).unwrap_or(u32::MAX);
            let later = self.step.saturating_mul(place);
            window.latency_us.saturating_record(micros(waited.saturating_sub(later)));
        }
    }
}

/// Looks at all connections together.
#[derive(Clone, Debug)]
pub struct Watch(Vec<Arc<Tally>>);

impl Watch {
    /// Begins to measure.
    pub fn open_window(&self) {
        for tally in &self.0 {
            let mut state = tally.lock();
            state.window = Window::empty();
            state.height_before = state.height;
            state.is_open = true;
        }
    }

    /// Ends the measuring. The blocks are those of the connection that heard of the most.
    #[must_use]
    pub fn close_window(&self) -> Window {
        let mut sum = Window::empty();
        for tally in &self.0 {
            let mut state = tally.lock();
            state.is_open = false;
            sum.committed += state.window.committed;
            sum.blocks = sum.blocks.max(state.height - state.height_before);
            sum.latency_us.add(&state.window.latency_us).expect("both have the same bounds");
        }
        sum
    }

    /// Payloads that became final in the open window.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.0.iter().map(|tally| tally.lock().window.committed).sum()
    }

    fn outstanding(&self) -> u64 {
        self.0.iter().map(|tally| tally.lock().outstanding).sum()
    }
}

/// One connection.
struct Lane {
    to_node: OwnedWriteHalf,
    tally: Arc<Tally>,
    next: u64,
    size: usize,
    noise: Arc<[u8]>,
    buffer: Vec<u8>,
}

/// All connections.
pub struct Client {
    lanes: Vec<Lane>,
}

impl Client {
    /// Connects to every node, and waits until each has made a payload final.
    ///
    /// # Errors
    /// A node does not listen, or makes nothing final.
    pub async fn connect(network: &Network, size: usize) -> Result<Self, Failure> {
        let mut noise = vec![0; NOISE_BYTES];
        ChaCha8Rng::seed_from_u64(0).fill(&mut noise[..]);
        let noise: Arc<[u8]> = noise.into();
        let deadline = Instant::now() + START_PATIENCE;
        let mut lanes = Vec::new();
        for seat in network.seats() {
            let stream = dial(network, seat.payloads, deadline).await?;
            stream.set_nodelay(true)?;
            let (from_node, to_node) = stream.into_split();
            let tally = Arc::new(Tally::new());
            tokio::spawn(listen(from_node, tally.clone()));
            let (noise, buffer) = (noise.clone(), Vec::new());
            lanes.push(Lane { to_node, tally, next: 0, size, noise, buffer });
        }
        let mut client = Self { lanes };
        for lane in &mut client.lanes {
            lane.send(1, Instant::now(), Duration::ZERO).await?;
        }
        while client.watch().outstanding() > 0 {
            network.check_alive()?;
            if Instant::now() > deadline {
                let message = format!("no order after {} s", START_PATIENCE.as_secs());
                return Err(Failure::new("not_ready", message));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(client)
    }

    /// Looks at all connections together.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.lanes.iter().map(|lane| lane.tally.clone()).collect())
    }

    /// Sends at a pace while `measuring` runs; gives what that gave, and the payloads that did not become final in the
    /// time after it.
    ///
    /// # Errors
    /// A connection breaks, or `measuring` fails.
    pub async fn drive<T>(
        &mut self,
        pace: Pace,
        measuring: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, u64), Failure> {
        let watch = self.watch();
        let stop = Arc::new(AtomicBool::new(false));
        let count = u64::try_from(self.lanes.len()).unwrap_or(1).max(1);
        let share = match pace {
            Pace::Open { rate } => Pace::Open { rate: (rate / count).max(1) },
            Pace::Closed { outstanding } => {
                Pace::Closed { outstanding: (outstanding / count).max(1) }
            }
        };
        let driving = join_all(self.lanes.iter_mut().map(|lane| lane.drive(share, stop.clone())));
        let measured = async {
            let measured = measuring.await;
            stop.store(true, Ordering::Relaxed);
            measured
        };
        let (measured, driven) = tokio::join!(measured, driving);
        let measured = measured?;
        driven.into_iter().collect::<std::io::Result<Vec<()>>>()?;
        let deadline = Instant::now() + DRAIN;
        while watch.outstanding() > 0 && Instant::now() < deadline {
            tokio::time::sleep(TICK).await;
        }
        Ok((measured, watch.outstanding()))
    }
}

impl Lane {
    async fn drive(&mut self, pace: Pace, stop: Arc<AtomicBool>) -> std::io::Result<()> {
        match pace {
            Pace::Open { rate } => self.drive_open(rate, &stop).await,
            Pace::Closed { outstanding } => self.drive_closed(outstanding, &stop).await,
        }
    }

    /// What is due is sent, however late it is: its time counts from when it was due.
    async fn drive_open(&mut self, rate: u64, stop: &AtomicBool) -> std::io::Result<()> {
        let began = Instant::now();
        let step = Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX);
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let passed = began.elapsed().as_micros() * u128::from(rate) / 1_000_000;
            let due = u64::try_from(passed).unwrap_or(u64::MAX).saturating_sub(sent).min(BURST);
            if due == 0 {
                tokio::time::sleep(TICK).await;
                continue;
            }
            // Number n is due when n + 1 shares of a second have passed.
            let since = began + Duration::from_secs_f64((sent as f64 + 1.0) / rate as f64);
            self.send(due, since, step).await?;
            sent += due;
        }
        Ok(())
    }

    async fn drive_closed(&mut self, outstanding: u64, stop: &AtomicBool) -> std::io::Result<()> {
        let tally = self.tally.clone();
        while !stop.load(Ordering::Relaxed) {
            let free = outstanding.saturating_sub(tally.lock().outstanding).min(BURST);
            if free == 0 {
                // It looks up from time to time, so that it ends also when nothing becomes final.
                let _ = tokio::time::timeout(TICK * 100, tally.settled.notified()).await;
                continue;
            }
            self.send(free, Instant::now(), Duration::ZERO).await?;
        }
        Ok(())
    }

    async fn send(&mut self, count: u64, since: Instant, step: Duration) -> std::io::Result<()> {
        let length = u32::try_from(self.size).unwrap_or(u32::MAX).to_le_bytes();
        self.buffer.clear();
        for number in self.next..self.next + count {
            self.buffer.extend_from_slice(&length);
            self.buffer.extend_from_slice(payload(&self.noise, number, self.size));
        }
        let count_32 = u32::try_from(count).unwrap_or(u32::MAX);
        let numbers = Numbers { first: self.next, count: count_32 };
        self.next += count;
        self.tally.sent(Burst { numbers, since, step, left: count_32 });
        self.to_node.write_all(&self.buffer).await
    }
}

/// A piece of the noise: another one for each of many numbers in a row.
fn payload(noise: &[u8], number: u64, size: usize) -> &[u8] {
    let last = noise.len() - size;
    // An odd distance, so that it takes long until a piece comes again.
    let at = usize::try_from(number.wrapping_mul(509) % u64::try_from(last).unwrap_or(1));
    let at = at.unwrap_or(0);
    &noise[at..at + size]
}

async fn dial(
    network: &Network,
    address: SocketAddr,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => {
                network.check_alive()?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Takes notes until the node is gone.
async fn listen(mut from_node: OwnedReadHalf, tally: Arc<Tally>) {
    let mut buffer = BytesMut::new();
    while from_node.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
        let at = Instant::now();
        while let Some(note) = Note::take(&mut buffer) {
            tally.noted(note, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(first: u64, count: u32, since: Instant, step_ms: u64) -> Burst {
        let step = Duration::from_millis(step_ms);
        Burst { numbers: Numbers { first, count }, since, step, left: count }
    }

    fn note(first: u64, count: u32, height: u64) -> Note {
        Note { numbers: Numbers { first, count }, height }
    }

    #[test]
    fn batches_that_become_final_out_of_order_are_all_counted_once() {
        let (tally, start) = (Arc::new(Tally::new()), Instant::now());
        let watch = Watch(vec![tally.clone()]);
        for first in [0, 10, 20] {
            tally.sent(burst(first, 10, start, 0));
        }
        watch.open_window();
        let at = start + Duration::from_millis(5);
        tally.noted(note(15, 10, 1), at);
        assert_eq!(watch.outstanding(), 20);
        tally.noted(note(0, 15, 2), at);
        tally.noted(note(25, 5, 2), at);
        assert_eq!(watch.outstanding(), 0);
        assert!(tally.lock().bursts.is_empty());
        let window = watch.close_window();
        assert_eq!((window.committed, window.blocks, window.latency_us.len()), (30, 2, 30));
        assert!(window.latency_us.max().abs_diff(5_000) <= 10);
    }

    #[test]
    fn latency_counts_from_when_each_payload_was_due() {
        let (tally, start) = (Arc::new(Tally::new()), Instant::now());
        let watch = Watch(vec![tally.clone()]);
        tally.sent(burst(0, 4, start, 2));
        watch.open_window();
        tally.noted(note(0, 4, 1), start + Duration::from_millis(10));
        let window = watch.close_window();
        assert!(window.latency_us.max().abs_diff(10_000) <= 10);
        assert!(window.latency_us.min().abs_diff(4_000) <= 10);
    }

    #[test]
    fn payloads_near_to_each_other_differ() {
        let mut noise = vec![0; NOISE_BYTES];
        ChaCha8Rng::seed_from_u64(0).fill(&mut noise[..]);
        let pieces: std::collections::BTreeSet<&[u8]> =
            (0..10_000).map(|number| payload(&noise, number, 128)).collect();
        assert_eq!(pieces.len(), 10_000);
        assert_eq!(payload(&noise, u64::MAX, 4096).len(), 4096);
    }
}
