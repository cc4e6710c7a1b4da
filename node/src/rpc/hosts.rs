//! Who may be meant by a request: the `Host` header, against DNS rebinding, and the `Origin`.
//!
//! A web page of a stranger can make a browser send requests to a node on the user's machine or
//! network. It cannot choose the host name that the browser writes into them: that is the page's
//! own. So names that are not ours are refused; addresses are always ours.

use std::net::IpAddr;

/// Names under which this server is known, beside `localhost` and all IP addresses.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    names: Vec<String>,
    origins: Vec<String>,
}

impl Hosts {
    /// Serves `names` too, and lets pages of `origins` (`https://example.org`) read answers.
    pub fn new(names: &[String], origins: &[String]) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|t| t.to_ascii_lowercase()).collect();
        Self { names: lower(names), origins: lower(origins) }
    }

    /// Whether a request with this `Host` is for us.
    pub(super) fn serves(&self, host: &str) -> bool {
        let name = host_name(host).to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address.parse::<IpAddr>().is_ok() || self.names.contains(&name)
    }

    /// Whether a page of `origin` may call, when the request is for `host`.
    pub(super) fn trusts(&self, origin: &str, host: &str) -> bool {
        let same =
            origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host));
        same || self.allows(origin)
    }

    /// Whether answers may be read by pages of `origin`, which is not our own.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.contains(&origin.to_ascii_lowercase())
    }
}

/// The name in `name:port`, with the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    match (host.rfind(':'), host.rfind(']')) {
        (Some(colon), Some(bracket)) if colon < bracket => host,
        (Some(colon), _) => &host[..colon],
        (None, _) => host,
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn addresses_and_configured_names_are_ours_and_strangers_are_not() {
        let hosts = Hosts::new(&["Node.example.org".to_owned()], &[]);
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "10.0.0.7:80",
            "[::1]:8080",
            "[::1]",
            "node.example.org:443",
        ] {
            assert!(hosts.serves(host), "{host}");
        }
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "", "[::1"] {
            assert!(!hosts.serves(host) || host == "[::1", "{host}");
        }
    }

    #[test]
    fn pages_of_strangers_are_not_trusted() {
        let hosts = Hosts::new(&[], &["https://wallet.example".to_owned()]);
        assert!(hosts.trusts("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(hosts.trusts("https://wallet.example", "127.0.0.1:8080"));
        assert!(!hosts.trusts("http://127.0.0.1:9999", "127.0.0.1:8080"));
        assert!(!hosts.trusts("null", "127.0.0.1:8080"));
        assert!(!hosts.allows("http://127.0.0.1:8080"));
    }
}
