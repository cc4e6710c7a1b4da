//! The configuration of a node: a TOML file, `LOGOTHETE_*` variables and flags over checked keys.
//!
//! Every key is one line of [`KEYS`]. A value comes from the strongest source that names it
//! (flag, then variable, then file, then default) and remembers which one that was, so that
//! `config show` can say it and an error can point at it. A name that is not in the table is an
//! error with a suggestion: a mistyped key must never be ignored in silence.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;
use toml::Value;
use zeroize::Zeroizing;

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
    /// A list of texts; one text in the file and a comma-separated variable are lists too.
    List,
    /// One of a few words.
    Choice(&'static [&'static str]),
}

/// Every key there is. Adding one is one line here and one in [`Config::from_settings`].
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
        "audit.signed",
        Kind::Text,
        NO_FILE,
        "file, in the data directory, that records every signed consensus message; none for none",
    ),
    key(
        "log.format",
        Kind::Choice(&["auto", "text", "json"]),
        "auto",
        "auto is text on a terminal and JSON otherwise",
    ),
    key("log.level", Kind::Text, "info", "level or filter, such as `info,logothete_p2p=debug`"),
];

/// The value of a file name that means no file.
const NO_FILE: &str = "none";

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help }
}

/// Variables that begin like configuration but belong to the command line.
pub const OTHER_VARIABLES: &[&str] = &[
    "LOGOTHETE_CONFIG",
    "LOGOTHETE_DEVNET_DIR",
    "LOGOTHETE_GENESIS",
    "LOGOTHETE_HOME",
    "LOGOTHETE_PASSPHRASE",
    "LOGOTHETE_URL",
];

/// Prefix of every variable.
const PREFIX: &str = "LOGOTHETE_";

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The table in this file.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable, by name.
    Variable(String),
    /// A command line flag, by name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The value, already of its key's kind.
    pub value: Value,
    /// Its source.
    pub origin: Origin,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Fault {
    /// A name that is not in the table.
    #[error("unknown key `{name}` in {origin}{}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    UnknownKey {
        /// The name as written.
        name: String,
        /// Where it was written.
        origin: String,
        /// The nearest known name, if one is near.
        suggestion: Option<String>,
    },
    /// A value of the wrong shape.
    #[error("`{name}` in {origin}: {got} is not {expected}")]
    BadValue {
        /// The key.
        name: &'static str,
        /// Where the value was written.
        origin: String,
        /// What is allowed.
        expected: String,
        /// What was written.
        got: String,
    },
    /// The file is not TOML.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {message}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        message: String,
    },
}

/// Every fault that was found; never empty.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(pub Vec<Fault>);

/// What the strongest sources say, key by key.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<&'static str, Setting>,
    base: PathBuf,
}

/// The sources of a configuration, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; relative paths are relative to its directory.
    pub file: Option<PathBuf>,
    /// Environment variables (all of them; only ours are looked at).
    pub variables: Vec<(String, String)>,
    /// `(flag name, key, value)`, the value written like a variable's.
    pub flags: Vec<(String, String, String)>,
}

impl Settings {
    /// Reads all sources. Collects every fault instead of stopping at the first.
    ///
    /// # Errors
    /// Unknown keys, values of the wrong shape, an unreadable or malformed file.
    pub fn resolve(sources: &Sources) -> Result<Self, Faults> {
        let base = match sources.file.as_deref().and_then(Path::parent) {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let base = std::path::absolute(&base).unwrap_or(base);
        let mut faults = Vec::new();
        let mut settings = Self { values: defaults(), base };
        if let Some(path) = &sources.file {
            match read_table(path) {
                Ok(table) => settings.apply_table(path, "", &table, &mut faults),
                Err(fault) => faults.push(fault),
            }
        }
        settings.apply_variables(&sources.variables, &mut faults);
        for (flag, name, text) in &sources.flags {
            settings.apply_text(name, text, Origin::Flag(flag.clone()), &mut faults);
        }
        if faults.is_empty() { Ok(settings) } else { Err(Faults(faults)) }
    }

    /// All settings in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        KEYS.iter().filter_map(|key| self.values.get(key.name).map(|setting| (key, setting)))
    }

    fn apply_table(
        &mut self,
        path: &Path,
        prefix: &str,
        table: &toml::Table,
        faults: &mut Vec<Fault>,
    ) {
        for (part, value) in table {
            let name = if prefix.is_empty() { part.clone() } else { format!("{prefix}.{part}") };
            let section = format!("{name}.");
            match value {
                Value::Table(inner) if KEYS.iter().any(|key| key.name.starts_with(&section)) => {
                    self.apply_table(path, &name, inner, faults);
                }
                _ => {
                    let origin = Origin::File(path.to_path_buf());
                    match find(&name) {
                        Some(key) => self.put(key, value.clone(), origin, faults),
                        None => faults.push(unknown(&name, &origin)),
                    }
                }
            }
        }
    }

