//! Readers in an open loop: when each request is to be sent is fixed before, however long answers take.
//!
//! The time of a read counts from when it was to be sent. A node that stands still for a second is not asked less in that
//! second: all that was due then is late, and is told as late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reader::{self, Requests, Seen};
use crate::bench::http::Connection;
use crate::cli::output::Failure;

/// How long after the end what was due is still asked for.
const GRACE: Duration = Duration::from_secs(2);

/// When the requests of all readers are to be sent: evenly, from a moment to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timetable {
    begin: Instant,
    /// From here on it counts.
    measured: Instant,
    end: Instant,
    requests_per_second: f64,
    readers: u32,
}

impl Timetable {
    /// From now on: `warmup`, then `duration`.
    pub(super) fn new(
        requests_per_second: f64,
        readers: u32,
        warmup: Duration,
        duration: Duration,
    ) -> Self {
        let begin = Instant::now();
        let measured = begin + warmup;
        Self { begin, measured, end: measured + duration, requests_per_second, readers }
    }

    /// The moments of one reader.
    fn of(self, reader: u32) -> impl Iterator<Item = Instant> {
        let moment = move |number: u32| {
            let before = f64::from(number) * f64::from(self.readers) + f64::from(reader);
            self.begin + Duration::from_secs_f64(before / self.requests_per_second)
        };
        (0..).map(moment).take_while(move |due| *due < self.end)
    }
}

/// Reads by the timetable to its end.
pub(super) async fn read(
    address: String,
    requests: Arc<Requests>,
    (index, batch): (u32, u64),
    timetable: Timetable,
) -> Result<Seen, Failure> {
    let mut seen = Seen::nothing();
    let mut connection = Connection::open(&address).await?;
    let mut requests = requests.from(usize::try_from(index).unwrap_or_default());
    for due in timetable.of(index) {
        tokio::time::sleep_until(due.into()).await;
        let Some(request) = requests.next() else { break };
        if timetable.end.elapsed() < GRACE {
            reader::ask(&mut connection, request).await?;
        }
        if due < timetable.measured {
            continue;
        }
        // What is not asked for any more has taken at least as long.
        seen.record(due.elapsed());
        if Instant::now() < timetable.end {
            seen.reads += batch;
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn requests_are_spread_evenly_over_the_readers() {
        let second = Duration::from_secs(1);
        let timetable = Timetable::new(100.0, 4, Duration::ZERO, second);
        let mut all: Vec<Duration> = (0..4)
            .flat_map(|reader| timetable.of(reader))
            .map(|due| due.duration_since(timetable.begin))
            .collect();
        all.sort_unstable();
        assert_eq!(all.len(), 100);
        for (number, due) in (0..).zip(all) {
            assert!(due.abs_diff(Duration::from_millis(10) * number) < Duration::from_micros(1));
        }
    }

    /// Answers nothing for a while, then everything at once.
    async fn stalling(stall: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::time::sleep(stall).await;
            let mut request = [0; 1_024];
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn what_was_due_while_the_node_stood_still_is_late() {
        let stall = Duration::from_millis(500);
        let address = stalling(stall).await;
        let requests = Arc::new(Requests::one(crate::bench::http::post(&address, "/rpc", "{}")));
        let timetable = Timetable::new(100.0, 1, Duration::ZERO, Duration::from_secs(1));
        let seen = read(address, requests, (0, 3), timetable).await.unwrap();
        assert_eq!(seen.latency_us.len(), 100, "nothing that was due is left out");
        // A quarter of all was due in the first half of the stall.
        assert!(seen.latency_us.value_at_quantile(0.75) >= 245_000, "{:?}", seen.latency_us);
        assert!(seen.reads <= 300 && seen.reads % 3 == 0);
    }
}
