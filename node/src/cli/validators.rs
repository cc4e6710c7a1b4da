//! `validators list|uptime`.

use clap::{Args, Subcommand};
use logothete_client::rpc::method::{ValidatorsListMethod, ValidatorsUptimeMethod};
use logothete_client::rpc::types::{AtLeast, UptimeGet, ValidatorView};
use logothete_primitives::Height;

use super::context::Context;
use super::output::{Outcome, Reply, table};
use super::show;

/// The validator set.
#[derive(Debug, Subcommand)]
pub enum Validators {
    /// Every validator with its power.
    #[command(after_help = "Example:\n  logothete validators list")]
    List,
    /// The part of each validator in the latest blocks: proposed, signed, missed.
    #[command(
        after_help = "Examples:\n  logothete validators uptime\n  logothete validators uptime --blocks 1000 --at 5000"
    )]
    Uptime(Uptime),
}

/// Arguments of `validators uptime`.
#[derive(Args, Debug)]
pub struct Uptime {
    /// How many blocks.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    blocks: u32,
    /// The last of them; the latest without it.
    #[arg(long, value_name = "HEIGHT")]
    at: Option<u64>,
}

/// Asks one node.
///
/// # Errors
/// No node answers, or it does not have the blocks.
pub async fn perform(context: &Context, command: Validators) -> Outcome {
    match command {
        Validators::List => list(context).await,
        Validators::Uptime(wish) => uptime(context, &wish).await,
    }
}

async fn uptime(context: &Context, wish: &Uptime) -> Outcome {
    let asked =
        UptimeGet { blocks: Some(wish.blocks), at: wish.at.map(Height::new), min_height: None };
    let record = context.call::<ValidatorsUptimeMethod>(asked).await?;
    let height = |height: Option<Height>| height.map_or("-".to_owned(), |h| h.to_string());
    let rows: Vec<Vec<String>> = record
        .items
        .iter()
        .map(|one| {
            vec![
                show::validator(&one.validator),
                one.power.to_string(),
                one.proposed.to_string(),
                one.signed.to_string(),
                one.missed.to_string(),
                height(one.last_proposed),
                height(one.last_signed),
            ]
        })
        .collect();
    let headings =
        ["name", "power", "proposed", "signed", "missed", "last proposed", "last signed"];
    let text = format!(
        "{}blocks {} to {} · {} blocks in {} views",
        table(&headings, &rows),
        record.first_height,
        record.at.height,
        record.blocks,
        record.views
    );
    Ok(Reply::new(record, text))
}

async fn list(context: &Context) -> Outcome {
    let list = context.call::<ValidatorsListMethod>(AtLeast::default()).await?;
    let row = |validator: &ValidatorView| {
        let connected = if validator.connected { "yes" } else { "no" };
        vec![
            validator.index.to_string(),
            validator.name.clone(),
            validator.power.to_string(),
            connected.to_owned(),
            validator.key.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = list.items.iter().map(row).collect();
    let text = format!(
        "{}epoch {} · power {} · quorum {} · tolerates {}",
        table(&["index", "name", "power", "connected", "key"], &rows),
        list.epoch,
        list.total_power,
        list.quorum,
        list.max_faulty,
    );
    Ok(Reply::new(list, text))
}