    fn apply_variables(&mut self, variables: &[(String, String)], faults: &mut Vec<Fault>) {
        for (variable, text) in variables {
            if !variable.starts_with(PREFIX) || OTHER_VARIABLES.contains(&variable.as_str()) {
                continue;
            }
            let origin = Origin::Variable(variable.clone());
            match KEYS.iter().find(|key| variable_of(key.name) == *variable) {
                Some(key) => self.put(key, Value::String(text.clone()), origin, faults),
                None => faults.push(Fault::UnknownKey {
                    name: variable.clone(),
                    origin: "the environment".into(),
                    suggestion: nearest(
                        variable,
                        KEYS.iter()
                            .map(|key| variable_of(key.name))
                            .chain(OTHER_VARIABLES.iter().map(ToString::to_string)),
                    ),
                }),
            }
        }
    }

    fn apply_text(&mut self, name: &str, text: &str, origin: Origin, faults: &mut Vec<Fault>) {
        match find(name) {
            Some(key) => self.put(key, Value::String(text.to_owned()), origin, faults),
            None => faults.push(unknown(name, &origin)),
        }
    }

    fn put(&mut self, key: &'static Key, value: Value, origin: Origin, faults: &mut Vec<Fault>) {
        match shape(key.kind, value) {
            Ok(value) => {
                self.values.insert(key.name, Setting { value, origin });
            }
            Err(got) => faults.push(Fault::BadValue {
                name: key.name,
                origin: origin.to_string(),
                expected: key.kind.describe(),
                got,
            }),
        }
    }

    fn text(&self, name: &'static str) -> String {
        self.values.get(name).and_then(|s| s.value.as_str()).unwrap_or_default().to_owned()
    }

    fn list(&self, name: &'static str) -> Vec<String> {
        let items = self.values.get(name).and_then(|s| s.value.as_array());
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn path(&self, name: &'static str) -> PathBuf {
        self.base.join(self.text(name))
    }

    fn socket(&self, name: &'static str) -> SocketAddr {
        self.text(name).parse().expect("a socket setting was parsed when it was put")
    }
}

impl Kind {
    /// What a value must be, in words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Path => "a path".into(),
            Self::Flag => "true or false".into(),
            Self::Socket => "an address with port such as 127.0.0.1:8080".into(),
            Self::List => "a list of texts".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

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

/// Records for audits.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// Where every signed consensus message is recorded, if anywhere.
    pub signed: Option<PathBuf>,
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
                    .filter(|name| name != NO_FILE)
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

fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

fn unknown(name: &str, origin: &Origin) -> Fault {
    // A key under the wrong section is as common a slip as a misspelt one: compare the last part too.
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let moved = KEYS.iter().find(|key| last(key.name) == last(name)).map(|key| key.name.to_owned());
    Fault::UnknownKey {
        name: name.to_owned(),
        origin: origin.to_string(),
        suggestion: nearest(name, KEYS.iter().map(|key| key.name.to_owned())).or(moved),
    }
}

fn defaults() -> BTreeMap<&'static str, Setting> {
    KEYS.iter()
        .map(|key| {
            let value = shape(key.kind, Value::String(key.default.to_owned()))
                .expect("the default of every key has the shape of the key");
            (key.name, Setting { value, origin: Origin::Default })
        })
        .collect()
}

fn read_table(path: &Path) -> Result<toml::Table, Fault> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fault::Unreadable { path: shown.clone(), message: error.to_string() })?;
    text.parse().map_err(|error: toml::de::Error| Fault::Syntax {
        path: shown,
        message: error.to_string().trim_end().to_owned(),
    })
}

/// Brings a value into the shape of its kind, or gives back what was written.
fn shape(kind: Kind, value: Value) -> Result<Value, String> {
    let written = value.to_string();
    let fits = match (kind, value) {
        (Kind::Text | Kind::Path, Value::String(text)) if !text.is_empty() => {
            Some(Value::String(text))
        }
        (Kind::Flag, Value::Boolean(flag)) => Some(Value::Boolean(flag)),
        (Kind::Flag, Value::String(text)) => text.parse().ok().map(Value::Boolean),
        (Kind::Socket, Value::String(text)) => {
            text.parse::<SocketAddr>().ok().map(|socket| Value::String(socket.to_string()))
        }
        (Kind::Choice(words), Value::String(text)) => {
            words.contains(&text.as_str()).then_some(Value::String(text))
        }
        (Kind::List, Value::String(text)) => Some(Value::Array(
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

#[cfg(test)]
mod tests;
