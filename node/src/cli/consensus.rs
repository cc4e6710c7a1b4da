//! `consensus state|views|evidence`.

use std::time::Duration;

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{
    ConsensusStateMethod, ConsensusViewsMethod, EvidenceListMethod,
};
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
    /// Views of the chain, newest first: who led each, and the block it brought.
    #[command(after_help = "Example:\n  logothete consensus views --limit 50")]
    Views(Views),
    /// Proofs that a validator signed two contradicting messages, as the chain records them.
    #[command(after_help = "Examples:\n  logothete consensus evidence\n  \
                      logothete consensus evidence --json > evidence.json\n  \
                      logothete verify evidence evidence.json --genesis genesis.toml")]
    Evidence(Evidence),
}

/// Arguments of `consensus views`.
#[derive(Args, Debug)]
pub struct Views {
    #[command(flatten)]
    paging: Paging,
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
        Consensus::Views(wish) => views(context, wish).await,
        Consensus::Evidence(wish) => evidence(context, wish).await,
    }
}

async fn views(context: &Context, wish: Views) -> Outcome {
    let page = context.call::<ConsensusViewsMethod>(wish.paging.into()).await?;
    let rows: Vec<Vec<String>> = page
        .items
        .iter()
        .map(|record| {
            let leader = show::validator(&record.leader);
            let brought = match &record.block {
                Some(block) => [block.height.to_string(), show::time(block.timestamp)],
                None => ["-".to_owned(), "passed without a block".to_owned()],
            };
            [vec![record.view.to_string(), leader], brought.to_vec()].concat()
        })
        .collect();
    let mut text = table(&["view", "leader", "height", "time"], &rows);
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!("more: --cursor {cursor}"));
    }
    Ok(Reply::new(page, text))
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
