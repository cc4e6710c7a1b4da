//! The directory of one node.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use logothete_primitives::SecretKey;

use super::{
    CONFIG_FILE, DATA_DIR, GENESIS_FILE, KEY_FILE, NetworkError, NodeHome, Role, at,
    refuse_existing, write_genesis,
};
use crate::files;
use crate::fresh::FreshMarker;
use crate::keystore::KeyFile;
use crate::render::quoted;
use crate::spec::Spec;

/// Everything in the directory of one node.
#[derive(Debug)]
pub struct NodeFiles<'a> {
    /// Its chain.
    pub spec: &'a Spec,
    /// Its key.
    pub key: &'a SecretKey,
    /// Whether the key was made for this directory.
    pub origin: KeyOrigin,
    /// How the key is kept.
    pub kept: Kept<'a>,
    /// What its configuration says.
    pub config: NodeConfig,
}

/// Whether a key can have signed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// It was made just now for this directory, or its owner vouches that it never ran on this chain: it has signed
    /// nothing there.
    New,
    /// It comes from elsewhere: it may have signed, so rule R10 applies to a validator.
    Imported,
}

/// How a key is kept.
#[derive(Clone, Copy, Debug)]
pub enum Kept<'a> {
    /// Sealed with a passphrase.
    Sealed(&'a str),
    /// In the clear.
    Plain,
}

/// What the configuration of a node says beyond the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// What it does.
    pub role: Role,
    /// Addresses it listens on.
    pub listen: Vec<String>,
    /// Addresses it tells the others.
    pub external: Vec<String>,
    /// Peers it dials first.
    pub bootstrap: Vec<String>,
    /// Where it serves JSON-RPC.
    pub rpc: SocketAddr,
}

impl NodeFiles<'_> {
    /// Makes the directory, which must not exist.
    ///
    /// # Errors
    /// Something in the way, the file system.
    pub fn write(&self, home: &Path) -> Result<NodeHome, NetworkError> {
        refuse_existing(home)?;
        let data = home.join(DATA_DIR);
        at(&data, fs::create_dir_all(&data))?;
        write_genesis(self.spec, home)?;
        let key_file = home.join(KEY_FILE);
        match self.kept {
            Kept::Sealed(passphrase) => {
                KeyFile::create_encrypted(&key_file, self.key, passphrase)?;
            }
            Kept::Plain => KeyFile::create_plain_dev(&key_file, self.key)?,
        }
        let config = home.join(CONFIG_FILE);
        at(&config, files::write_new(&config, self.config.to_toml().as_bytes(), files::PUBLIC))?;
        let key = self.key.public();
        let votes = matches!(self.config.role, Role::Validator { .. });
        if votes && self.origin == KeyOrigin::New {
            let marker = FreshMarker { key, chain: self.spec.chain_id() };
            at(&data, marker.write_new(&data))?;
        }
        let name = self.spec.validator_with(&key).map(|validator| validator.name.clone());
        Ok(NodeHome { name: name.unwrap_or_default(), home: home.to_owned(), key })
    }
}

impl NodeConfig {
    /// The text of the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let role = match self.role {
            Role::Validator { .. } => "validator",
            Role::Follower => "follower",
        };
        format!(
            "# Logothete node configuration. Paths are relative to this file; flags and LOGOTHETE_* \
             variables\n# win over it; `logothete config show` prints every value and its source.\n\
             role = {role}\n\n\
             [paths]\ndata = {data}\ngenesis = {genesis}\nkey = {key}\n\n\
             [p2p]\nlisten = {listen}\nbootstrap = {bootstrap}\nexternal = {external}\n\n\
             [rpc]\nlisten = {rpc}\n{hosts}\n\
             [log]\nformat = \"auto\"\nlevel = \"info\"\n",
            role = quoted(role),
            data = quoted(DATA_DIR),
            genesis = quoted(GENESIS_FILE),
            key = quoted(KEY_FILE),
            listen = list(&self.listen),
            bootstrap = list(&self.bootstrap),
            external = list(&self.external),
            rpc = quoted(&self.rpc.to_string()),
            hosts = self.rpc_hosts(),
        )
    }

    /// The line with the names under which JSON-RPC answers: those that others know the node by.
    /// Addresses always answer.
    fn rpc_hosts(&self) -> String {
        let name = |address: &String| {
            let (kind, rest) = address.strip_prefix('/')?.split_once('/')?;
            let name = rest.split('/').next()?;
            kind.starts_with("dns").then(|| name.to_owned())
        };
        let names: Vec<String> = self.external.iter().filter_map(name).collect();
        if names.is_empty() { String::new() } else { format!("hosts = {}\n", list(&names)) }
    }
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}
