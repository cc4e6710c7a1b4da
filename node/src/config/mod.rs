//! The configuration of a node: a TOML file, `LOGOTHETE_*` variables and flags over checked keys.
//!
//! Every key is one line of [`KEYS`]. A value comes from the strongest source that names it
//! (flag, then variable, then file, then default) and remembers which one that was, so that
//! `config show` can say it and an error can point at it. A name that is not in the table is an
//! error with a suggestion: a mistyped key must never be ignored in silence.

mod fault;
mod key;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use zeroize::Zeroizing;

pub use self::fault::{Fault, Faults};
use self::key::NONE;
pub use self::key::{KEYS, Key, Kind, OTHER_VARIABLES, nearest, variable_of};
pub use self::settings::{Origin, Setting, Settings, Sources};
use crate::admin::TokenHash;

/// Whether the node votes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes with its key when the key is in the validator set.
    Validator,
    /// Follows and serves, never votes.
    Follower,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text always.
    Text,
    /// JSON always.
    Json,
}

/// The checked configuration of one node.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether the node votes.
    pub role: Role,
    /// Files of the node.
    pub paths: Paths,
    /// Peer to peer.
    pub p2p: P2p,
    /// JSON-RPC and the other HTTP services.
    pub rpc: Rpc,
    /// The administration listener, if there is to be one.
    pub admin: Option<Admin>,
    /// Waiting transactions.
    pub mempool: Mempool,
    /// Traces.
    pub traces: Traces,
    /// Logging.
    pub log: Log,
    /// Records for audits.
    pub audit: Audit,
    /// Opens the key file if it is encrypted; never part of a file or of what is shown.
    pub passphrase: Option<Zeroizing<String>>,
}

/// Files of the node; absolute.
#[derive(Clone, Debug, Serialize)]
pub struct Paths {
    /// Data directory.
    pub data: PathBuf,
    /// Chain file.
    pub genesis: PathBuf,
    /// Key file.
    pub key: PathBuf,
}

/// Peer to peer.
#[derive(Clone, Debug, Serialize)]
pub struct P2p {
    /// Addresses to listen on.
    pub listen: Vec<String>,
    /// Peers to dial first.
    pub bootstrap: Vec<String>,
    /// Addresses to announce.
    pub external: Vec<String>,
    /// Whether learned addresses are dialled.
    pub discover: bool,
}

/// The HTTP services.
#[derive(Clone, Debug, Serialize)]
pub struct Rpc {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Names of this server; a request for another name is refused.
    pub hosts: Vec<String>,
    /// Origins whose web pages may call.
    pub origins: Vec<String>,
}

/// The administration listener.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    /// Address to listen on; a loopback one.
    pub listen: SocketAddr,
    /// What the token of a call must hash to.
    pub token_hash: TokenHash,
}

/// Waiting transactions.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Mempool {
    /// Most transactions that wait.
    pub transactions: usize,
}

/// Records for audits.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// Where every signed consensus message is recorded, if anywhere.
    pub signed: Option<PathBuf>,
}

/// Traces of transactions.
#[derive(Clone, Debug, Serialize)]
pub struct Traces {
    /// The collector that they are sent to, if to any.
    pub endpoint: Option<String>,
    /// One of so many transactions is traced.
    pub every: usize,
}

/// Logging.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// Form of the lines.
    pub format: LogFormat,
    /// Level or filter.
    pub level: String,
}

impl Config {
    /// Builds the typed configuration from settings whose shapes were checked.
    #[must_use]
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            role: if settings.text("role") == "follower" {
                Role::Follower
            } else {
                Role::Validator
            },
            paths: Paths {
                data: settings.path("paths.data"),
                genesis: settings.path("paths.genesis"),
                key: settings.path("paths.key"),
            },
            p2p: P2p {
                listen: settings.list("p2p.listen"),
                bootstrap: settings.list("p2p.bootstrap"),
                external: settings.list("p2p.external"),
                discover: settings.values.get("p2p.discover").and_then(|s| s.value.as_bool())
                    != Some(false),
            },
            rpc: Rpc {
                listen: settings.socket("rpc.listen"),
                hosts: settings.list("rpc.hosts"),
                origins: settings.list("rpc.origins"),
            },
            admin: settings
                .parsed("admin.listen")
                .zip(settings.parsed("admin.token_hash"))
                .map(|(listen, token_hash)| Admin { listen, token_hash }),
            mempool: Mempool { transactions: settings.count("mempool.transactions") },
            traces: Traces {
                endpoint: Some(settings.text("traces.endpoint")).filter(|url| url != NONE),
                every: settings.count("traces.every"),
            },
            log: Log {
                format: match settings.text("log.format").as_str() {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => LogFormat::Auto,
                },
                level: settings.text("log.level"),
            },
            audit: Audit {
                signed: Some(settings.text("audit.signed"))
                    .filter(|name| name != NONE)
                    .map(|name| settings.path("paths.data").join(name)),
            },
            passphrase: None,
        }
    }

    /// Where the node listens for administration.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.paths.data.join("admin.sock")
    }
}

#[cfg(test)]
mod tests;
