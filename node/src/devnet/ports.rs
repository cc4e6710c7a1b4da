//! Ports on the loopback interface: the wished one if it is free, else the next that is.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

/// How far from the wished port a free one is looked for before the system chooses.
const SEARCH_MAX: u16 = 200;
/// Where ports without a wish are taken from: below those that Linux gives to outgoing connections, one of which
/// could otherwise take the port of a node while it is down.
const UNWISHED: Range<u16> = 10_000..32_000;

/// A port that was given to somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chosen {
    /// Where to listen.
    pub address: SocketAddr,
    /// The port that was wished and busy.
    pub moved_from: Option<u16>,
}

/// Chooses ports and never the same twice.
#[derive(Debug, Default)]
pub struct Ports {
    // Holds what was chosen until the chooser is dropped, so that the system does not hand it out again.
    taken: Vec<(u16, TcpListener)>,
}

impl Ports {
    /// The wished port, or the next free one; a wish of 0 is any.
    ///
    /// # Errors
    /// No port is free.
    pub fn choose(&mut self, wished: u16) -> io::Result<Chosen> {
        let first = if wished == 0 { any() } else { wished };
        for port in first..=first.saturating_add(SEARCH_MAX) {
            if let Ok(address) = self.take(port) {
                let moved_from = (wished != 0 && port != wished).then_some(wished);
                return Ok(Chosen { address, moved_from });
            }
        }
        Ok(Chosen { address: self.take(0)?, moved_from: (wished != 0).then_some(wished) })
    }

    fn take(&mut self, port: u16) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        // A node may listen on all interfaces: the port must be free there too.
        if port != 0 {
            drop(listener);
            drop(TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?);
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            self.taken.push((port, listener));
            return Ok((Ipv4Addr::LOCALHOST, port).into());
        }
        let address = listener.local_addr()?;
        self.taken.push((address.port(), listener));
        Ok(address)
    }
}

/// A port by chance, so that networks that start at the same time do not meet.
fn any() -> u16 {
    let chance = RandomState::new().hash_one(()) % u64::from(UNWISHED.end - UNWISHED.start);
    UNWISHED.start.saturating_add(u16::try_from(chance).unwrap_or_default())
}

/// One free address on the loopback interface.
///
/// # Errors
/// No port is free.
pub fn free() -> io::Result<SocketAddr> {
    Ports::default().choose(0).map(|chosen| chosen.address)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_busy_port_is_moved_and_said_so() {
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let wished = busy.local_addr().unwrap().port();
        let mut ports = Ports::default();
        let first = ports.choose(wished).unwrap();
        let second = ports.choose(wished).unwrap();
        assert_eq!(first.moved_from, Some(wished));
        assert_ne!(first.address, second.address);
        assert_ne!(first.address.port(), wished);
    }

    #[test]
    fn a_port_that_nobody_wished_is_none_of_those_for_outgoing_connections() {
        let mut ports = Ports::default();
        let chosen = ports.choose(0).unwrap();
        assert!((UNWISHED.start..32_768).contains(&chosen.address.port()), "{chosen:?}");
        assert_eq!(chosen.moved_from, None);
    }
}
