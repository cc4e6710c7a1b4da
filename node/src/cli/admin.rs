//! `admin token|log-level|peers|shutdown`, and the way to a node that its administrator asks.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{
    AdminBackupMethod, AdminBackupVerifiedMethod, AdminLogLevelMethod, AdminPeersMethod,
    AdminShutdownMethod,
};
use logothete_client::rpc::types::{
    AdminBackup, AdminBackupVerified, AdminPeers, BanView, Empty, LogLevel, PeerView,
};
use logothete_client::{Client, ClientError, RetryPolicy};
use logothete_ledger::progress::Step;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::config::Place;
use super::context::Context;
use super::output::{Exit, Failure, Outcome, Reply, table};
use crate::admin::token::{self, Token};
use crate::admin::{self, AdminError, Request};
use crate::config::Config;
use crate::devnet::lifecycle;

/// How long an answer may take: a backup of a large database takes its time.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Administration of a running node.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, from the command line")]
pub enum Admin {
    /// Make a token for the administration listener. It is shown once and kept nowhere.
    #[command(after_help = "Example:\n  logothete admin token\n\n\
        Put the lines into config.toml and start the node again; give the token to LOGOTHETE_ADMIN_TOKEN.")]
    Token,
    /// Change what a node logs, until it is started again.
    #[command(
        after_help = "Examples:\n  logothete admin log-level debug --node v0\n  logothete admin log-level info,logothete_p2p=debug --home ./node0"
    )]
    LogLevel(NewLevel),
    /// Where a node listens for peers, who is connected, and who is kept out.
    #[command(
        after_help = "Examples:\n  logothete admin peers --home ./node0\n  LOGOTHETE_ADMIN_TOKEN=… logothete admin peers --url http://127.0.0.1:9070"
    )]
    Peers(Which),
    /// Stop a node in good order.
    #[command(after_help = "Example:\n  logothete admin shutdown --home ./node0")]
    Shutdown(Which),
}

/// Arguments of `admin log-level`.
#[derive(Args, Debug)]
pub struct NewLevel {
    /// Level or filter.
    level: String,
    #[command(flatten)]
    which: Which,
}

/// Which node: by the socket in its data directory, or by the address of its administration listener (--url).
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// A node of the devnet, by name.
    #[arg(long, conflicts_with = "home")]
    node: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// How a node is asked.
pub(super) enum Way {
    Socket(PathBuf),
    Listener { url: String, token: Zeroizing<String> },
}

/// Makes a token, or asks a node.
///
/// # Errors
/// The node is not reached or refuses.
pub async fn perform(context: &Context, command: Admin) -> Outcome {
    match command {
        Admin::Token => new_token(),
        Admin::LogLevel(NewLevel { level, which }) => {
            let text = format!("{} logs {level}", context.printer.tick());
            Ok(Reply::new(ask(context, &which, Request::LogLevel { level }).await?, text))
        }
        Admin::Peers(which) => {
            let answer = ask(context, &which, Request::Peers {}).await?;
            let peers: AdminPeers =
                serde_json::from_value(answer).map_err(|error| senseless(&error))?;
            let text = drawn(&peers);
            Ok(Reply::new(peers, text))
        }
        Admin::Shutdown(which) => {
            let text = format!("{} the node stops", context.printer.tick());
            Ok(Reply::new(ask(context, &which, Request::Shutdown {}).await?, text))
        }
    }
}

fn new_token() -> Outcome {
    let token = Token::generate()?;
    let hash = token.hash().to_string();
    let text = format!(
        "token (shown only now)   {}\n\nfor config.toml:\n[admin]\nlisten = \"127.0.0.1:9070\"\ntoken_hash = \"{hash}\"",
        token.reveal()
    );
    Ok(Reply::new(json!({ "token": token.reveal(), "token_hash": hash }), text))
}

fn drawn(peers: &AdminPeers) -> String {
    let connected = |peer: &PeerView| {
        let name = peer.name.clone().unwrap_or_else(|| peer.key.to_string());
        let trip = peer.round_trip_us.map_or_else(|| "-".into(), |us| format!("{us} µs"));
        vec![name, peer.addresses.join(" "), peer.version.clone(), trip]
    };
    let banned = |ban: &BanView| {
        let left = format!("kept out for {} s: {}", ban.remaining_ms.div_ceil(1_000), ban.fault);
        vec![ban.key.to_string(), left, String::new(), String::new()]
    };
    let rows: Vec<Vec<String>> =
        peers.connected.iter().map(connected).chain(peers.banned.iter().map(banned)).collect();
    let listening = format!("listens on {}", peers.listening.join(" "));
    if rows.is_empty() {
        return format!("{listening}\nno peers");
    }
    format!("{listening}\n{}", table(&["peer", "address", "version", "round trip"], &rows))
}

