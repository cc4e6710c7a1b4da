//! What can be read from and done to a multiaddress.

use std::net::{IpAddr, Ipv6Addr};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// The IP address at the far end, if the address begins with one.
pub(crate) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip).to_canonical()),
        _ => None,
    }
}

/// What counts as one address when connections are limited: IPv4-mapped addresses are their
/// IPv4 address, and an IPv6 network of 64 bits, which one host may own, is one.
pub(crate) fn bucket(address: &Multiaddr) -> Option<IpAddr> {
    Some(match ip(address)? {
        IpAddr::V6(ip) => {
            let network = u128::from(ip) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    })
}

/// Whether the address is only good on this machine.
pub(crate) fn is_loopback(address: &Multiaddr) -> bool {
    ip(address).is_some_and(|ip| ip.is_loopback())
}

/// The same address at another IP.
pub(crate) fn at_ip(address: &Multiaddr, ip: IpAddr) -> Multiaddr {
    let rest = address.iter().skip(1);
    Multiaddr::from(ip).into_iter().chain(rest).collect()
}

/// The address without the peer id that some write at its end.
pub(crate) fn without_peer(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}

/// Why this build cannot use the address, if it cannot.
pub(crate) fn unusable(address: &Multiaddr) -> Option<&'static str> {
    let mut parts = address.iter();
    let host = matches!(
        parts.next(),
        Some(
            Protocol::Ip4(_)
                | Protocol::Ip6(_)
                | Protocol::Dns(_)
                | Protocol::Dns4(_)
                | Protocol::Dns6(_)
        )
    );
    if !host {
        return Some("it does not begin with /ip4, /ip6 or /dns");
    }
    match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(_)), None | Some(Protocol::P2p(_))) => None,
        (Some(Protocol::Udp(_)), Some(Protocol::QuicV1)) if cfg!(feature = "quic") => None,
        (Some(Protocol::Udp(_)), Some(Protocol::QuicV1)) => {
            Some("this binary was built without the feature `quic`")
        }
        _ => Some("only /tcp/PORT and /udp/PORT/quic-v1 are supported"),
    }
}

/// The addresses behind a name; an address without a name stands for itself.
pub(crate) async fn resolve(address: Multiaddr) -> Vec<Multiaddr> {
    let (name, accepts): (String, fn(&IpAddr) -> bool) = match address.iter().next() {
        Some(Protocol::Dns(name)) => (name.into_owned(), |_| true),
        Some(Protocol::Dns4(name)) => (name.into_owned(), IpAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name.into_owned(), IpAddr::is_ipv6),
        _ => return vec![address],
    };
    match tokio::net::lookup_host((name.as_str(), 0)).await {
        Ok(found) => {
            let ips = found.map(|socket| socket.ip()).filter(accepts);
            ips.take(4).map(|ip| at_ip(&address, ip)).collect()
        }
        Err(error) => {
            tracing::debug!(event = "p2p.name.unresolved", %address, %error);
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_host_is_one_bucket() {
        let v4 = bucket(&parse("/ip4/10.0.0.1/tcp/1"));
        assert_eq!(v4, bucket(&parse("/ip6/::ffff:10.0.0.1/tcp/2")));
        assert_ne!(v4, bucket(&parse("/ip4/10.0.0.2/tcp/1")));
        let v6 = bucket(&parse("/ip6/2001:db8::1/tcp/1"));
        assert_eq!(v6, bucket(&parse("/ip6/2001:db8::ffff/tcp/1")));
        assert_ne!(v6, bucket(&parse("/ip6/2001:db8:0:1::1/tcp/1")));
        assert_eq!(bucket(&parse("/dns/v0/tcp/1")), None);
    }

    #[test]
    fn says_why_an_address_cannot_be_used() {
        for good in ["/ip4/1.2.3.4/tcp/1", "/ip6/::1/tcp/1", "/dns/v0/tcp/1"] {
            assert_eq!(unusable(&parse(good)), None, "{good}");
        }
        for bad in ["/memory/1", "/ip4/1.2.3.4", "/ip4/1.2.3.4/udp/1", "/ip4/1.2.3.4/tcp/1/ws"] {
            assert!(unusable(&parse(bad)).is_some(), "{bad}");
        }
        let quic = unusable(&parse("/ip4/1.2.3.4/udp/1/quic-v1"));
        assert_eq!(quic.is_none(), cfg!(feature = "quic"));
    }

    #[test]
    fn an_address_moves_to_another_ip() {
        let moved = at_ip(&parse("/ip4/0.0.0.0/tcp/7000"), "10.1.2.3".parse().unwrap());
        assert_eq!(moved, parse("/ip4/10.1.2.3/tcp/7000"));
    }

    #[tokio::test]
    async fn names_are_resolved_and_numbers_stand_for_themselves() {
        let plain = parse("/ip4/1.2.3.4/tcp/1");
        assert_eq!(resolve(plain.clone()).await, vec![plain]);
        let found = resolve(parse("/dns4/localhost/tcp/9")).await;
        assert_eq!(found, vec![parse("/ip4/127.0.0.1/tcp/9")]);
    }
}
