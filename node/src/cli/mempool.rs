//! `mempool stats`.

use clap::Subcommand;
use logothete_client::rpc::method::MempoolStatsMethod;
use logothete_client::rpc::types::Empty;

use super::context::Context;
use super::output::{Outcome, Reply};
use super::show::grouped;

/// Waiting transactions.
#[derive(Debug, Subcommand)]
pub enum Mempool {
    /// How many wait, and what is accepted.
    #[command(after_help = "Example:\n  logothete mempool stats")]
    Stats,
}

/// Asks one node.
///
/// # Errors
/// No node answers.
pub async fn perform(context: &Context, command: Mempool) -> Outcome {
    let Mempool::Stats = command;
    let stats = context.call::<MempoolStatsMethod>(Empty {}).await?;
    let text = format!(
        "transactions  {} of {} · {} in flight\nbytes         {} of {}\naccounts      {}\nleast fee     {}",
        grouped(stats.count.into()),
        grouped(stats.max_count.into()),
        grouped(stats.in_flight.into()),
        grouped(stats.bytes),
        grouped(stats.max_bytes),
        grouped(stats.accounts.into()),
        stats.min_fee,
    );
    Ok(Reply::new(stats, text))
}
