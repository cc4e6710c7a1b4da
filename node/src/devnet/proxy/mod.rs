//! Fault proxies for networks on one machine: TCP links between validators that can be slowed,
//! limited, frozen or cut while the processes on both ends run on.
//!
//! For every ordered pair (i, j) there is one port; i dials j through it. A connection carries two
//! directions, i→j and j→i, and each obeys the [`Link`] of its direction, so that a fault between two
//! nodes holds whichever of them dialled. The kernels here have no `tc netem` and no packet filter;
//! this needs neither, nor privileges.

pub mod control;
mod pump;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections open at one time through one port. Peers hold one or two.
const CONNECTIONS_MAX: usize = 16;
/// How long the far end may take to accept.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// They arrive.
    #[default]
    Open,
    /// They wait, as when every packet is lost: connections stay, nothing arrives until the link is open.
    Frozen,
    /// Connections break, and new ones break at once.
    Cut,
}

/// The state of one direction between two nodes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Whether bytes arrive.
    pub flow: Flow,
    /// Time on the way.
    pub delay_ms: u64,
    /// Most bytes in a second; none is no limit.
    pub bytes_per_second: Option<u64>,
}

impl Link {
    /// Nothing arrives.
    #[must_use]
    pub fn frozen() -> Self {
        Self { flow: Flow::Frozen, ..Self::default() }
    }
}

/// An ordered pair of nodes, by index.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Pair {
    /// The sender of bytes; for a port, the one who dials.
    pub from: usize,
    /// The receiver.
    pub to: usize,
}

impl Pair {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

/// The state of all directions of a network of `n` nodes.
#[derive(Clone, Debug)]
pub struct Links(Arc<BTreeMap<Pair, watch::Sender<Link>>>);

impl Links {
    /// All open.
    #[must_use]
    pub fn new(nodes: usize) -> Self {
        let pairs = (0..nodes)
            .flat_map(|from| (0..nodes).map(move |to| Pair { from, to }))
            .filter(|pair| pair.from != pair.to);
        Self(Arc::new(pairs.map(|pair| (pair, watch::Sender::new(Link::default()))).collect()))
    }

    /// Changes one direction; false if there is no such pair.
    pub fn set(&self, pair: Pair, link: Link) -> bool {
        self.0.get(&pair).map(|sender| sender.send_replace(link)).is_some()
    }

    /// Opens everything.
    pub fn heal(&self) {
        for sender in self.0.values() {
            sender.send_replace(Link::default());
        }
    }

    /// Freezes every direction between nodes of different groups and opens those within one.
    /// A node in no group is a group of its own.
    pub fn partition(&self, groups: &[Vec<usize>]) {
        let group_of = |node: usize| groups.iter().position(|group| group.contains(&node));
        for (pair, sender) in self.0.iter() {
            let together = match (group_of(pair.from), group_of(pair.to)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            };
            sender.send_replace(if together { Link::default() } else { Link::frozen() });
        }
    }

    /// All directions that are not plainly open.
    #[must_use]
    pub fn faults(&self) -> Vec<(Pair, Link)> {
        let links = self.0.iter().map(|(pair, sender)| (*pair, *sender.borrow()));
        links.filter(|(_, link)| *link != Link::default()).collect()
    }

    fn watch(&self, pair: Pair) -> Option<watch::Receiver<Link>> {
        self.0.get(&pair).map(watch::Sender::subscribe)
    }
}

/// One port: who dials whom through it, and where the dialled one really listens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Port {
    /// The dialling and the dialled node.
    pub pair: Pair,
    /// Where the proxy listens.
    pub listen: SocketAddr,
    /// Where the dialled node listens.
    pub target: SocketAddr,
}

/// Serves one port until the task is aborted.
///
/// # Errors
/// The port cannot be bound.
pub async fn serve(
    port: Port,
    links: &Links,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = TcpListener::bind(port.listen).await?;
    let unknown = || io::Error::new(io::ErrorKind::InvalidInput, "no such pair of nodes");
    let forth = links.watch(port.pair).ok_or_else(unknown)?;
    let back = links.watch(port.pair.reversed()).ok_or_else(unknown)?;
    Ok(async move {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let slot =
                Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
            while connections.try_join_next().is_some() {}
            let Ok((near, _)) = listener.accept().await else { continue };
            let (forth, back) = (forth.clone(), back.clone());
            connections.spawn(async move {
                relay(near, port.target, forth, back).await;
                drop(slot);
            });
        }
    })
}

async fn relay(
    near: TcpStream,
    target: SocketAddr,
    forth: watch::Receiver<Link>,
    back: watch::Receiver<Link>,
) {
    let Ok(Ok(far)) = tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(target)).await else {
        return;
    };
    // Small votes must not wait for company.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    // Either direction's end is the end of the connection.
    tokio::select! {
        () = pump::pump(near_read, far_write, forth) => {}
        () = pump::pump(far_read, near_write, back) => {}
    }
}

#[cfg(test)]
mod tests;
