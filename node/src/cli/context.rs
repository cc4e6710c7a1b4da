//! What a command finds by itself: the node to ask, the chain file to trust, the names and keys.

use std::path::{Path, PathBuf};

use clap::Args;
use logothete_client::rpc::Method;
use logothete_client::rpc::types::{Empty, PageRequest};
use logothete_client::{Client, ClientError};
use logothete_genesis::keystore::KeyFile;
use logothete_genesis::{Spec, dev};
use logothete_primitives::address::Address;
use logothete_primitives::keys::SecretKey;

use super::output::{Failure, Printer};
use super::passphrase;
use crate::devnet::directory::{Directory, State};

/// Where a node listens when nothing says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// The address of a node, and what it answers to a method.
pub type Asked<M> = (String, Result<<M as Method>::Result, ClientError>);

/// Flags that every command takes.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Answer with one JSON envelope {schema_version, success, data, errors}.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Nodes to ask, comma-separated; else the devnet's, else http://127.0.0.1:8080.
    #[arg(
        long,
        global = true,
        env = "LOGOTHETE_URL",
        value_delimiter = ',',
        value_name = "URLS",
        help_heading = "Everywhere"
    )]
    pub url: Vec<String>,
    /// Chain file that proofs are verified against; else the devnet's.
    #[arg(
        long,
        global = true,
        env = "LOGOTHETE_GENESIS",
        value_name = "FILE",
        help_heading = "Everywhere"
    )]
    pub genesis: Option<PathBuf>,
    /// Directory of the devnet, if it is not the default.
    #[arg(
        long = "dir",
        global = true,
        env = "LOGOTHETE_DEVNET_DIR",
        value_name = "DIR",
        help_heading = "Everywhere"
    )]
    pub devnet_dir: Option<PathBuf>,
}

/// Flags of commands that list.
#[derive(Args, Clone, Debug)]
pub struct Paging {
    /// Most entries.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Where the last page ended.
    #[arg(long)]
    pub cursor: Option<String>,
}

impl From<Paging> for PageRequest {
    fn from(paging: Paging) -> Self {
        Self { cursor: paging.cursor, limit: Some(paging.limit), min_height: None }
    }
}

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// How to print.
    pub printer: Printer,
    global: Global,
}

impl Context {
    /// From the global flags.
    #[must_use]
    pub fn new(global: Global, printer: Printer) -> Self {
        Self { printer, global }
    }

