//! Whom to dial, where, and when: the configured peers, and the validators that others tell of.

use std::{collections::VecDeque, time::Duration};

use libp2p::Multiaddr;
use logothete_primitives::keys::PublicKey;
use tokio::time::Instant;

use crate::{
    address,
    config::PeerAddress,
    retry::{Delays, RetryPolicy},
};

/// Addresses kept of one peer; a new one takes the place of the oldest that was only told.
const MAX_ADDRESSES: usize = 8;

/// Of two nodes that want to dial each other, the one with the larger key leaves the other this
/// much time, so that in most cases one connection is made and not two.
const STAGGER: Duration = Duration::from_millis(300);

/// Peers to be connected to.
#[derive(Debug)]
pub(super) struct PeerBook {
    local: PublicKey,
    retry: RetryPolicy,
    contacts: Vec<Contact>,
}

/// One peer to be connected to.
#[derive(Debug)]
struct Contact {
    /// Who must answer; unknown for a configured address that was not reached yet.
    key: Option<PublicKey>,
    addresses: VecDeque<Known>,
    /// From the configuration: dialled by followers too, and never forgotten.
    configured: bool,
    due: Instant,
    delays: Delays,
    dialling: bool,
    /// The key is configured, so another one is never taken for it.
    pinned: bool,
    /// The address turned out to be our own.
    ourselves: bool,
    /// Connected when last looked at.
    resting: bool,
    /// Told addresses where somebody else answered; not believed again.
    wrong: VecDeque<Multiaddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    address: Multiaddr,
    configured: bool,
}

/// A dial that is due. Its number names the contact to [`PeerBook::failed`].
#[derive(Debug)]
pub(super) struct Due {
    pub(super) contact: usize,
    pub(super) key: Option<PublicKey>,
    pub(super) addresses: Vec<Multiaddr>,
}

impl PeerBook {
    pub(super) fn new(local: PublicKey, retry: RetryPolicy, bootstrap: &[PeerAddress]) -> Self {
        let mut book = Self { local, retry, contacts: Vec::new() };
        for PeerAddress { key, address } in bootstrap {
            if *key != Some(local) {
                let known = Known { address: address::without_peer(address), configured: true };
                book.insert(*key, known, Instant::now());
            }
        }
        book
    }

    /// Notes where a validator may be found. Told addresses wait their turn behind configured
    /// ones, and a wrong one costs a dial.
    pub(super) fn learn(&mut self, key: PublicKey, address: Multiaddr, now: Instant) {
        if key != self.local && address::unusable(&address).is_none() {
            self.insert(Some(key), Known { address, configured: false }, now);
        }
    }

    fn insert(&mut self, key: Option<PublicKey>, known: Known, now: Instant) {
        let same = |contact: &Contact| key.is_some() && contact.key == key;
        if let Some(contact) = self.contacts.iter_mut().find(|contact| same(contact)) {
            contact.configured |= known.configured;
            contact.insert(known);
            return;
        }
        let stagger =
            if key.is_some_and(|key| key < self.local) { STAGGER } else { Duration::ZERO };
        self.contacts.push(Contact {
            key,
            configured: known.configured,
            addresses: VecDeque::from([known]),
            due: now + stagger,
            delays: self.retry.delays(),
            dialling: false,
            pinned: key.is_some(),
            ourselves: false,
            resting: false,
            wrong: VecDeque::new(),
        });
    }

    /// The dials that are due. `is_connected` says by key or address; `may_dial` whether a peer
    /// that was only told of is wanted.
    pub(super) fn due(
        &mut self,
        now: Instant,
        is_connected: impl Fn(Option<&PublicKey>, &[Multiaddr]) -> bool,
        may_dial: impl Fn(&PublicKey) -> bool,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        for (number, contact) in self.contacts.iter_mut().enumerate() {
            if contact.dialling || contact.ourselves {
                continue;
            }
            let addresses = contact.addresses();
            if addresses.is_empty() {
                continue;
            }
            if is_connected(contact.key.as_ref(), &addresses) {
                contact.rest(now, &self.retry);
                continue;
            }
            let wanted = contact.configured || contact.key.as_ref().is_some_and(&may_dial);
            if wanted && contact.due <= now {
                contact.dialling = true;
                due.push(Due { contact: number, key: contact.key, addresses });
            }
        }
        due
    }

    /// A dial reached somebody. That is not yet success: the handshake follows.
    pub(super) fn reached(&mut self, contact: usize, key: PublicKey, now: Instant) {
        let retry = self.retry;
        if let Some(contact) = self.contacts.get_mut(contact) {
            contact.key = Some(key);
            contact.again(now, &retry);
        }
    }

    /// A dial reached nobody.
    pub(super) fn failed(&mut self, contact: usize, now: Instant) {
        let retry = self.retry;
        if let Some(contact) = self.contacts.get_mut(contact) {
            contact.again(now, &retry);
        }
    }

    /// At this address we ourselves answered.
    pub(super) fn ourselves(&mut self, contact: usize, address: &Multiaddr) {
        if let Some(contact) = self.contacts.get_mut(contact) {
            contact.dialling = false;
            contact.forget(address);
            contact.ourselves = contact.key.is_none();
        }
    }

