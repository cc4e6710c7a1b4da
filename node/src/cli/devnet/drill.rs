//! `devnet drill`.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::output::{Failure, Outcome, Printer, Reply};
use crate::cli::show;
use crate::devnet::directory::Directory;
use crate::devnet::drill::{self, Exercise, Exercised};
use crate::devnet::lifecycle;

/// Arguments of `devnet drill`.
#[derive(Args, Debug)]
pub(super) struct Drill {
    /// Seconds to wait each time: for the chain to go on, and for the node to come back.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    timeout: u64,
}

/// Does every exercise, each to another node, the last one first.
///
/// # Errors
/// The network is not whole to begin with.
pub(super) async fn perform(directory: &Directory, wish: &Drill, printer: Printer) -> Outcome {
    let patience = Duration::from_secs(wish.timeout);
    drill::prepare(directory, patience).await?;
    let state = lifecycle::load(directory)?;
    let (mut data, mut lines, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (exercise, index) in Exercise::ALL.into_iter().zip((0..state.nodes.len()).rev()) {
        if exercise == Exercise::Partition && !state.proxied {
            skipped.push(exercise);
            lines
                .push("- partition left out: it needs fault proxies, `devnet up --proxied`".into());
            continue;
        }
        let exercised = drill::run(directory, exercise, index, patience).await?;
        lines.push(describe(&exercised, printer));
        let failed = exercised.fault.is_some();
        data.push(exercised);
        if failed {
            // A network that is not whole proves nothing about the next exercise, and may halt in it.
            break;
        }
    }
    let report = json!({ "exercises": data, "left_out": skipped });
    if let Some(failed) = data.iter().find(|exercised| exercised.fault.is_some()) {
        printer.progress(&lines.join("\n"));
        let fault = failed.fault.as_deref().unwrap_or_default();
        let message = format!("{} {}: {fault}", failed.exercise.word(), failed.node);
        return Err(Failure::new("not_healed", message)
            .with_hint("look at it: logothete why, logothete devnet logs")
            .with_data(report));
    }
    let last = format!("{} every node came back, and the chain went on", printer.tick());
    lines.push(last);
    Ok(Reply::new(report, lines.join("\n")))
}

fn describe(exercised: &Exercised, printer: Printer) -> String {
    let took = show::seconds(Duration::from_secs_f64(exercised.seconds));
    let (word, node) = (exercised.exercise.word(), &exercised.node);
    match (&exercised.fault, exercised.blocks_without) {
        (Some(fault), _) => format!("✘ {word} {node}: {fault} ({took})"),
        (None, Some(blocks)) => format!(
            "{} {word} {node}: the others decided {blocks} blocks without it · back and voting after {took}",
            printer.tick()
        ),
        (None, None) => format!(
            "{} {word} {node}: level, of one state root with the others and voting after {took}",
            printer.tick()
        ),
    }
}
