//! `doctor [--bundle FILE]`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use logothete_client::Client;
use logothete_client::rpc::method::ValidatorsListMethod;
use logothete_client::rpc::types::AtLeast;
use serde_json::json;

use super::config::{self, Place};
use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply, table};
use super::{passphrase, version};
use crate::config::{Config, Settings};
use crate::doctor::{self, Bundle, Check, Content, Verdict, Wishes, Witness};

/// Look for what may keep a node from running well: before its first start, or while it runs.
///
/// Configuration, chain file, key file, disk, file handles, ports, database; and, by meeting the configured peers: chain, genesis and
/// version, the clock, and whether the validator's key is signing elsewhere already. What cannot be looked at says so.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete doctor --home ./node0\n  logothete doctor --home ./node0 --url http://10.0.0.2:8080\n  \
    logothete doctor --home ./node0 --bundle report.tar\n\n\
    Exit codes: 0 no fault (there may be warnings), 1 a fault, 2 the configuration cannot be read."
)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// Collect what a maintainer needs in an archive: version, configuration, findings, log, figures; no key, no passphrase.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Log for the bundle; else node.log in the home directory.
    #[arg(long, value_name = "FILE", requires = "bundle")]
    log: Option<PathBuf>,
    /// File with the passphrase of the key, so that it can be withheld from the bundle; else LOGOTHETE_PASSPHRASE. The key is not
    /// opened.
    #[arg(long, value_name = "FILE", requires = "bundle")]
    passphrase_file: Option<PathBuf>,
    /// How long peers are listened to, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
}

/// Examines, tells, and collects if that is wished.
///
/// # Errors
/// A configuration that cannot be read; a bundle that cannot be written.
pub async fn perform(context: &Context, command: Doctor) -> Outcome {
    let settings = command.place.resolve()?;
    if let Some(path) = &command.bundle {
        // Before the work, which takes some seconds.
        Bundle::try_place(path).map_err(|error| unwritten(path, &error))?;
    }
    let config = Config::from_settings(&settings);
    let patience = Duration::from_secs(command.wait);
    context.printer.progress("looking; peers are listened to for some seconds");
    let wishes = Wishes { patience, witnesses: witnesses(context).await };
    let checks = doctor::examine(&config, &wishes).await;
    let is_sick = checks.iter().any(Check::is_fault);
    let mut text = described(&checks);
    let mut bundled = None;
    if let Some(path) = &command.bundle {
        let entries = bundle(&command, &settings, &config, &checks).await?;
        text.push_str(&format!("\n\n{} holds {}", path.display(), entries.join(", ")));
        bundled = Some(json!({ "file": path, "entries": entries }));
    }
    let exit = if is_sick { Exit::Failure } else { Exit::Ok };
    Ok(Reply::new(json!({ "checks": checks, "bundle": bundled }), text).with_exit(exit))
}

/// What the nodes that were named say of who is connected.
async fn witnesses(context: &Context) -> Vec<Witness> {
    let asked = context.named_urls().iter().map(|url| async move {
        let answer = match Client::new(vec![url.clone()]) {
            Ok(client) => client.call_once::<ValidatorsListMethod>(AtLeast::default()).await.ok(),
            Err(_) => None,
        };
        let connected = answer.map(|list| {
            let connected = list.items.into_iter().filter(|validator| validator.connected);
            connected.map(|validator| validator.key).collect()
        });
        Witness { url: url.clone(), connected }
    });
    join_all(asked).await
}

async fn bundle(
    command: &Doctor,
    settings: &Settings,
    config: &Config,
    checks: &[Check],
) -> Result<Vec<&'static str>, Failure> {
    let path = command.bundle.as_deref().expect("it is asked for");
    let log =
        command.log.clone().or_else(|| Some(command.place.file()?.with_file_name("node.log")));
    let content = Content {
        version: version::perform().data,
        configuration: config::show(settings).data,
        checks,
        log,
        passphrase: passphrase::given(command.passphrase_file.as_deref())?,
    };
    let bundle = Bundle::collect(config, content).await;
    bundle.write(path).map_err(|error| unwritten(path, &error))?;
    Ok(bundle.names().collect())
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new("io", format!("cannot write {}: {error}", path.display()));
    let hint = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "a bundle is never written over a file: choose another name"
        }
        _ => "choose a place where you may write: --bundle FILE",
    };
    failure.with_hint(hint)
}

fn described(checks: &[Check]) -> String {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            vec![check.verdict.word().to_owned(), check.name.to_owned(), check.detail.clone()]
        })
        .collect();
    let mut text = table(&["", "check", "found"], &rows);
    for check in checks {
        if let Some(advice) = &check.advice {
            text.push_str(&format!("{}: {advice}\n", check.name));
        }
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    text.push_str(&format!(
        "{} faults, {} warnings, {} not checked",
        count(Verdict::Fault),
        count(Verdict::Warning),
        count(Verdict::NotChecked)
    ));
    text
}
