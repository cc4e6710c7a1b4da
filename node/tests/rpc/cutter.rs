//! A way to a node that is cut again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes connections on, and cuts each after some bytes of answers.
pub(crate) struct Cutter {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How many connections were cut in the middle.
    pub(crate) cuts: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cutter {
    /// Leads to `node`, now and whenever it listens again; one seed decides where the cuts are.
    pub(crate) async fn to(node: SocketAddr, seed: u64, longest: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&cuts);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (room, cuts) = (random.random_range(0..longest), Arc::clone(&counted));
                tokio::spawn(async move {
                    if pass(client, node, room).await == Ended::Cut {
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self { address, cuts, task }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    /// By us.
    Cut,
    /// By one of the two.
    Itself,
}

async fn pass(mut client: TcpStream, node: SocketAddr, mut room: usize) -> Ended {
    let Ok(mut server) = TcpStream::connect(node).await else { return Ended::Itself };
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(count) if count > 0 && server.write_all(&asked[..count]).await.is_ok() => {}
                _ => return Ended::Itself,
            },
            read = server.read(&mut answered) => match read {
                Ok(count) if count > 0 => {
                    let passed = count.min(room);
                    if client.write_all(&answered[..passed]).await.is_err() {
                        return Ended::Itself;
                    }
                    room -= passed;
                    if room == 0 {
                        return Ended::Cut;
                    }
                }
                _ => return Ended::Itself,
            },
        }
    }
}