    /// At this address somebody else answered than the one expected there: an address that was
    /// only told is forgotten, of a configured one the key is looked for anew.
    /// Returns the key that was expected.
    pub(super) fn wrong_key(&mut self, contact: usize, address: &Multiaddr) -> Option<PublicKey> {
        let contact = self.contacts.get_mut(contact)?;
        let expected = contact.key;
        contact.forget(address);
        if !contact.pinned {
            contact.key = None;
        }
        expected
    }
}

impl Contact {
    fn addresses(&self) -> Vec<Multiaddr> {
        self.addresses.iter().map(|known| known.address.clone()).collect()
    }

    fn insert(&mut self, known: Known) {
        if !known.configured && self.wrong.contains(&known.address) {
            return;
        }
        if let Some(old) = self.addresses.iter_mut().find(|old| old.address == known.address) {
            old.configured |= known.configured;
            return;
        }
        if self.addresses.len() >= MAX_ADDRESSES {
            let Some(oldest) = self.addresses.iter().position(|known| !known.configured) else {
                return;
            };
            self.addresses.remove(oldest);
        }
        self.addresses.push_back(known);
    }

    fn forget(&mut self, address: &Multiaddr) {
        self.addresses.retain(|known| known.configured || known.address != *address);
        self.wrong.truncate(MAX_ADDRESSES - 1);
        self.wrong.push_front(address.clone());
    }

    /// Connected: the next dial, after the end of the connection, begins the policy anew.
    fn rest(&mut self, now: Instant, retry: &RetryPolicy) {
        if !self.resting || self.due <= now {
            self.resting = true;
            self.delays = retry.delays();
            self.due = now + self.delays.next().unwrap_or(retry.cap);
        }
    }

    fn again(&mut self, now: Instant, retry: &RetryPolicy) {
        self.dialling = false;
        self.resting = false;
        self.due = now + self.delays.next().unwrap_or(retry.cap);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(n: u8) -> PublicKey {
        PublicKey::from_bytes([n; 32])
    }

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/10.0.0.1/tcp/{port}").parse().unwrap()
    }

    fn book(bootstrap: &[PeerAddress]) -> PeerBook {
        PeerBook::new(key(1), RetryPolicy::DIAL, bootstrap)
    }

    fn due(book: &mut PeerBook, now: Instant) -> Vec<Due> {
        book.due(now, |_, _| false, |_| true)
    }

    #[test]
    fn dials_at_once_and_then_ever_more_seldom() {
        let mut book = book(&[address(1).into()]);
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..12 {
            let begun = now;
            let dial = loop {
                match due(&mut book, now).pop() {
                    Some(dial) => break dial,
                    None => now += Duration::from_millis(50),
                }
            };
            waits.push(now - begun);
            assert!(due(&mut book, now).is_empty(), "one dial at a time");
            book.failed(dial.contact, now);
        }
        assert_eq!(waits[0], Duration::ZERO);
        assert!(waits[11] >= RetryPolicy::DIAL.cap / 2);
        assert!(waits.iter().all(|wait| *wait <= RetryPolicy::DIAL.cap + STAGGER));
    }

    #[test]
    fn a_lost_peer_is_dialled_soon_whatever_came_before() {
        let mut book = book(&[address(1).into()]);
        let mut now = Instant::now();
        for _ in 0..20 {
            now += RetryPolicy::DIAL.cap;
            let dial = due(&mut book, now).pop().unwrap();
            book.failed(dial.contact, now);
        }
        assert!(book.due(now, |_, _| true, |_| true).is_empty());
        now += RetryPolicy::DIAL.first;
        assert_eq!(due(&mut book, now).len(), 1);
    }

    #[test]
    fn the_larger_key_waits_for_the_smaller_one_to_dial() {
        let mut book = book(&[]);
        let now = Instant::now();
        book.learn(key(0), address(1), now);
        book.learn(key(2), address(2), now);
        assert_eq!(due(&mut book, now).iter().map(|d| d.key).collect::<Vec<_>>(), [Some(key(2))]);
        assert_eq!(due(&mut book, now + STAGGER)[0].key, Some(key(0)));
    }

    #[test]
    fn told_addresses_are_bounded_and_do_not_displace_configured_ones() {
        let configured = PeerAddress { key: Some(key(2)), address: address(1) };
        let mut book = book(&[configured]);
        let now = Instant::now();
        for port in 2..100 {
            book.learn(key(2), address(port), now);
        }
        let dial = due(&mut book, now).pop().unwrap();
        assert_eq!(dial.addresses.len(), MAX_ADDRESSES);
        assert!(dial.addresses.contains(&address(1)) && dial.addresses.contains(&address(99)));
    }

    #[test]
    fn an_address_of_somebody_else_is_not_believed_twice() {
        let mut book = book(&[]);
        let now = Instant::now();
        book.learn(key(2), address(1), now);
        let dial = due(&mut book, now).pop().unwrap();
        book.wrong_key(dial.contact, &address(1));
        book.failed(dial.contact, now);
        book.learn(key(2), address(1), now);
        assert!(due(&mut book, now + RetryPolicy::DIAL.cap).is_empty());
    }

    #[test]
    fn our_own_address_in_the_configuration_is_left_alone() {
        let mut book =
            book(&[address(1).into(), PeerAddress { key: Some(key(1)), address: address(2) }]);
        let now = Instant::now();
        let dials = due(&mut book, now);
        assert_eq!(dials.len(), 1);
        book.ourselves(dials[0].contact, &address(1));
        assert!(due(&mut book, now + RetryPolicy::DIAL.cap).is_empty());
    }
}
