//! What a maintainer needs to see, in one archive, and nothing that has to stay secret.
//!
//! Files are not collected by name from the home: each entry is made of what it is known to hold. Beside that, whatever is
//! known to be secret is withheld from every entry: logs are written by many hands.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use logothete_client::Client;
use logothete_client::rpc::Method;
use logothete_client::rpc::method::{
    ConsensusStateMethod, NodePeersMethod, NodeStatusMethod, NodeWhyMethod,
};
use logothete_client::rpc::types::Empty;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::check::Check;
use super::database;
use crate::admin::token;
use crate::bench::http;
use crate::config::Config;

/// Directory in the archive.
const ROOT: &str = "logothete-doctor";
/// Of the log, so much is taken from its end.
const LOG_BYTES_MAX: u64 = 2 << 20;
/// A text of a key file that is shorter is no secret of it.
const SECRET_CHARS_MIN: usize = 16;
const WITHHELD: &str = "[withheld]";

/// What a bundle is made of, besides what the node and its files tell.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    /// What runs.
    pub version: Value,
    /// Every key of the configuration, its value and where that comes from.
    pub configuration: Value,
    /// What was found.
    pub checks: &'a [Check],
    /// The log, if there is one.
    pub log: Option<PathBuf>,
    /// What opens the key file, if it is known here.
    pub passphrase: Option<Zeroizing<String>>,
}

/// An archive that is being collected.
#[derive(Debug)]
pub struct Bundle {
    entries: Vec<(&'static str, String)>,
    secrets: Vec<Zeroizing<String>>,
}

impl Bundle {
    /// Collects everything; what cannot be had is left out.
    pub async fn collect(config: &Config, content: Content<'_>) -> Self {
        let secrets = secrets_of(config, content.passphrase);
        let mut bundle = Self { entries: Vec::new(), secrets };
        bundle.add_json("version.json", &content.version);
        bundle.add_json("configuration.json", &content.configuration);
        bundle.add_json("doctor.json", &json!({ "checks": content.checks }));
        if let Some(log) = content.log.as_deref().and_then(|path| tail(path).ok()) {
            bundle.add("log.txt", &log);
        }
        bundle.add_figures(config).await;
        bundle
    }

    /// What the node says if it runs; the sizes of its database otherwise.
    async fn add_figures(&mut self, config: &Config) {
        let address = reachable(config.rpc.listen).to_string();
        if let Some(metrics) = http::get(&address, "/metrics").await {
            let body = metrics.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            self.add("metrics.txt", body);
        }
        let url = format!("http://{address}");
        self.ask::<NodeStatusMethod>("status.json", &url).await;
        self.ask::<NodeWhyMethod>("why.json", &url).await;
        self.ask::<NodePeersMethod>("peers.json", &url).await;
        self.ask::<ConsensusStateMethod>("consensus.json", &url).await;
        if let Ok(families) = database::usage(config) {
            let families: Vec<Value> = families
                .iter()
                .map(|family| {
                    json!({
                        "family": family.family, "records": family.records.to_string(),
                        "disk_bytes": family.disk_bytes.to_string(),
                    })
                })
                .collect();
            self.add_json("database.json", &json!({ "families": families }));
        }
    }

    async fn ask<M: Method<Params = Empty>>(&mut self, name: &'static str, url: &str) {
        let Ok(client) = Client::new(vec![url.to_owned()]) else { return };
        let answer = client.call_once::<M>(Empty {}).await.ok();
        if let Some(answer) = answer.and_then(|answer| serde_json::to_value(answer).ok()) {
            self.add_json(name, &answer);
        }
    }

    fn add_json(&mut self, name: &'static str, value: &Value) {
        self.add(name, &format!("{value:#}\n"));
    }

    fn add(&mut self, name: &'static str, text: &str) {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), WITHHELD);
        }
        self.entries.push((name, text));
    }

    /// Names of the entries.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|(name, _)| *name)
    }

    /// Whether [`write`](Self::write) will be able to make its file; nothing stays behind.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn try_place(path: &Path) -> io::Result<()> {
        drop(create(path)?);
        std::fs::remove_file(path)
    }

    /// Writes the archive, for its owner only; the file must not exist.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut archive = tar::Builder::new(create(path)?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        for (name, text) in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(now);
            archive.append_data(&mut header, format!("{ROOT}/{name}"), text.as_bytes())?;
        }
        let mut file = archive.into_inner()?;
        file.flush()?;
        file.sync_all()
    }
}

/// A new file for its owner only.
fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// What must not be in a bundle: the passphrase, a token of administration, and every long text of the key file but the public key.
fn secrets_of(config: &Config, passphrase: Option<Zeroizing<String>>) -> Vec<Zeroizing<String>> {
    let token = std::env::var(token::VARIABLE).ok().map(Zeroizing::new);
    let mut secrets: Vec<Zeroizing<String>> = passphrase.into_iter().chain(token).collect();
    let text = std::fs::read_to_string(&config.paths.key).map(Zeroizing::new);
    if let Some(value) = text.ok().and_then(|text| serde_json::from_str(&text).ok()) {
        collect_texts(&value, &mut secrets);
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

fn collect_texts(value: &Value, texts: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) if text.len() >= SECRET_CHARS_MIN => {
            texts.push(Zeroizing::new(text.clone()));
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| name.as_str() != "public_key")
            .for_each(|(_, value)| collect_texts(value, texts)),
        Value::Array(items) => items.iter().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}

/// The end of a file, from the beginning of a line.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LOG_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match text.split_once('\n') {
        Some((_, rest)) if start > 0 => Ok(rest.to_owned()),
        _ => Ok(text),
    }
}

/// Where a node that listens everywhere is reached from here.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
