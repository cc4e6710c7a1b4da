//! The directories of all nodes of a network, or of one node, ready to be started.
//!
//! ```text
//! out/genesis.toml
//! out/node0/genesis.toml    the same file, so that a node directory can be moved to its host alone
//!          /config.toml     paths in it are relative to it
//!          /key.json
//!          /data/fresh      validators with a newly made key only, see [`crate::fresh`]
//! ```

mod node_files;

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use logothete_ledger::params::ChainParams;
use logothete_primitives::{PublicKey, SecretKey, TimestampMs};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::dev;
use crate::fault::Faults;
use crate::files;
use crate::keystore::{KeyFileError, new_key};
use crate::spec::{AccountSpec, Spec, ValidatorSpec};

pub use self::node_files::{Kept, KeyOrigin, NodeConfig, NodeFiles};

/// Name of the genesis file.
pub const GENESIS_FILE: &str = "genesis.toml";
/// Name of a node's configuration.
pub const CONFIG_FILE: &str = "config.toml";
/// Name of a node's key file.
pub const KEY_FILE: &str = "key.json";
/// Name of a node's data directory.
pub const DATA_DIR: &str = "data";
/// Most peers a configuration names; the others are found through them.
const MAX_BOOTSTRAP: usize = 16;

/// A whole network to be made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the chain.
    pub chain_name: String,
    /// Time of block 0.
    pub timestamp: TimestampMs,
    /// Rules of the chain.
    pub params: ChainParams,
    /// Its nodes; those with voting power are its validators, in this order.
    pub nodes: Vec<NodeOptions>,
    /// Its accounts.
    pub accounts: Vec<AccountSpec>,
    /// Where the keys come from, and how they are kept.
    pub keys: Keys,
}

/// One node of a network to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOptions {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// IP address or name under which the others reach it.
    pub host: String,
    /// Port for other nodes.
    pub p2p_port: u16,
    /// Where it serves JSON-RPC.
    pub rpc: SocketAddr,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It votes.
    Validator {
        /// Its voting power.
        power: u64,
    },
    /// It follows.
    Follower,
}

/// Where keys come from, and how they are kept.
#[derive(Clone, Debug)]
pub enum Keys {
    /// New ones, sealed with a passphrase.
    Sealed(Zeroizing<String>),
    /// New ones in the clear: for development chains.
    Plain,
    /// From a seed, in the clear, so that the same seed gives the same network: for development
    /// chains.
    Seeded(u64),
}

/// A network that was made.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its chain.
    pub spec: Spec,
    /// Its genesis file.
    pub genesis: PathBuf,
    /// Its nodes, in the order of the options.
    pub nodes: Vec<NodeHome>,
}

/// The directory of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHome {
    /// Its name.
    pub name: String,
    /// The directory.
    pub home: PathBuf,
    /// Its public key.
    pub key: PublicKey,
}

/// Why the directories were not made. Nothing is left behind then.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The network is wrong.
    #[error("the network has {0}")]
    Invalid(#[from] Faults),
    /// Plain keys outside of development.
    #[error(
        "plain or seeded keys are for development chains only: set dev = true, or give a passphrase"
    )]
    PlainKeys,
    /// There is something already.
    #[error("{path} exists already; choose another directory or move it away")]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// A host that no address can be made of.
    #[error("{host:?} is neither an IP address nor a host name")]
    BadHost {
        /// What was given.
        host: String,
    },
    /// A key could not be written.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl NodeOptions {
    /// A validator on this machine.
    #[must_use]
    pub fn local_validator(name: impl Into<String>, p2p_port: u16, rpc_port: u16) -> Self {
        Self {
            name: name.into(),
            role: Role::Validator { power: 1 },
            host: "127.0.0.1".to_owned(),
            p2p_port,
            rpc: SocketAddr::from(([127, 0, 0, 1], rpc_port)),
        }
    }

    /// Where the others reach it, as a multiaddress.
    ///
    /// # Errors
    /// When the host is neither an IP address nor a name.
    pub fn multiaddr(&self) -> Result<String, NetworkError> {
        let host = &self.host;
        let port = self.p2p_port;
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(format!("/{}/{ip}/tcp/{port}", family(ip)));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if host.is_empty() || host.len() > 253 || !host.bytes().all(allowed) {
            return Err(NetworkError::BadHost { host: host.clone() });
        }
        Ok(format!("/dns/{host}/tcp/{port}"))
    }

    /// What it listens on: its loopback address, or every address of its machine.
    fn listen(&self) -> String {
        let port = self.p2p_port;
        match self.host.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => format!("/{}/{ip}/tcp/{port}", family(ip)),
            Ok(IpAddr::V6(_)) => format!("/ip6/::/tcp/{port}"),
            _ => format!("/ip4/0.0.0.0/tcp/{port}"),
        }
    }

    fn is_local(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Makes the directories of a whole network. `out` must not exist, or be empty.
///
/// # Errors
/// A network that does not validate, something in the way, the file system.
pub fn generate(options: &Options, out: &Path) -> Result<Network, NetworkError> {
    if !options.params.dev && !matches!(options.keys, Keys::Sealed(_)) {
        return Err(NetworkError::PlainKeys);
    }
    let keys =
        make_keys(options).map_err(|source| NetworkError::Io { path: out.into(), source })?;
    let spec = make_spec(options, &keys)?;
    refuse_existing(out)?;
    let staging = Staging::new(out)?;
    write_genesis(&spec, &staging.path)?;
    let peers = peers(options, &keys)?;
    for (index, (node, key)) in options.nodes.iter().zip(&keys).enumerate() {
        let files = NodeFiles {
            spec: &spec,
            key,
            origin: KeyOrigin::New,
            kept: options.keys.kept(),
            config: node_config(node, others(&peers, index))?,
        };
        files.write(&staging.path.join(directory(index)))?;
    }
    staging.finish(out)?;
    let home = |(index, (node, key)): (usize, (&NodeOptions, &SecretKey))| NodeHome {
        name: node.name.clone(),
        home: out.join(directory(index)),
        key: key.public(),
    };
    let nodes = options.nodes.iter().zip(&keys).enumerate().map(home).collect();
    Ok(Network { spec, genesis: out.join(GENESIS_FILE), nodes })
}

impl Keys {
    fn kept(&self) -> Kept<'_> {
        match self {
            Self::Sealed(passphrase) => Kept::Sealed(passphrase),
            Self::Plain | Self::Seeded(_) => Kept::Plain,
        }
    }
}

