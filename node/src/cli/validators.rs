//! `validators list`.

use clap::Subcommand;
use logothete_client::rpc::method::ValidatorsListMethod;
use logothete_client::rpc::types::{Empty, ValidatorView};

use super::context::Context;
use super::output::{Outcome, Reply, table};

/// The validator set.
#[derive(Debug, Subcommand)]
pub enum Validators {
    /// Every validator with its power.
    #[command(after_help = "Example:\n  logothete validators list")]
    List,
}

/// Lists them.
///
/// # Errors
/// No node answers.
pub async fn perform(context: &Context, command: Validators) -> Outcome {
    let Validators::List = command;
    let list = context.call::<ValidatorsListMethod>(Empty {}).await?;
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