    /// The directory of the devnet that is meant.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::locate(self.global.devnet_dir.clone())
    }

    /// Whether the directory was named, and not found by default.
    #[must_use]
    pub fn named_directory(&self) -> Option<&Path> {
        self.global.devnet_dir.as_deref()
    }

    /// The devnet, if there is one.
    #[must_use]
    pub fn devnet(&self) -> Option<State> {
        self.directory().load().ok().flatten()
    }

    /// The chain file that was named.
    #[must_use]
    pub fn named_genesis(&self) -> Option<&Path> {
        self.global.genesis.as_deref()
    }

    /// The nodes that were named.
    #[must_use]
    pub fn named_urls(&self) -> &[String] {
        &self.global.url
    }

    /// The nodes to ask: the named ones, else the devnet's that run, else the usual address.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        if !self.global.url.is_empty() {
            return self.global.url.clone();
        }
        let urls = self.devnet().map(|state| state.urls()).unwrap_or_default();
        if urls.is_empty() { vec![DEFAULT_URL.to_owned()] } else { urls }
    }

    /// What each node answers, with its address, in their order.
    ///
    /// # Errors
    /// No node answers.
    pub async fn ask_each<M: Method<Params = Empty>>(&self) -> Result<Vec<Asked<M>>, Failure> {
        let asked = self.urls().into_iter().map(|url| async move {
            let answer = match Client::new(vec![url.clone()]) {
                Ok(client) => client.call_once::<M>(Empty {}).await,
                Err(error) => Err(error),
            };
            (url, answer)
        });
        let asked = futures::future::join_all(asked).await;
        if asked.iter().any(|(_, answer)| answer.is_ok()) {
            return Ok(asked);
        }
        let why = asked.iter().filter_map(|(_, answer)| answer.as_ref().err());
        let why: Vec<String> = why.map(ToString::to_string).collect();
        Err(Failure::new("unreachable", format!("no node answers: {}", why.join("; ")))
            .with_hint("is one running? start a network: logothete devnet; or name a node: --url http://HOST:8080"))
    }

    /// A client for the nodes to ask.
    ///
    /// # Errors
    /// An address that is none.
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(self.urls())?)
    }

    /// Calls one method.
    ///
    /// # Errors
    /// No node answers, or it refuses.
    pub async fn call<M: Method>(&self, params: M::Params) -> Result<M::Result, Failure> {
        Ok(self.client()?.call::<M>(params).await?)
    }

    /// The chain file: the named one, else the devnet's if its nodes are the ones asked.
    ///
    /// # Errors
    /// The named file cannot be read or is not good.
    pub fn spec(&self) -> Result<Option<Spec>, Failure> {
        if let Some(path) = &self.global.genesis {
            return Ok(Some(Spec::load(path)?));
        }
        if self.global.url.is_empty() && self.devnet().is_some() {
            return Ok(Some(Spec::load(&self.directory().genesis())?));
        }
        Ok(None)
    }

    /// The chain file to verify against.
    ///
    /// # Errors
    /// There is none: nothing can be verified then.
    pub fn trusted_spec(&self) -> Result<Spec, Failure> {
        self.spec()?.ok_or_else(|| {
            Failure::usage("nothing can be verified without the chain file")
                .with_hint("name it with --genesis FILE; a node's word is not enough")
        })
    }

    /// An address, by address or by name: of the chain file, of a development account, of a key file.
    ///
    /// # Errors
    /// It is none of these.
    pub fn address(&self, text: &str) -> Result<Address, Failure> {
        if text.starts_with("lgt1") {
            return text.parse().map_err(|error| {
                Failure::usage(format!("{text} is not an address: {error}"))
                    .with_hint("an address is lgt1… with its checksum; copy it whole")
            });
        }
        let spec = self.spec()?;
        if let Some(account) = spec.as_ref().and_then(|spec| spec.account_named(text)) {
            return Ok(account.address);
        }
        if let Some(path) = key_path(text) {
            return Ok(KeyFile::inspect(&path)?.public.into());
        }
        let accounts = spec.iter().flat_map(|spec| &spec.accounts);
        let mut known: Vec<String> = accounts.filter_map(|account| account.name.clone()).collect();
        known.extend(key_names());
        Err(unknown_name(text, known))
    }

    /// A key that signs, by the name of a development account or of a key file, or by its path.
    ///
    /// # Errors
    /// There is none, or it does not open.
    pub fn signer(&self, text: &str, passphrase_file: Option<&Path>) -> Result<SecretKey, Failure> {
        if let Some(path) = key_path(text) {
            let passphrase = passphrase::for_key(&path, passphrase_file)?;
            let key = KeyFile::load(&path, passphrase.as_ref().map(|text| text.as_str()))?;
            return Ok(key);
        }
        // Keys that everybody knows are taken by name only where the chain says that it is for development.
        let development = self.spec()?.is_some_and(|spec| spec.params.dev);
        if let Some(account) = dev::account(text).filter(|_| development) {
            return Ok(account.secret);
        }
        let mut known = key_names();
        if development {
            known.extend(dev::NAMES.map(str::to_owned));
        }
        Err(unknown_name(text, known))
    }
}

/// The directory of named key files: `$XDG_DATA_HOME/logothete/keys`.
#[must_use]
pub fn keys_directory() -> PathBuf {
    let given =
        std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::home_dir().map(|home| home.join(".local/share"));
    given.or(home).unwrap_or_else(std::env::temp_dir).join("logothete/keys")
}

/// The key file that a text names: a path to a file, or a name in the keys directory.
#[must_use]
pub fn key_path(text: &str) -> Option<PathBuf> {
    let direct = PathBuf::from(text);
    let plain = !text.contains('/') && !text.is_empty();
    let named = plain.then(|| keys_directory().join(format!("{text}.json")));
    [Some(direct), named].into_iter().flatten().find(|path| path.is_file())
}

/// Names of the key files in the keys directory, sorted.
#[must_use]
pub fn key_names() -> Vec<String> {
    let entries = std::fs::read_dir(keys_directory()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    names.sort();
    names
}

fn unknown_name(text: &str, known: Vec<String>) -> Failure {
    let listed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let failure = Failure::usage(format!("{text} is neither an address nor a known name"));
    match crate::config::nearest(text, known.into_iter()) {
        Some(near) => failure.with_hint(format!("did you mean {near}?")),
        None => failure
            .with_hint(format!("known names: {listed}; or make one: logothete keys new {text}")),
    }
}
