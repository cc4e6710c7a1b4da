//! `status [--watch]`.

use std::time::Duration;

use clap::Args;
use logothete_client::rpc::method::NodeStatusMethod;
use logothete_client::rpc::types::{Mode, NodeStatus, SyncState};
use serde_json::json;

use super::context::Context;
use super::output::{Exit, Outcome, Reply, table};
use super::show;

/// How often `--watch` asks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How the nodes are doing.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete status\n  logothete status --watch\n  logothete status --url http://10.0.0.1:8080\n\n\
    Exit codes: 0 in order, 3 a node is not synced, 4 the chain stands still, 1 nobody answers."
)]
pub struct Status {
    /// Ask again every second until interrupted.
    #[arg(long)]
    watch: bool,
}

/// Asks every node once, or for ever.
///
/// # Errors
/// No node answers.
pub async fn perform(context: &Context, command: Status) -> Outcome {
    loop {
        let reply = look(context).await;
        if !command.watch {
            return reply;
        }
        match reply {
            // One envelope a line.
            reply if context.printer.json => {
                context.printer.finish(reply);
            }
            Ok(reply) => context.printer.line(&format!("\x1b[H\x1b[2J{}", reply.text)),
            Err(failure) => context.printer.progress(&failure.message),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(context: &Context) -> Outcome {
    let asked = context.ask_each::<NodeStatusMethod>().await?;
    let answers = || asked.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    let typical = typical(answers()).expect("a node has answered");
    let rows: Vec<Vec<String>> =
        asked.iter().map(|(url, answer)| row(url, answer.as_ref().ok())).collect();
    let headings = ["node", "url", "height", "view", "mode", "sync", "peers", "mempool", "says"];
    let mut text = table(&headings, &rows);
    let missing: Vec<String> = typical.missing().map(|validator| validator.name.clone()).collect();
    let power =
        format!("voting power {} present, {} decide", typical.power_present, typical.quorum);
    text.push_str(&match missing.is_empty() {
        true => format!("all validators vote · {power}"),
        false => format!("missing: {} · {power}", missing.join(" ")),
    });
    if let Some(finality) = typical.finality_ms {
        text.push_str(&format!(" · finality p50 {} ms, p99 {} ms", finality.p50, finality.p99));
    }
    let items: Vec<_> = asked
        .iter()
        .map(|(url, answer)| {
            json!({
                "url": url, "status": answer.as_ref().ok(),
                "error": answer.as_ref().err().map(ToString::to_string),
            })
        })
        .collect();
    Ok(Reply::new(json!({ "items": items, "missing": missing }), text)
        .with_exit(verdict(answers(), typical)))
}

/// The node whose sight of the voting power is in the middle: neither the one that was cut off speaks
/// for all, nor the one that has not noticed yet.
fn typical<'a>(answers: impl Iterator<Item = &'a NodeStatus>) -> Option<&'a NodeStatus> {
    let mut answers: Vec<&NodeStatus> = answers.collect();
    answers.sort_by_key(|status| (status.power_present, status.height));
    answers.get(answers.len().saturating_sub(1) / 2).copied()
}

/// The worst that is the case: a chain that stands still, then a node that is behind.
fn verdict<'a>(mut answers: impl Iterator<Item = &'a NodeStatus>, typical: &NodeStatus) -> Exit {
    if typical.power_present < typical.quorum {
        return Exit::Stalled;
    }
    let behind = |status: &NodeStatus| status.sync.state != SyncState::Following;
    if answers.any(behind) { Exit::NotSynced } else { Exit::Ok }
}

fn row(url: &str, status: Option<&NodeStatus>) -> Vec<String> {
    let url = url.trim_start_matches("http://").to_owned();
    let Some(status) = status else {
        let mut row = vec!["?".to_owned(), url];
        row.extend(["-"; 6].map(str::to_owned));
        row.push("does not answer".to_owned());
        return row;
    };
    let sync = match status.sync.state {
        SyncState::Following => "level".to_owned(),
        SyncState::Fetching => format!("{} behind", status.sync.lag),
        SyncState::NoPeers => "no peers".to_owned(),
    };
    vec![
        status.name.clone().unwrap_or_else(|| "follower".to_owned()),
        url,
        format!("{} ({})", status.height, show::ago(status.timestamp)),
        status.view.to_string(),
        mode(status.mode).to_owned(),
        sync,
        status.peers.to_string(),
        status.mempool.to_string(),
        status.summary.clone(),
    ]
}

/// The mode in a word.
#[must_use]
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "active",
        Mode::Learner => "learner",
        Mode::Follower => "follower",
    }
}
