//! What a request costs the server: CPU time of its thread, per request and per call.
//!
//! The interface behind it does nothing, so this is HTTP, JSON-RPC, limits and metrics alone.
//! Prints one JSON object a line.

#![allow(clippy::unwrap_used)]

#[path = "../tests/rpc/fake.rs"]
#[allow(dead_code, reason = "the bench uses its part")]
mod fake;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Handle};

/// Connections that ask at the same time.
const CLIENTS: usize = 4;

fn main() {
    let (handle, address) = start();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"mempool_stats"}"#;
    let batch = format!("[{}]", vec![call; 100].join(","));
    let tx = "ab".repeat(190);
    let txs = vec![format!("\"{tx}\""); 256].join(",");
    let submit = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tx_submit_batch","params":{{"txs":[{txs}]}}}}"#
    );
    let cases = [
        ("GET /livez", get("/livez"), 20_000, 1),
        ("one call", post(call), 20_000, 1),
        ("batch of 100 calls", post(&batch), 400, 100),
        ("tx_submit_batch of 256, reading only", post(&submit), 400, 256),
    ];
    for (name, request, requests, items) in cases {
        ask(address, &request, requests / 10);
        let before = cpu_time(&handle);
        ask(address, &request, requests);
        let spent = cpu_time(&handle) - before;
        let count = u32::try_from(requests).unwrap();
        let per_request = spent.as_secs_f64() * 1e6 / f64::from(count);
        let per_item = per_request / f64::from(items);
        let rate = 1e6 / per_item;
        println!(
            r#"{{"case":"{name}","request_us":{per_request:.2},"item_us":{per_item:.3},"items_per_core_second":{rate:.0}}}"#
        );
    }
}

/// A server on a thread of its own.
fn start() -> (Handle, SocketAddr) {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let running = fake::start().await;
            sender.send((Handle::current(), running.address)).unwrap();
            running.server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// CPU time that the thread of the server has used.
fn cpu_time(server: &Handle) -> Duration {
    let clock = server.spawn(async { clock_gettime(ClockId::ThreadCPUTime) });
    let time = futures::executor::block_on(clock).unwrap();
    let (seconds, nanoseconds) = (time.tv_sec.try_into(), time.tv_nsec.try_into());
    Duration::new(seconds.unwrap(), nanoseconds.unwrap())
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Sends a request so many times over a few connections, waiting for each answer.
fn ask(address: SocketAddr, request: &[u8], times: usize) {
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(move || {
                let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
                stream.get_ref().set_nodelay(true).unwrap();
                for _ in 0..times / CLIENTS {
                    stream.get_mut().write_all(request).unwrap();
                    read_answer(&mut stream);
                }
            });
        }
    });
}

fn read_answer(stream: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
}