/// Asks a running node, over its socket or its administration listener.
///
/// # Errors
/// The node is not reached or refuses.
pub(super) async fn ask(
    context: &Context,
    which: &Which,
    request: Request,
) -> Result<Value, Failure> {
    ask_watching(context, which, request, |_| ()).await
}

/// [`ask`], with what the node tells before its answer; only the socket tells anything.
///
/// # Errors
/// The node is not reached or refuses.
pub(super) async fn ask_watching(
    context: &Context,
    which: &Which,
    request: Request,
    watch: impl FnMut(Step) + Send + 'static,
) -> Result<Value, Failure> {
    ask_by(way(context, which)?, request, watch).await
}

/// [`ask_watching`], by a way that is known.
///
/// # Errors
/// The node is not reached or refuses.
pub(super) async fn ask_by(
    way: Way,
    request: Request,
    mut watch: impl FnMut(Step) + Send + 'static,
) -> Result<Value, Failure> {
    match way {
        Way::Listener { url, token } => {
            let policy = RetryPolicy { attempt: PATIENCE, ..RetryPolicy::READ };
            let client = Client::new([url])?.with_token(&token)?;
            Ok(call(&client.with_retry(policy, RetryPolicy::SUBMIT), request).await?)
        }
        Way::Socket(path) => {
            let work = move || admin::ask_watching(&path, &request, &mut watch);
            match tokio::task::spawn_blocking(work).await {
                Ok(answer) => Ok(answer?),
                Err(_) => Err(Failure::new("panicked", "the work ended by a panic; see above")),
            }
        }
    }
}

/// The way to the node that is named, if one is: none is looked for where none is needed.
///
/// # Errors
/// It is named wrongly.
pub(super) fn way_if_named(context: &Context, which: &Which) -> Result<Option<Way>, Failure> {
    let is_named = which.node.is_some() || which.place.is_named();
    let has_listener = matches!(context.named_urls(), [_]) && token_given().is_some();
    (is_named || has_listener).then(|| way(context, which)).transpose()
}

fn token_given() -> Option<Zeroizing<String>> {
    std::env::var(token::VARIABLE).ok().map(Zeroizing::new)
}

/// A named home or node is asked over its socket, unless there is a token for a named listener.
fn way(context: &Context, which: &Which) -> Result<Way, Failure> {
    let token = token_given();
    let named = which.place.is_named();
    match (&which.node, context.named_urls(), token) {
        (Some(name), _, _) => {
            let state = lifecycle::load(&context.directory())?;
            let index = lifecycle::indexes(&state, std::slice::from_ref(name))?;
            let node = index.first().and_then(|index| state.nodes.get(*index));
            Ok(Way::Socket(node.map(|node| node.data().join("admin.sock")).unwrap_or_default()))
        }
        (None, [url], Some(token)) => Ok(Way::Listener { url: url.clone(), token }),
        (None, [_, _, ..], Some(_)) => {
            Err(Failure::usage("one node is asked, and --url names several"))
        }
        (None, [_, ..], None) if !named => {
            let message =
                format!("the administration listener wants a token in {}", token::VARIABLE);
            Err(Failure::usage(message)
                .with_hint("on the node's own machine no token is needed: --home DIR"))
        }
        _ => Ok(Way::Socket(Config::from_settings(&which.place.resolve()?).admin_socket())),
    }
}

async fn call(client: &Client, request: Request) -> Result<Value, ClientError> {
    let answer = match request {
        Request::Backup { dir, .. } => {
            let made = client.call_once::<AdminBackupMethod>(AdminBackup { dir }).await?;
            serde_json::to_value(made)
        }
        Request::BackupVerified { chain, created_ms } => {
            let told = AdminBackupVerified { chain, created_ms };
            serde_json::to_value(client.call_once::<AdminBackupVerifiedMethod>(told).await?)
        }
        Request::LogLevel { level } => {
            serde_json::to_value(client.call_once::<AdminLogLevelMethod>(LogLevel { level }).await?)
        }
        Request::Peers {} => {
            serde_json::to_value(client.call_once::<AdminPeersMethod>(Empty {}).await?)
        }
        Request::Shutdown {} => {
            serde_json::to_value(client.call_once::<AdminShutdownMethod>(Empty {}).await?)
        }
    };
    Ok(answer.unwrap_or_default())
}

fn senseless(error: &serde_json::Error) -> Failure {
    Failure::new("bad_answer", format!("the node's answer is broken: {error}"))
        .with_hint("does the node run the same version as this command?")
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Refused(message) => Self::new("refused", message),
            other => Self::new("unreachable", other.to_string())
                .with_exit(Exit::Failure)
                .with_hint("is the node running, and yours? its socket is admin.sock in its data directory"),
        }
    }
}
