//! `config show|check`, and the flags by which commands name a configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, json};

use super::output::{Failure, Outcome, Reply, table};
use crate::config::{self, Settings, Sources};

/// The configuration of a node.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Every key, its value and where the value comes from.
    #[command(
        after_help = "Example:\n  logothete config show --home ./node0\n  LOGOTHETE_LOG_LEVEL=debug logothete config show"
    )]
    Show(Place),
    /// Checks file, variables and flags; every fault is listed.
    #[command(after_help = "Example:\n  logothete config check --home ./node0")]
    Check(Place),
}

/// Where a configuration is, and what is stronger than it.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// Home directory of the node: holds config.toml, key and data.
    #[arg(long, env = "LOGOTHETE_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Configuration file, if it is not config.toml in the home directory.
    #[arg(long, env = "LOGOTHETE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whether the node votes (role).
    #[arg(long, value_name = "validator|follower")]
    pub role: Option<String>,
    /// Address of JSON-RPC (rpc.listen).
    #[arg(long, value_name = "ADDRESS")]
    pub rpc_listen: Option<String>,
    /// Addresses for peers, comma-separated (p2p.listen).
    #[arg(long, value_name = "ADDRESSES")]
    pub p2p_listen: Option<String>,
    /// Peers to dial first, comma-separated (p2p.bootstrap).
    #[arg(long, value_name = "PEERS")]
    pub bootstrap: Option<String>,
    /// Level or filter of the log (log.level).
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Form of the log (log.format).
    #[arg(long, value_name = "auto|text|json")]
    pub log_format: Option<String>,
    /// Any key, such as `--set p2p.discover=false`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Place {
    /// The file: the named one, or config.toml in the home directory, or the one here if there is one.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let here = || Some(PathBuf::from("config.toml")).filter(|path| path.is_file());
        let home = || self.home.as_ref().map(|home| home.join("config.toml"));
        self.config.clone().or_else(home).or_else(here)
    }

    /// Whether a node is named, and not only what its configuration would say.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.home.is_some() || self.config.is_some()
    }

    /// Reads all sources.
    ///
    /// # Errors
    /// Every fault of the file, the variables and the flags.
    pub fn resolve(&self) -> Result<Settings, Failure> {
        let mut flags: Vec<(String, String, String)> = [
            ("--role", "role", &self.role),
            ("--rpc-listen", "rpc.listen", &self.rpc_listen),
            ("--p2p-listen", "p2p.listen", &self.p2p_listen),
            ("--bootstrap", "p2p.bootstrap", &self.bootstrap),
            ("--log-level", "log.level", &self.log_level),
            ("--log-format", "log.format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| {
            value.as_ref().map(|value| (flag.to_owned(), key.to_owned(), value.clone()))
        })
        .collect();
        for text in &self.set {
            let Some((key, value)) = text.split_once('=') else {
                let message = format!("--set {text}: not KEY=VALUE");
                return Err(Failure::usage(message).with_hint("for example --set log.level=debug"));
            };
            flags.push((format!("--set {key}"), key.to_owned(), value.to_owned()));
        }
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Settings::resolve(&Sources { file: self.file(), variables, flags })?)
    }
}

/// Shows or checks.
///
/// # Errors
/// Every fault of the file, the variables and the flags.
pub fn perform(command: Config) -> Outcome {
    match command {
        Config::Show(place) => place.resolve().map(|settings| show(&settings)),
        Config::Check(place) => {
            place.resolve()?;
            let file = place.file();
            let text = match &file {
                Some(path) => format!("{}: good", path.display()),
                None => "no file; defaults, variables and flags are good".to_owned(),
            };
            Ok(Reply::new(json!({ "file": file, "faults": [] }), text))
        }
    }
}

/// Every key, its value and where it comes from.
pub(super) fn show(settings: &Settings) -> Reply {
    let mut data = Map::new();
    let mut rows = Vec::new();
    for (key, setting) in settings.iter() {
        let origin = setting.origin.to_string();
        data.insert(
            key.name.to_owned(),
            json!({ "value": setting.value, "origin": origin, "help": key.help }),
        );
        rows.push(vec![
            key.name.to_owned(),
            setting.value.to_string(),
            origin,
            config::variable_of(key.name),
        ]);
    }
    Reply::new(data, table(&["key", "value", "from", "variable"], &rows))
}
