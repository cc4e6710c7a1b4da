//! The standing of each key: what was held against it, and who is kept out for how long.

use std::{collections::BTreeMap, time::Duration};

use logothete_primitives::keys::PublicKey;
use tokio::time::Instant;

use crate::peer::{Ban, PeerFault};

/// A peer in good standing.
const FULL_SCORE: u32 = 100;

/// Time in which a point is regained.
const REGAIN: Duration = Duration::from_secs(3);

/// Keys of which something is remembered. Keys cost nothing, so the memory of them must be bounded.
const MAX_ENTRIES: usize = 4096;

/// The standing of every key of which something is remembered.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    records: BTreeMap<PublicKey, Record>,
}

#[derive(Debug)]
struct Record {
    score: u32,
    at: Instant,
    out: Option<(PeerFault, Instant)>,
}

impl Standing {
    /// Notes a fault; `true` if it was one too many and the peer is now kept out for `ban`.
    pub(crate) fn report(
        &mut self,
        key: PublicKey,
        fault: PeerFault,
        now: Instant,
        ban: Duration,
    ) -> bool {
        self.make_room(now);
        let fresh = Record { score: FULL_SCORE, at: now, out: None };
        let record = self.records.entry(key).or_insert(fresh);
        record.score = record.score_at(now).saturating_sub(fault.cost());
        record.at = now;
        if record.score > 0 {
            return false;
        }
        record.score = FULL_SCORE / 2;
        record.out = Some((fault, now + ban));
        true
    }

    /// Why and how long a key is kept out, if it is.
    pub(crate) fn ban(&self, key: &PublicKey, now: Instant) -> Option<Ban> {
        let (fault, until) = self.records.get(key)?.out?;
        let remaining = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(Ban { key: *key, fault, remaining })
    }

    /// Everybody who is kept out.
    pub(crate) fn bans(&self, now: Instant) -> Vec<Ban> {
        self.records.keys().filter_map(|key| self.ban(key, now)).collect()
    }

    /// Forgets those in good standing, and then, if need be, the one with the oldest fault.
    fn make_room(&mut self, now: Instant) {
        if self.records.len() < MAX_ENTRIES {
            return;
        }
        self.records.retain(|_, record| {
            record.score_at(now) < FULL_SCORE || record.out.is_some_and(|(_, until)| until > now)
        });
        if self.records.len() >= MAX_ENTRIES {
            let oldest = self.records.iter().min_by_key(|(_, record)| record.at);
            let key = oldest.map(|(key, _)| *key);
            key.map(|key| self.records.remove(&key));
        }
    }
}

impl Record {
    fn score_at(&self, now: Instant) -> u32 {
        let regained = now.saturating_duration_since(self.at).as_secs() / REGAIN.as_secs();
        let regained = u32::try_from(regained).unwrap_or(FULL_SCORE);
        self.score.saturating_add(regained).min(FULL_SCORE)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BAN: Duration = Duration::from_secs(60);

    fn key(n: u16) -> PublicKey {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&n.to_le_bytes());
        PublicKey::from_bytes(bytes)
    }

    #[test]
    fn two_grave_faults_keep_a_peer_out_and_time_lets_it_in_again() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        assert!(!standing.report(key(1), PeerFault::Invalid, now, BAN));
        assert_eq!(standing.ban(&key(1), now), None);
        assert!(standing.report(key(1), PeerFault::Lied, now, BAN));
        let ban = standing.ban(&key(1), now).unwrap();
        assert_eq!((ban.fault, ban.remaining), (PeerFault::Lied, BAN));
        assert_eq!(standing.bans(now), vec![ban]);
        assert_eq!(standing.ban(&key(1), now + BAN), None);
    }

    #[test]
    fn faults_far_apart_are_forgiven() {
        let (mut standing, mut now) = (Standing::default(), Instant::now());
        for _ in 0..20 {
            assert!(!standing.report(key(1), PeerFault::Invalid, now, BAN));
            now += REGAIN * 50;
        }
    }

    #[test]
    fn many_keys_do_not_grow_the_memory() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        for n in 0..10_000 {
            standing.report(key(n), PeerFault::Slow, now, BAN);
        }
        assert!(standing.records.len() <= MAX_ENTRIES);
    }
}
