#![allow(clippy::unwrap_used)]

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const FORTH: Pair = Pair { from: 0, to: 1 };

/// An echo server behind a proxy, and a connection through it.
async fn connected(links: &Links) -> TcpStream {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = echo.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = echo.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    let listen = crate::devnet::ports::free().unwrap();
    let port = Port { pair: FORTH, listen, target };
    tokio::spawn(serve(port, links).await.unwrap());
    TcpStream::connect(listen).await.unwrap()
}

async fn echoed(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"ping").await?;
    let mut back = [0; 4];
    stream.read_exact(&mut back).await?;
    assert_eq!(&back, b"ping");
    Ok(())
}

#[tokio::test]
async fn delays_each_direction_by_its_own_link() {
    let links = Links::new(2);
    let mut stream = connected(&links).await;
    echoed(&mut stream).await.unwrap();
    links.set(FORTH, Link { delay_ms: 60, ..Link::default() });
    links.set(FORTH.reversed(), Link { delay_ms: 40, ..Link::default() });
    let start = Instant::now();
    echoed(&mut stream).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_frozen_link_loses_nothing_once_it_is_open() {
    let links = Links::new(2);
    let mut stream = connected(&links).await;
    links.partition(&[vec![0], vec![1]]);
    assert_eq!(links.faults().len(), 2);
    stream.write_all(b"ping").await.unwrap();
    let mut back = [0; 4];
    let waited =
        tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut back)).await;
    assert!(waited.is_err(), "nothing passes a frozen link");
    links.heal();
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"ping");
}

#[tokio::test]
async fn a_cut_link_breaks_connections() {
    let links = Links::new(2);
    let mut stream = connected(&links).await;
    echoed(&mut stream).await.unwrap();
    links.set(FORTH, Link { flow: Flow::Cut, ..Link::default() });
    assert!(echoed(&mut stream).await.is_err());
}

#[tokio::test]
async fn a_limit_holds_bytes_back() {
    let links = Links::new(2);
    let mut stream = connected(&links).await;
    links.set(FORTH, Link { bytes_per_second: Some(100_000), ..Link::default() });
    let start = Instant::now();
    stream.write_all(&[7; 10_000]).await.unwrap();
    let mut back = vec![0; 10_000];
    stream.read_exact(&mut back).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn the_control_socket_sets_and_shows_faults() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("faults.sock");
    let served = socket.clone();
    let task = tokio::spawn(async move { control::run(4, &[], &served).await });
    while !socket.exists() {
        tokio::task::yield_now().await;
    }
    let ask = |request| {
        let socket = socket.clone();
        tokio::task::spawn_blocking(move || control::ask(&socket, &request))
    };
    let groups = vec![vec![0, 1], vec![2, 3]];
    let answer = ask(control::Request::Partition { groups }).await.unwrap().unwrap();
    assert_eq!(answer.faults.len(), 8);
    let pairs = vec![Pair { from: 0, to: 9 }];
    assert!(ask(control::Request::Set { pairs, link: Link::frozen() }).await.unwrap().is_err());
    assert!(ask(control::Request::Heal).await.unwrap().unwrap().faults.is_empty());
    task.abort();
}
