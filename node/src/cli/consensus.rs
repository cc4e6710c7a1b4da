//! `consensus state`.

use std::time::Duration;

use clap::Subcommand;
use logothete_client::rpc::method::ConsensusStateMethod;
use logothete_client::rpc::types::{Empty, VoteSlot};

use super::context::Context;
use super::output::{Outcome, Reply, table};
use super::{show, status};

/// The protocol as one node sees it.
#[derive(Debug, Subcommand)]
pub enum Consensus {
    /// View, leader, certificates, and who has voted.
    #[command(after_help = "Example:\n  logothete consensus state --url http://127.0.0.1:8081")]
    State,
}

/// Asks one node.
///
/// # Errors
/// No node answers.
pub async fn perform(context: &Context, command: Consensus) -> Outcome {
    let Consensus::State = command;
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
