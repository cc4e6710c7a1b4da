//! Traces of transactions for OpenTelemetry: how long each part of the way took, at every node that saw it.
//!
//! The first half of a transaction's hash is the identity of its trace, and which are traced follows from the hash too: so what
//! several nodes tell comes together without a word between them, and costs nothing for all the others. [`export`] sends it.

mod export;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use logothete_ledger::transaction::Transaction;
use logothete_primitives::{Height, PublicKey, TxHash};
use tokio::sync::mpsc;

pub use self::export::{BadEndpoint, Exporter, address_of};

use crate::config;

/// Spans that wait to be sent; what comes when there are more is lost.
const WAITING_MAX: usize = 1_024;
/// Traced transactions that are not executed yet; what comes when there are more is traced by others only.
const TAKEN_MAX: usize = 4_096;
/// When there is no room, those are forgotten that came so long ago: whatever became of them was not told here.
const TAKEN_TIME: Duration = Duration::from_secs(600);

/// Where traces are begun and ended. Off by default; a clone is one reference count.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

struct Inner {
    every: u64,
    /// Tells the spans of this node from those of others.
    node: u64,
    taken: Mutex<BTreeMap<TxHash, Taken>>,
    spans: mpsc::Sender<Span>,
}

/// A transaction that a client gave to this node.
#[derive(Clone, Copy)]
struct Taken {
    came: SystemTime,
    /// None as long as it is looked at.
    admitted: Option<SystemTime>,
}

/// One part of the way of a transaction, at one node.
#[derive(Clone, Debug)]
struct Span {
    tx: TxHash,
    id: u64,
    parent: Option<u64>,
    name: &'static str,
    began: SystemTime,
    ended: SystemTime,
    height: Height,
}

impl Traces {
    /// As configured, for the node with a key and a name; with what sends them.
    ///
    /// # Errors
    /// The endpoint is no address of a collector.
    pub fn new(
        wish: &config::Traces,
        key: &PublicKey,
        name: &str,
    ) -> Result<(Self, Option<Exporter>), BadEndpoint> {
        let Some(endpoint) = &wish.endpoint else { return Ok((Self::default(), None)) };
        let (spans, waiting) = mpsc::channel(WAITING_MAX);
        let exporter = Exporter::new(endpoint, name, waiting)?;
        let node = first_bytes(key.as_bytes()) << 8;
        let every = u64::try_from(wish.every).unwrap_or(u64::MAX).max(1);
        let inner = Inner { every, node, taken: Mutex::default(), spans };
        Ok((Self(Some(Arc::new(inner))), Some(exporter)))
    }

    /// A client gave encoded transactions just now.
    pub fn came(&self, transactions: &[Vec<u8>]) {
        let Some(inner) = &self.0 else { return };
        let hashes = transactions.iter().map(|bytes| Transaction::hash_of(bytes));
        let chosen: Vec<TxHash> = hashes.filter(|tx| inner.chooses(tx)).collect();
        if !chosen.is_empty() {
            inner.take(&chosen, SystemTime::now());
        }
    }

    /// A transaction was let in just now. It may be executed already.
    pub fn admitted(&self, tx: &TxHash) {
        let Some(inner) = &self.0 else { return };
        if let Some(taken) = inner.taken().get_mut(tx) {
            taken.admitted = Some(SystemTime::now());
        }
    }

    /// Transactions of a block were executed just now; the executor had turned to the block at `began`.
    pub fn executed<'a>(
        &self,
        height: Height,
        transactions: impl Iterator<Item = &'a TxHash>,
        began: Instant,
    ) {
        let Some(inner) = &self.0 else { return };
        let ended = SystemTime::now();
        let began = ended.checked_sub(began.elapsed()).unwrap_or(ended);
        for tx in transactions.filter(|tx| inner.chooses(tx)) {
            let taken = inner.taken().remove(tx);
            inner.tell(*tx, height, taken, (began, ended));
        }
    }

    /// Transactions will not be executed.
    pub fn dropped<'a>(&self, transactions: impl Iterator<Item = &'a TxHash>) {
        let Some(inner) = &self.0 else { return };
        for tx in transactions.filter(|tx| inner.chooses(tx)) {
            inner.taken().remove(tx);
        }
    }
}

impl Inner {
    fn chooses(&self, tx: &TxHash) -> bool {
        let bytes = tx.as_bytes();
        first_bytes(bytes.get(24..).unwrap_or_default()).is_multiple_of(self.every)
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<TxHash, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, transactions: &[TxHash], came: SystemTime) {
        let mut taken = self.taken();
        if taken.len() >= TAKEN_MAX {
            let is_fresh = |age: Duration| age < TAKEN_TIME;
            // A clock that was set back makes none of them old.
            taken.retain(|_, taken| came.duration_since(taken.came).map_or(true, is_fresh));
        }
        for tx in transactions {
            if taken.len() < TAKEN_MAX {
                taken.entry(*tx).or_insert(Taken { came, admitted: None });
            }
        }
    }

