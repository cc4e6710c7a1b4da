//! The peers that a round of sync fetches from, and which of them is asked next.

use std::collections::BTreeMap;

use logothete_primitives::Height;
use logothete_primitives::PublicKey;

/// Requests to one peer at the same time.
const IN_FLIGHT_PER_PEER: usize = 2;
/// Requests that a peer may let run out before it is dropped from the round.
const STRIKES_MAX: u32 = 3;

#[derive(Debug, Default)]
struct Source {
    tip: Height,
    in_flight: usize,
    served: u64,
    strikes: u32,
}

/// Peers with a proven tip above ours.
#[derive(Debug, Default)]
pub struct Sources {
    peers: BTreeMap<PublicKey, Source>,
}

impl Sources {
    /// Adds a peer, or raises its tip.
    pub fn insert(&mut self, peer: PublicKey, tip: Height) {
        let source = self.peers.entry(peer).or_default();
        source.tip = source.tip.max(tip);
    }

    /// The highest proven tip.
    pub fn best(&self) -> Option<Height> {
        self.peers.values().map(|source| source.tip).max()
    }

    /// How many peers are left.
    pub fn count(&self) -> usize {
        self.peers.len()
    }

    /// Takes the least busy peer that has `height`, among equals the one that served most.
    pub fn take(&mut self, height: Height) -> Option<PublicKey> {
        let (peer, source) = self
            .peers
            .iter_mut()
            .filter(|(_, source)| source.tip >= height && source.in_flight < IN_FLIGHT_PER_PEER)
            .min_by_key(|(_, source)| {
                (source.in_flight, source.strikes, std::cmp::Reverse(source.served))
            })?;
        source.in_flight += 1;
        Some(*peer)
    }

    /// Records a good answer.
    pub fn served(&mut self, peer: &PublicKey) {
        if let Some(source) = self.peers.get_mut(peer) {
            source.in_flight = source.in_flight.saturating_sub(1);
            source.served += 1;
        }
    }

    /// Records a request that ran out; `true` when the peer was dropped for it.
    pub fn slow(&mut self, peer: &PublicKey) -> bool {
        let Some(source) = self.peers.get_mut(peer) else { return false };
        source.in_flight = source.in_flight.saturating_sub(1);
        source.strikes += 1;
        if source.strikes < STRIKES_MAX {
            return false;
        }
        self.peers.remove(peer);
        true
    }

    /// Drops a peer that lied.
    pub fn remove(&mut self, peer: &PublicKey) {
        self.peers.remove(peer);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey::from_bytes([byte; 32])
    }

    #[test]
    fn spreads_requests_over_peers_that_have_the_height() {
        let mut sources = Sources::default();
        sources.insert(key(1), Height::new(10));
        sources.insert(key(2), Height::new(20));
        assert_eq!(sources.take(Height::new(15)), Some(key(2)));
        assert_eq!(sources.take(Height::new(5)), Some(key(1)));
        assert_eq!(sources.take(Height::new(15)), Some(key(2)));
        assert_eq!(sources.take(Height::new(15)), None, "two requests a peer at most");
        sources.served(&key(2));
        assert_eq!(sources.take(Height::new(15)), Some(key(2)));
    }

    #[test]
    fn drops_a_slow_peer_after_three_strikes() {
        let mut sources = Sources::default();
        sources.insert(key(1), Height::new(10));
        assert!(!sources.slow(&key(1)));
        assert!(!sources.slow(&key(1)));
        assert!(sources.slow(&key(1)));
        assert_eq!(sources.count(), 0);
    }
}
