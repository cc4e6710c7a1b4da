//! What one client may take: connections, and calls a second.
//!
//! A client is an address; of IPv6 the 64 bits that name a network, for a host there has as many addresses as it likes. Clients on this
//! machine are spared unless the limits say otherwise: they are the operator's, or a proxy that speaks for many.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use logothete_client::rpc::RpcError;

use super::Limits;

/// Clients that are remembered without a connection, so that hanging up buys no calls.
const REMEMBERED: usize = 4_096;

/// Everybody who is connected, or was lately.
#[derive(Clone)]
pub(super) struct Clients(Arc<Inner>);

struct Inner {
    limits: Arc<Limits>,
    known: Mutex<BTreeMap<IpAddr, Known>>,
}

struct Known {
    connections: usize,
    calls: Arc<Mutex<Bucket>>,
}

/// One connection of a client; its place is given back when the last copy is dropped. By default one that has no limit of its own.
#[derive(Clone, Default)]
pub struct Visitor(Option<Arc<Visit>>);

struct Visit {
    clients: Clients,
    address: IpAddr,
    calls: Arc<Mutex<Bucket>>,
}

/// How often something may be done.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    /// In the long run.
    pub(super) per_second: u32,
    /// At once, after a pause.
    pub(super) burst: u32,
}

impl From<&Limits> for Rate {
    fn from(limits: &Limits) -> Self {
        Self { per_second: limits.client_calls_per_second, burst: limits.client_burst }
    }
}

/// What may be done at once; it fills by the second.
pub(super) struct Bucket {
    rate: Rate,
    held: f64,
    at: Instant,
}

impl Clients {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self(Arc::new(Inner { limits, known: Mutex::default() }))
    }

    /// A connection of the client at an address; none if it has too many.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Option<Visitor> {
        let limits = &self.0.limits;
        let address = client_of(address);
        if address.is_loopback() && limits.spares_loopback {
            return Some(Visitor::default());
        }
        let mut known = self.known();
        if known.len() >= REMEMBERED + limits.connections {
            forget(&mut known, limits, now);
        }
        let client = known.entry(address).or_insert_with(|| Known {
            connections: 0,
            calls: Arc::new(Mutex::new(Bucket::full(Rate::from(&**limits), now))),
        });
        if client.connections >= limits.client_connections {
            return None;
        }
        client.connections += 1;
        let calls = Arc::clone(&client.calls);
        Some(Visitor(Some(Arc::new(Visit { clients: self.clone(), address, calls }))))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets who is not connected: those who may make all calls again, and if that is not enough the others too.
fn forget(known: &mut BTreeMap<IpAddr, Known>, limits: &Limits, now: Instant) {
    known.retain(|_, client| client.connections > 0 || !bucket(&client.calls).is_full(now));
    if known.len() >= REMEMBERED + limits.connections {
        known.retain(|_, client| client.connections > 0);
    }
}

impl Visitor {
    /// Counts a call of this client.
    ///
    /// # Errors
    /// When it has made too many lately.
    pub(super) fn call(&self, now: Instant) -> Result<(), RpcError> {
        let Some(visit) = &self.0 else { return Ok(()) };
        let taken = bucket(&visit.calls).take(now);
        taken.map_err(|wait_ms| {
            let message = "this client has made too many calls lately";
            RpcError::limit(message, wait_ms)
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(client) = self.clients.known().get_mut(&self.address) {
            client.connections = client.connections.saturating_sub(1);
        }
    }
}

pub(super) fn bucket(calls: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self { rate, held: rate.burst.into(), at: now }
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64();
        let held = self.held + gained * f64::from(self.rate.per_second);
        self.held = held.min(self.rate.burst.into());
        self.at = now;
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.held >= self.rate.burst.into()
    }

    /// Takes one, or says in how many milliseconds there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), u32> {
        self.fill(now);
        if self.held >= 1.0 {
            self.held -= 1.0;
            return Ok(());
        }
        // There is one after at most a second.
        let missing = (1.0 - self.held) * 1_000.0;
        let rate = self.rate.per_second.max(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let wait_ms = (missing / f64::from(rate)).ceil() as u32;
        Err(wait_ms.max(1))
    }
}

/// The address that stands for a client.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn clients() -> Clients {
        let limits = Limits {
            client_connections: 2,
            client_calls_per_second: 10,
            client_burst: 3,
            ..Limits::default()
        };
        Clients::new(Arc::new(limits))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_has_so_many_connections_and_gets_them_back() {
        let (clients, now) = (clients(), Instant::now());
        let first = clients.admit(address("10.0.0.1"), now).unwrap();
        let _second = clients.admit(address("::ffff:10.0.0.1"), now).unwrap();
        assert!(clients.admit(address("10.0.0.1"), now).is_none());
        assert!(clients.admit(address("10.0.0.2"), now).is_some(), "another client");
        drop(first);
        assert!(clients.admit(address("10.0.0.1"), now).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_this_machine_is_none() {
        let (clients, now) = (clients(), Instant::now());
        let visits: Vec<_> =
            (1..=3).map(|host| clients.admit(address(&format!("2001:db8::{host}")), now)).collect();
        assert!(visits[1].is_some() && visits[2].is_none());
        let own: Vec<_> = (0..9).map(|_| clients.admit(address("127.0.0.1"), now)).collect();
        let own: Vec<Visitor> = own.into_iter().map(Option::unwrap).collect();
        assert!((0..99).all(|_| own[0].call(now).is_ok()));
    }

    #[test]
    fn calls_come_by_the_second_and_hanging_up_buys_none() {
        let (clients, now) = (clients(), Instant::now());
        let visitor = clients.admit(address("10.0.0.1"), now).unwrap();
        assert!((0..3).all(|_| visitor.call(now).is_ok()));
        let refused = visitor.call(now).unwrap_err();
        assert_eq!(refused.data.retry_after_ms, Some(100));
        drop(visitor);
        let again = clients.admit(address("10.0.0.1"), now).unwrap();
        assert!(again.call(now).is_err());
        let later = now + Duration::from_millis(250);
        assert!(again.call(later).is_ok() && again.call(later).is_ok());
        assert!(again.call(later).is_err());
    }

    #[test]
    fn who_is_gone_is_forgotten_when_there_are_many() {
        let limits = Limits { connections: 0, client_burst: 3, ..Limits::default() };
        let (clients, now) = (Clients::new(Arc::new(limits)), Instant::now());
        let guest = |number: usize| {
            let address = Ipv6Addr::from(u128::try_from(number).unwrap() << 64);
            clients.admit(IpAddr::V6(address), now).unwrap()
        };
        let _stays = guest(1);
        for number in 2..2 * REMEMBERED {
            guest(number).call(now).unwrap();
        }
        assert!(clients.known().len() <= REMEMBERED);
        assert_eq!(clients.known().values().filter(|client| client.connections > 0).count(), 1);
    }
}
