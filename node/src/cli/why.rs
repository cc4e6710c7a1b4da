//! `why`.

use clap::Args;
use logothete_client::rpc::method::NodeWhyMethod;
use logothete_client::rpc::types::{NodeWhy, Obstacle};
use serde_json::json;

use super::context::Context;
use super::output::{Exit, Outcome, Reply};
use super::show;

/// Why the chain or a node stands still: one sentence for each node, who is missing, and what to do.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete why\n  logothete why --url http://10.0.0.1:8080 --json\n\n\
    Exit codes: 0 nothing is in the way, 3 a node is not synced, 4 the chain stands still, 1 nobody answers."
)]
pub struct Why {}

/// Asks every node.
///
/// # Errors
/// No node answers.
pub async fn perform(context: &Context) -> Outcome {
    let asked = context.ask_each::<NodeWhyMethod>().await?;
    let text: Vec<String> = asked
        .iter()
        .map(|(url, answer)| match answer {
            Ok(why) => explained(url, why),
            Err(error) => format!("{url}  does not answer: {error}"),
        })
        .collect();
    let items: Vec<_> = asked
        .iter()
        .map(|(url, answer)| {
            let error = answer.as_ref().err().map(ToString::to_string);
            json!({ "url": url, "why": answer.as_ref().ok(), "error": error })
        })
        .collect();
    let exit = verdict(asked.iter().filter_map(|(_, answer)| answer.as_ref().ok()));
    Ok(Reply::new(json!({ "items": items }), text.join("\n")).with_exit(exit))
}

/// The sentence of one node, and below it what belongs to it.
fn explained(url: &str, why: &NodeWhy) -> String {
    let mut lines = vec![format!("{url}  {}", why.summary)];
    if why.healthy {
        return lines.remove(0);
    }
    for validator in &why.missing {
        lines.push(format!(
            "  missing  {} with power {}, last heard in view {}",
            validator.name, validator.power, validator.last_vote_view
        ));
    }
    lines.push(format!(
        "  view     {} for {}, {} failed before it",
        why.view,
        show::seconds(std::time::Duration::from_millis(why.view_age_ms)),
        why.failed_views
    ));
    let stuck = why.stages.iter().filter(|stage| !stage.ok);
    lines.extend(stuck.map(|stage| format!("  stuck    {}: {}", stage.name, stage.detail)));
    lines.push(format!("  do       {}", why.advice));
    lines.join("\n")
}

/// The worst that is the case: a chain that stands still, then a node that is behind.
fn verdict<'a>(answers: impl Iterator<Item = &'a NodeWhy>) -> Exit {
    let mut exit = Exit::Ok;
    for obstacle in answers.filter_map(|why| why.obstacle) {
        match obstacle {
            Obstacle::NoQuorum | Obstacle::ViewsTimeOut => return Exit::Stalled,
            Obstacle::Learning | Obstacle::NoPeers | Obstacle::CatchingUp => exit = Exit::NotSynced,
        }
    }
    exit
}