    fn tell(
        &self,
        tx: TxHash,
        height: Height,
        taken: Option<Taken>,
        (began, ended): (SystemTime, SystemTime),
    ) {
        let root = first_bytes(tx.as_bytes().get(16..).unwrap_or_default());
        let part = |number: u64, name, began, ended| {
            let (id, parent) = (root ^ self.node ^ number, Some(root));
            Span { tx, id, parent, name, began, ended, height }
        };
        self.send(part(3, "execute", began, ended));
        if let Some(Taken { came, admitted }) = taken {
            let admitted = admitted.unwrap_or(began).min(began);
            self.send(part(1, "admit", came, admitted));
            self.send(part(2, "order", admitted, began));
            let whole = Span { id: root, parent: None, ..part(0, "transaction", came, ended) };
            self.send(whole);
        }
    }

    fn send(&self, span: Span) {
        // The way of a transaction never waits for who watches it.
        let _ = self.spans.try_send(span);
    }
}

/// The first eight bytes as a number; zeros for those that are missing.
fn first_bytes(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// Nanoseconds since the Unix epoch.
fn unix_nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_primitives::{Digest, SecretKey};

    use super::*;

    fn traces(every: usize, waiting: usize) -> (Inner, mpsc::Receiver<Span>) {
        let (spans, receiver) = mpsc::channel(waiting);
        let every = u64::try_from(every).unwrap();
        (Inner { every, node: 7 << 8, taken: Mutex::default(), spans }, receiver)
    }

    fn tx(last: u8) -> TxHash {
        let mut bytes = [9; 32];
        bytes[31] = last;
        TxHash::new(Digest::new(bytes))
    }

    #[test]
    fn who_took_a_transaction_tells_the_whole_way_and_others_their_part() {
        let (inner, mut spans) = traces(1, 16);
        let traces = Traces(Some(Arc::new(inner)));
        let bytes = b"a transaction".to_vec();
        let (ours, other) = (Transaction::hash_of(&bytes), tx(2));
        traces.came(&[bytes]);
        traces.admitted(&ours);
        traces.executed(Height::new(5), [ours, other].iter(), Instant::now());
        let told: Vec<Span> = std::iter::from_fn(|| spans.try_recv().ok()).collect();
        let of = |hash| told.iter().filter(move |span| span.tx == hash);
        let names: Vec<_> = of(ours).map(|span| span.name).collect();
        assert_eq!(names, ["execute", "admit", "order", "transaction"]);
        assert_eq!(of(other).map(|span| span.name).collect::<Vec<_>>(), ["execute"]);
        let root = of(ours).find(|span| span.parent.is_none()).unwrap().id;
        assert!(of(ours).all(|span| span.id == root || span.parent == Some(root)));
        let mut ids: Vec<_> = of(ours).map(|span| span.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4);
        assert!(told.iter().all(|span| span.began <= span.ended));
    }

    #[test]
    fn all_nodes_choose_the_same_and_a_full_queue_stops_nobody() {
        let (inner, mut spans) = traces(4, 1);
        let traces = Traces(Some(Arc::new(inner)));
        let all: Vec<TxHash> = (0..=255).map(tx).collect();
        traces.executed(Height::new(1), all.iter(), Instant::now());
        assert!(spans.try_recv().is_ok() && spans.try_recv().is_err());
        let bytes: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        traces.came(&bytes);
        let hashes: Vec<TxHash> = bytes.iter().map(|bytes| Transaction::hash_of(bytes)).collect();
        let chosen = traces.0.as_ref().unwrap().taken().len();
        assert!((1..bytes.len()).contains(&chosen), "{chosen}");
        traces.dropped(hashes.iter());
        assert!(traces.0.unwrap().taken().is_empty());
    }

    #[test]
    fn what_nobody_told_the_end_of_makes_room_in_time() {
        let (inner, _spans) = traces(1, 1);
        let hash =
            |number: usize| Transaction::hash_of(&u64::try_from(number).unwrap().to_be_bytes());
        let all: Vec<TxHash> = (0..=TAKEN_MAX).map(hash).collect();
        let (newest, old) = all.split_last().unwrap();
        let began = SystemTime::now();
        inner.take(old, began);
        inner.take(&[*newest], began + TAKEN_TIME / 2);
        assert!(!inner.taken().contains_key(newest), "there is no room");
        inner.take(&[*newest], began + TAKEN_TIME);
        assert_eq!(inner.taken().keys().collect::<Vec<_>>(), [newest]);
    }

    #[test]
    fn nothing_is_traced_unless_an_endpoint_is_configured() {
        let key = SecretKey::from_seed([1; 32]).public();
        let wish = |endpoint: Option<&str>| config::Traces {
            endpoint: endpoint.map(str::to_owned),
            every: 1,
        };
        let (off, exporter) = Traces::new(&wish(None), &key, "v0").unwrap();
        assert!(off.0.is_none() && exporter.is_none());
        for bad in
            ["collector", "https://collector:4318", "http://", "http://me:secret@collector:4318"]
        {
            assert!(Traces::new(&wish(Some(bad)), &key, "v0").is_err(), "{bad}");
        }
    }
}
