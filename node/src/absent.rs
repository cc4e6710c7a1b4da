//! What is known of nodes that are not connected: who went and why, who was refused and why.
//!
//! Logs say the same once; `node_why` must be able to say it for as long as it is so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use logothete_p2p::{DisconnectReason, PeerEvent, RefusalReason};
use logothete_primitives::{PublicKey, ValidatorSet};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::chain::Genesis;
use crate::clock::Clock;
use crate::driver::Report;
use crate::metrics::Metrics;

/// Refusals that are remembered; above it the oldest goes. Strangers can cause them.
const REFUSALS_MAX: usize = 32;
/// How long a refusal counts unless it is repeated. Nodes dial again every ten seconds.
const REFUSAL_COUNTS: Duration = Duration::from_secs(60);

/// A connection that was not let in, here or by the other node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key of the other node, if it has shown one.
    pub key: Option<PublicKey>,
    /// Where it is.
    pub address: String,
    /// Why.
    pub reason: RefusalReason,
    /// When this happened last, in milliseconds since the Unix epoch.
    pub last_ms: u64,
    /// How often in a row.
    pub times: u32,
}

/// Who is not connected, and why, as far as it was seen since the start. Cheap to clone.
#[derive(Clone, Default)]
pub struct Absent(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// Of validators only, so that there is one for each at most.
    departures: BTreeMap<PublicKey, DisconnectReason>,
    refusals: VecDeque<Refusal>,
}

impl Absent {
    /// A node passed the handshake.
    pub fn connected(&self, key: &PublicKey) {
        let mut seen = self.lock();
        seen.departures.remove(key);
        seen.refusals.retain(|refusal| refusal.key != Some(*key));
    }

    /// The last connection of a node ended.
    pub fn disconnected(&self, set: &ValidatorSet, key: PublicKey, reason: DisconnectReason) {
        if set.index_of(&key).is_some() {
            self.lock().departures.insert(key, reason);
        }
    }

    /// A connection was not let in.
    pub fn refused(&self, refusal: Refusal) {
        let mut seen = self.lock();
        let same = |other: &Refusal| match (other.key, refusal.key) {
            (Some(a), Some(b)) => a == b,
            _ => other.address == refusal.address,
        };
        let times = match seen.refusals.iter().position(same) {
            Some(at) => seen.refusals.remove(at).map_or(0, |earlier| earlier.times),
            None => 0,
        };
        if seen.refusals.len() == REFUSALS_MAX {
            seen.refusals.pop_front();
        }
        seen.refusals.push_back(Refusal { times: times.saturating_add(1), ..refusal });
    }

    /// Why the last connection of a validator ended, if there was one and there is none now.
    pub fn departure(&self, key: &PublicKey) -> Option<DisconnectReason> {
        self.lock().departures.get(key).cloned()
    }

    /// Who was refused lately, the newest last.
    pub fn refusals(&self, now_ms: u64) -> Vec<Refusal> {
        let lately = |refusal: &&Refusal| {
            Duration::from_millis(now_ms.saturating_sub(refusal.last_ms)) <= REFUSAL_COUNTS
        };
        self.lock().refusals.iter().filter(lately).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes note of who came, who went and who was refused.
pub struct Watch {
    /// Tells the driver who is connected.
    pub reports: mpsc::Sender<Report>,
    /// Figures.
    pub metrics: Metrics,
    /// What is remembered.
    pub absent: Absent,
    /// The chain, with its validators.
    pub genesis: Arc<Genesis>,
    /// The time.
    pub clock: Clock,
}

impl Watch {
    /// Watches until the network is gone.
    pub async fn run(self, mut peers: mpsc::Receiver<PeerEvent>) {
        while let Some(event) = peers.recv().await {
            match event {
                PeerEvent::Connected(peer) => {
                    info!(event = "peer.connected", peer = %peer.key, role = %peer.role);
                    self.absent.connected(&peer.key);
                    // The driver is gone only when the node ends.
                    let _ = self.reports.send(Report::Connected(peer.key)).await;
                }
                PeerEvent::Disconnected { key, reason } => {
                    self.metrics.network.disconnected(reason.name());
                    info!(event = "peer.disconnected", peer = %key, %reason);
                    self.absent.disconnected(&self.genesis.validators, key, reason);
                }
                PeerEvent::Refused { address, key, reason } => {
                    self.metrics.network.disconnected(reason.name());
                    let peer = key.map(|key| key.to_string());
                    warn!(event = "peer.refused", %address, peer, %reason);
                    let (address, last_ms) = (address.to_string(), self.clock.unix_ms());
                    self.absent.refused(Refusal { key, address, reason, last_ms, times: 0 });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use logothete_primitives::SecretKey;

    use super::*;

    fn refusal(key: Option<u8>, address: &str, last_ms: u64) -> Refusal {
        let key = key.map(|seed| SecretKey::from_seed([seed; 32]).public());
        let reason = RefusalReason::Version { ours: 1, theirs: 2 };
        Refusal { key, address: address.to_owned(), reason, last_ms, times: 0 }
    }

    #[test]
    fn a_repeated_refusal_is_one_that_counts_until_the_node_is_let_in() {
        let absent = Absent::default();
        absent.refused(refusal(Some(1), "/ip4/10.0.0.1/tcp/1", 1_000));
        absent.refused(refusal(Some(1), "/ip4/10.0.0.1/tcp/2", 50_000));
        absent.refused(refusal(None, "/ip4/10.0.0.9/tcp/1", 2_000));
        let times = |now_ms| -> Vec<u32> {
            absent.refusals(now_ms).iter().map(|refusal| refusal.times).collect()
        };
        assert_eq!(times(60_000), [2, 1]);
        assert_eq!(times(70_000), [2], "the other is over");
        absent.connected(&SecretKey::from_seed([1; 32]).public());
        assert_eq!(times(60_000), [1]);
    }

    #[test]
    fn strangers_do_not_make_the_list_grow() {
        let absent = Absent::default();
        for port in 0..1_000 {
            absent.refused(refusal(None, &format!("/ip4/10.0.0.9/tcp/{port}"), port));
        }
        assert_eq!(absent.refusals(0).len(), REFUSALS_MAX);
    }
}