/// The peers a new node of a chain dials first: the validators whose addresses the genesis tells.
#[must_use]
pub fn bootstrap_of(spec: &Spec) -> Vec<String> {
    let peer = |validator: &ValidatorSpec| {
        validator.address.as_ref().map(|address| format!("{}@{address}", validator.key))
    };
    spec.validators.iter().filter_map(peer).take(MAX_BOOTSTRAP).collect()
}

fn make_keys(options: &Options) -> io::Result<Vec<SecretKey>> {
    let key = |index: u16| match options.keys {
        Keys::Seeded(seed) => Ok(dev::validator_key(seed, index)),
        Keys::Sealed(_) | Keys::Plain => new_key(),
    };
    (0..u16::MAX).zip(&options.nodes).map(|(index, _)| key(index)).collect()
}

fn make_spec(options: &Options, keys: &[SecretKey]) -> Result<Spec, NetworkError> {
    let mut validators = Vec::new();
    for (node, key) in options.nodes.iter().zip(keys) {
        if let Role::Validator { power } = node.role {
            let (name, key) = (node.name.clone(), key.public());
            validators.push(ValidatorSpec { name, key, power, address: Some(node.multiaddr()?) });
        }
    }
    let spec = Spec {
        chain_name: options.chain_name.clone(),
        timestamp: options.timestamp,
        validators,
        accounts: options.accounts.clone(),
        params: options.params.clone(),
    };
    spec.validate()?;
    Ok(spec)
}

fn node_config(node: &NodeOptions, bootstrap: Vec<String>) -> Result<NodeConfig, NetworkError> {
    let external = if node.is_local() { Vec::new() } else { vec![node.multiaddr()?] };
    Ok(NodeConfig {
        role: node.role,
        listen: vec![node.listen()],
        external,
        bootstrap,
        rpc: node.rpc,
    })
}

/// Each node as others write it into their configuration.
fn peers(options: &Options, keys: &[SecretKey]) -> Result<Vec<String>, NetworkError> {
    let peer = |(node, key): (&NodeOptions, &SecretKey)| {
        node.multiaddr().map(|address| format!("{}@{address}", key.public()))
    };
    options.nodes.iter().zip(keys).map(peer).collect()
}

/// The peers after `index`, around the circle, so that no node is everybody's first.
fn others(peers: &[String], index: usize) -> Vec<String> {
    peers
        .iter()
        .cycle()
        .skip(index + 1)
        .take(peers.len() - 1)
        .take(MAX_BOOTSTRAP)
        .cloned()
        .collect()
}

fn write_genesis(spec: &Spec, directory: &Path) -> Result<(), NetworkError> {
    let path = directory.join(GENESIS_FILE);
    at(&path, spec.write_new(&path))
}

fn directory(index: usize) -> String {
    format!("node{index}")
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip4" } else { "ip6" }
}

/// An empty directory is not in the way.
fn refuse_existing(path: &Path) -> Result<(), NetworkError> {
    let free = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if free { Ok(()) } else { Err(NetworkError::Exists { path: path.to_owned() }) }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, NetworkError> {
    result.map_err(|source| NetworkError::Io { path: path.to_owned(), source })
}

/// A directory beside the one that is wanted: it takes its name only when it is complete.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn new(out: &Path) -> Result<Self, NetworkError> {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let path = out.with_file_name(name);
        if path.exists() {
            return Err(NetworkError::Exists { path });
        }
        at(&path, fs::create_dir_all(&path))?;
        Ok(Self { path })
    }

    fn finish(self, out: &Path) -> Result<(), NetworkError> {
        at(out, fs::rename(&self.path, out).and_then(|()| files::sync_parent(out)))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a rename it is gone already; otherwise what is left is worth nothing.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests;
