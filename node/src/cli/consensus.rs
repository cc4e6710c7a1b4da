//! `consensus state|evidence`.

use std::time::Duration;

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{ConsensusStateMethod, EvidenceListMethod};
use logothete_client::rpc::types::{Empty, VoteSlot};

use super::context::{Context, Paging};
use super::output::{Outcome, Reply, table};
use super::{show, status, verify};

/// The protocol as one node sees it.
#[derive(Debug, Subcommand)]
pub enum Consensus {
    /// View, leader, certificates, and who has voted.
    #[command(after_help = "Example:\n  logothete consensus state --url http://127.0.0.1:8081")]
    State,
    /// Proofs that a validator signed two contradicting messages, as the chain records them.
    #[command(after_help = "Examples:\n  logothete consensus evidence\n  \
                      logothete consensus evidence --json > evidence.json\n  \
                      logothete verify evidence evidence.json --genesis genesis.toml")]
    Evidence(Evidence),
}

/// Arguments of `consensus evidence`.
#[derive(Args, Debug)]
pub struct Evidence {
    #[command(flatten)]
    paging: Paging,
}

/// Asks one node.
///
/// # Errors
/// No node answers; evidence that proves nothing.
pub async fn perform(context: &Context, command: Consensus) -> Outcome {
    match command {
        Consensus::State => state(context).await,
        Consensus::Evidence(wish) => evidence(context, wish).await,
    }
}

async fn evidence(context: &Context, wish: Evidence) -> Outcome {
    let page = context.call::<EvidenceListMethod>(wish.paging.into()).await?;
    let text = match context.spec()? {
        Some(spec) => verify::check_evidence(&page.items, &spec)?,
        None => format!(
            "{}not verified: name the chain file with --genesis FILE",
            verify::list_evidence(&page.items)
        ),
    };
    let more = page.next_cursor.as_ref().map(|cursor| format!("\nmore: --cursor {cursor}"));
    Ok(Reply::new(&page, text + &more.unwrap_or_default()))
}

async fn state(context: &Context) -> Outcome {
    let state = context.call::<ConsensusStateMethod>(Empty {}).await?;
    let mark = |seen: bool| if seen { "yes" } else { "-" }.to_owned();
    let row = |slot: &VoteSlot| {
        vec![
            show::validator(&slot.validator),
            slot.power.to_string(),
            mark(slot.prepare),
            mark(slot.commit),
            mark(slot.timeout),
        ]
    };
    let rows: Vec<Vec<String>> = state.votes.iter().map(row).collect();
    let text = format!(
        "view {} for {} · leader {} · {}\nhighest certificate in view {} · final height {} · quorum {}\n{}",
        state.view,
        show::duration(Duration::from_millis(state.view_age_ms)),
        state.leader.as_ref().map_or_else(|| "not known".to_owned(), show::validator),
        status::mode(state.mode),
        state.high_qc_view,
        state.committed.height,
        state.quorum,
        table(&["validator", "power", "prepare", "commit", "timeout"], &rows),
    );
    Ok(Reply::new(state, text))
}
