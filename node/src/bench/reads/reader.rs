//! Readers: each asks one thing after the other over a connection that it keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use logothete_client::Client;
use logothete_client::rpc::Method;
use logothete_client::rpc::method::{
    AccountGetMethod, BlockGetMethod, ChainInfoMethod, TxGetMethod,
};
use logothete_client::rpc::types::{AccountGet, BlockGet, Empty, TxGet};
use logothete_primitives::Height;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Mix;
use crate::bench::http::{self, Connection};
use crate::cli::output::Failure;

/// Requests that are told apart.
const REQUESTS: usize = 64;
/// Blocks that are looked at for something to ask for.
const BLOCKS: u64 = 64;
/// Longest time of a read that is told apart, in microseconds: a minute.
const LATENCY_US_MAX: u64 = 60_000_000;

/// Requests, ready to be sent.
#[derive(Debug)]
pub(super) struct Requests(Vec<Vec<u8>>);

/// What a reader has seen in the measured time.
#[derive(Debug)]
pub(super) struct Seen {
    /// Calls answered in that time.
    pub(super) reads: u64,
    /// From when a request was sent, or was to be sent, to its whole answer, in microseconds.
    pub(super) latency_us: Histogram<u64>,
}

impl Seen {
    pub(super) fn nothing() -> Self {
        let latency_us =
            Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order");
        Self { reads: 0, latency_us }
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_us.saturating_record(us);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.latency_us.add(&other.latency_us).expect("both have the same bounds");
    }
}

impl Requests {
    /// Asks the node at an address for what its chain holds: blocks, transactions and their senders.
    pub(super) async fn gather(
        client: &Client,
        address: &str,
        mix: Mix,
        batch: usize,
    ) -> Result<Self, Failure> {
        let head = client.call::<ChainInfoMethod>(Empty {}).await?.head.height;
        let mut calls = Vec::new();
        for back in 0..BLOCKS.min(head.get()) {
            let height = Some(Height::new(head.get() - back));
            let block = BlockGet { height, transactions: true, ..BlockGet::default() };
            let found = client.call::<BlockGetMethod>(block).await?;
            let Some(hash) = found.transactions.unwrap_or_default().first().copied() else {
                continue;
            };
            let tx = TxGet { hash, prove: false, min_height: None };
            let sender = client.call::<TxGetMethod>(tx).await?.tx.body.sender;
            calls.push(call::<ChainInfoMethod>(&Empty {}));
            calls.push(call::<AccountGetMethod>(&AccountGet {
                address: sender,
                at: None,
                min_height: None,
                prove: false,
            }));
            if mix == Mix::All {
                calls.push(call::<BlockGetMethod>(&BlockGet { height, ..BlockGet::default() }));
                calls.push(call::<TxGetMethod>(&tx));
            }
        }
        if calls.is_empty() {
            return Err(Failure::new("nothing_to_read", "the last blocks hold no transactions"));
        }
        let request = |number: usize| {
            let calls: Vec<&Value> =
                calls.iter().cycle().skip(number * batch % calls.len()).take(batch).collect();
            let body = match calls.as_slice() {
                [one] => json!(one),
                several => json!(several),
            };
            http::post(address, "/rpc", &body.to_string())
        };
        Ok(Self((0..REQUESTS).map(request).collect()))
    }

    /// The same one all the time.
    #[cfg(test)]
    pub(super) fn one(request: Vec<u8>) -> Self {
        Self(vec![request])
    }

    /// The requests of a reader, without end; each begins with another one.
    pub(super) fn from(&self, index: usize) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().cycle().skip(index * 7)
    }
}

fn call<M: Method>(params: &M::Params) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": M::NAME, "params": params })
}

/// Sends a request, and wants a good answer.
pub(super) async fn ask(connection: &mut Connection, request: &[u8]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(connection.ask(request).await?);
    if text.contains("\"error\":{") {
        return Err(Failure::new("read_refused", format!("a read was answered: {text}")));
    }
    Ok(())
}

/// When a reader reads, and when that counts.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) counts: Arc<AtomicBool>,
    pub(super) stop: CancellationToken,
}

/// Reads until it is stopped; `index` tells the readers apart.
pub(super) async fn read(
    address: String,
    requests: Arc<Requests>,
    (index, batch): (usize, u64),
    gate: Gate,
) -> Result<Seen, Failure> {
    let mut seen = Seen::nothing();
    let mut connection = Connection::open(&address).await?;
    for request in requests.from(index) {
        if gate.stop.is_cancelled() {
            break;
        }
        let asked = Instant::now();
        ask(&mut connection, request).await?;
        if gate.counts.load(Ordering::Relaxed) {
            seen.record(asked.elapsed());
            seen.reads += batch;
        }
    }
    Ok(seen)
}
