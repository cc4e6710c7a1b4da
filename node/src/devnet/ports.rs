//! Ports on the loopback interface: the wished one if it is free, else the next that is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// How far from the wished port a free one is looked for before the system chooses.
const SEARCH_MAX: u16 = 200;

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
    /// The wished port, or the next free one; a wish of 0 leaves it to the system.
    ///
    /// # Errors
    /// No port is free.
    pub fn choose(&mut self, wished: u16) -> io::Result<Chosen> {
        if wished == 0 {
            return Ok(Chosen { address: self.take(0)?, moved_from: None });
        }
        for port in wished..=wished.saturating_add(SEARCH_MAX) {
            if let Ok(address) = self.take(port) {
                let moved_from = (port != wished).then_some(wished);
                return Ok(Chosen { address, moved_from });
            }
        }
        Ok(Chosen { address: self.take(0)?, moved_from: Some(wished) })
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
    fn zero_leaves_the_choice_to_the_system() {
        let mut ports = Ports::default();
        let chosen = ports.choose(0).unwrap();
        assert_ne!(chosen.address.port(), 0);
        assert_eq!(chosen.moved_from, None);
    }
}
