//! The ports that the node wants to listen on.

use std::net::{SocketAddr, TcpListener};

use logothete_p2p::Multiaddr;

use super::check::Check;
use crate::config::Config;

const NAME: &str = "ports";

/// Tries each port for a moment.
pub(super) fn check(config: &Config) -> Check {
    let wanted = wanted(config);
    let refused: Vec<String> = wanted
        .iter()
        .filter_map(|(key, address)| {
            let error = TcpListener::bind(address).err()?;
            Some(format!("{key} {address}: {error}"))
        })
        .collect();
    if !refused.is_empty() {
        let advice = "end what listens there (`ss -ltnp` names it), or choose another port";
        return Check::fault(NAME, refused.join("; "), advice);
    }
    let free: Vec<String> = wanted.iter().map(|(_, address)| address.to_string()).collect();
    Check::ok(NAME, format!("{} free", free.join(", ")))
}

/// The node of this home runs: the ports are its own.
pub(super) fn ours() -> Check {
    Check::ok(NAME, "held by the node, which runs")
}

fn wanted(config: &Config) -> Vec<(&'static str, SocketAddr)> {
    let peers = config.p2p.listen.iter().filter_map(|text| text.parse().ok());
    let peers = peers.filter_map(|address| Some(("p2p.listen", socket(&address)?)));
    let admin = config.admin.map(|admin| ("admin.listen", admin.listen));
    std::iter::once(("rpc.listen", config.rpc.listen)).chain(admin).chain(peers).collect()
}

/// The TCP socket of an address; others are not looked at.
fn socket(address: &Multiaddr) -> Option<SocketAddr> {
    let text = address.to_string();
    let mut parts = text.split('/').skip(1);
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
        ("ip4" | "ip6", ip, "tcp", port) => {
            Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_socket_of_an_address_is_read() {
        let read = |text: &str| socket(&text.parse().unwrap());
        assert_eq!(read("/ip4/127.0.0.1/tcp/7"), Some("127.0.0.1:7".parse().unwrap()));
        assert_eq!(read("/ip6/::1/tcp/7"), Some("[::1]:7".parse().unwrap()));
        assert_eq!(read("/dns/host/tcp/7"), None);
        assert_eq!(read("/ip4/127.0.0.1/udp/7/quic-v1"), None);
    }
}
