//! The table of keys: what can be configured, and what a value must look like.

use std::net::SocketAddr;

use toml::Value;

use crate::admin::token::{self, TokenHash};

/// One known key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted name, as in the file.
    pub name: &'static str,
    /// What a value must look like.
    pub kind: Kind,
    /// The default, written like an environment variable's value.
    pub default: &'static str,
    /// One line for people.
    pub help: &'static str,
}

/// The shape of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path, relative to the directory of the file.
    Path,
    /// `true` or `false`.
    Flag,
    /// Address and port.
    Socket,
    /// Address and port that only this machine reaches, or none.
    Loopback,
    /// The hash of a token, or none.
    TokenHash,
    /// A whole number above 0.
    Count,
    /// A list of texts; one text in the file and a comma-separated variable are lists too.
    List,
    /// One of a few words.
    Choice(&'static [&'static str]),
}

/// Every key there is. Adding one is one line here and one in [`Config::from_settings`](super::Config::from_settings).
pub const KEYS: &[Key] = &[
    key(
        "role",
        Kind::Choice(&["validator", "follower"]),
        "validator",
        "validator votes, follower only follows",
    ),
    key("paths.data", Kind::Path, "data", "database, safety state and admin socket"),
    key("paths.genesis", Kind::Path, "genesis.toml", "the chain file"),
    key(
        "paths.key",
        Kind::Path,
        "key.json",
        "the node's key: a validator's vote and every node's network identity",
    ),
    key(
        "p2p.listen",
        Kind::List,
        "/ip4/0.0.0.0/tcp/26600",
        "addresses the node listens on for peers",
    ),
    key(
        "p2p.bootstrap",
        Kind::List,
        "",
        "peers to dial first: `lgtval1…@/ip4/…/tcp/…` or an address",
    ),
    key(
        "p2p.external",
        Kind::List,
        "",
        "addresses other nodes can reach this one at, if not the ones it listens on",
    ),
    key(
        "p2p.discover",
        Kind::Flag,
        "true",
        "dial addresses learned from peers; false keeps to p2p.bootstrap",
    ),
    key("rpc.listen", Kind::Socket, "127.0.0.1:8080", "address of JSON-RPC, probes and metrics"),
    key(
        "rpc.hosts",
        Kind::List,
        "",
        "names under which clients reach the node, beside localhost and addresses",
    ),
    key(
        "rpc.origins",
        Kind::List,
        "",
        "origins whose web pages may call the node, such as `https://wallet.example`",
    ),
    key(
        "admin.listen",
        Kind::Loopback,
        NONE,
        "address of administration, which only this machine reaches; none for none",
    ),
    key(
        "admin.token_hash",
        Kind::TokenHash,
        NONE,
        "hash of the token of administration, from `logothete admin token`",
    ),
    key(
        "mempool.transactions",
        Kind::Count,
        "100000",
        "transactions that may wait; above it only those with higher fees are taken",
    ),
    key(
        "audit.signed",
        Kind::Text,
        NONE,
        "file, in the data directory, that records every signed consensus message; none for none",
    ),
    key(
        "traces.endpoint",
        Kind::Text,
        NONE,
        "collector of OpenTelemetry traces (OTLP over HTTP), such as `http://127.0.0.1:4318`; none for none",
    ),
    key("traces.every", Kind::Count, "100", "one of so many transactions is traced"),
    key(
        "log.format",
        Kind::Choice(&["auto", "text", "json"]),
        "auto",
        "auto is text on a terminal and JSON otherwise",
    ),
    key("log.level", Kind::Text, "info", "level or filter, such as `info,logothete_p2p=debug`"),
];

/// The value of a name that means that there is none.
pub(super) const NONE: &str = "none";

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help }
}

/// Variables that begin like configuration but belong to the command line.
pub const OTHER_VARIABLES: &[&str] = &[
    token::VARIABLE,
    "LOGOTHETE_CONFIG",
    "LOGOTHETE_DEVNET_DIR",
    "LOGOTHETE_GENESIS",
    "LOGOTHETE_HOME",
    "LOGOTHETE_PASSPHRASE",
    "LOGOTHETE_URL",
];

/// Prefix of every variable.
pub(super) const PREFIX: &str = "LOGOTHETE_";

impl Kind {
    /// What a value must be, in words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Path => "a path".into(),
            Self::Flag => "true or false".into(),
            Self::Socket => "an address with port such as 127.0.0.1:8080".into(),
            Self::Loopback => "a loopback address with port such as 127.0.0.1:9070, or none (from \
                other machines it is reached through a tunnel)"
                .into(),
            Self::TokenHash => {
                "64 hexadecimal digits as `logothete admin token` prints them beside a token".into()
            }
            Self::Count => "a whole number above 0".into(),
            Self::List => {
                "a list of texts (outside of a file: without quotes, a comma between them)".into()
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// The variable that sets a key: `p2p.listen` is `LOGOTHETE_P2P_LISTEN`.
#[must_use]
pub fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_uppercase())
}

/// The nearest of some names, if it is near enough to be a slip of the pen.
pub fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, &candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The key with a name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Brings a value into the shape of its kind, or gives back what was written.
pub(super) fn shape(kind: Kind, value: Value) -> Result<Value, String> {
    let written = match kind {
        // It may be the token itself.
        Kind::TokenHash => "what is written there".to_owned(),
        _ => value.to_string(),
    };
    let fits = match (kind, value) {
        (Kind::Text | Kind::Path, Value::String(text)) if !text.is_empty() => {
            Some(Value::String(text))
        }
        (Kind::Flag, Value::Boolean(flag)) => Some(Value::Boolean(flag)),
        (Kind::Flag, Value::String(text)) => text.parse().ok().map(Value::Boolean),
        (Kind::Socket, Value::String(text)) => {
            text.parse::<SocketAddr>().ok().map(|socket| Value::String(socket.to_string()))
        }
        (Kind::Loopback | Kind::TokenHash, Value::String(text))
            if text.is_empty() || text == NONE =>
        {
            Some(Value::from(NONE))
        }
        (Kind::Loopback, Value::String(text)) => {
            let socket = text.parse::<SocketAddr>().ok().filter(|socket| socket.ip().is_loopback());
            socket.map(|socket| Value::String(socket.to_string()))
        }
        (Kind::TokenHash, Value::String(text)) => {
            text.parse::<TokenHash>().ok().map(|hash| Value::String(hash.to_string()))
        }
        (Kind::Count, Value::Integer(count)) => (count > 0).then_some(Value::Integer(count)),
        (Kind::Count, Value::String(text)) => {
            text.parse().ok().filter(|count| *count > 0).map(Value::Integer)
        }
        (Kind::Choice(words), Value::String(text)) => {
            words.contains(&text.as_str()).then_some(Value::String(text))
        }
        // Nothing that is configured holds a quote: with one it is a list as a file has it.
        (Kind::List, Value::String(text)) if !text.contains('"') => Some(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(Value::from)
                .collect(),
        )),
        (Kind::List, Value::Array(items)) => {
            items.iter().all(Value::is_str).then_some(Value::Array(items))
        }
        _ => None,
    };
    fits.ok_or(written)
}
