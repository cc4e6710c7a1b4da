//! `why`.

use std::time::Duration;

use clap::Args;
use logothete_client::ClientError;
use logothete_client::rpc::method::NodeWhyMethod;
use logothete_client::rpc::types::{
    Attendance, Effect, NextTimer, NodeWhy, RefusedPeer, TimerKind, Trouble,
};
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
    let mut text: Vec<String> = asked.iter().map(|(url, answer)| told(url, answer)).collect();
    let items: Vec<_> = asked
        .iter()
        .map(|(url, answer)| {
            let error = answer.as_ref().err().map(ToString::to_string);
            json!({ "url": url, "why": answer.as_ref().ok(), "error": error })
        })
        .collect();
    let answers: Vec<&NodeWhy> =
        asked.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    let cuts = cuts(&answers);
    text.extend(cuts.iter().map(|(from, to)| {
        format!("{from} does not hear {to}, and {to} runs and answers here: the network between them is cut")
    }));
    let cuts: Vec<_> = cuts.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
    let exit = verdict(&answers);
    Ok(Reply::new(json!({ "items": items, "cuts": cuts }), text.join("\n")).with_exit(exit))
}

fn told(url: &str, answer: &Result<NodeWhy, ClientError>) -> String {
    match answer {
        Ok(why) => explained(url, why),
        Err(error) => format!("{url}  does not answer: {error}"),
    }
}

/// The sentence of one node, and below it what belongs to it.
fn explained(url: &str, why: &NodeWhy) -> String {
    let name = why.name.as_deref().map(|name| format!("{name}  ")).unwrap_or_default();
    let mut lines = vec![format!("{url}  {name}{}", why.summary)];
    let Some((first, others)) = why.troubles.split_first() else { return lines.remove(0) };
    lines.extend(who(first));
    if first.effect == Effect::Stalled {
        lines.push(view(why));
    }
    lines.extend(why.refused.iter().map(refused));
    lines.push(format!("  do       {}", first.advice));
    for trouble in others {
        lines.push(format!("  also     {}", trouble.summary));
        lines.extend(who(trouble));
        lines.push(format!("  do       {}", trouble.advice));
    }
    lines.join("\n")
}

fn who(trouble: &Trouble) -> impl Iterator<Item = String> + '_ {
    trouble
        .culprits
        .iter()
        .map(|culprit| format!("  who      {}: {}", culprit.name, culprit.detail))
}

fn view(why: &NodeWhy) -> String {
    let age = show::seconds(Duration::from_millis(why.view_age_ms));
    let next = why.next_timer.as_ref().map(next).unwrap_or_default();
    format!("  view     {} for {age}, {} failed before it{next}", why.view, why.failed_views)
}

fn next(timer: &NextTimer) -> String {
    let what = match timer.kind {
        TimerKind::ViewTimeout => "gives it up",
        TimerKind::Resend => "sends its votes again",
        TimerKind::EmptyBlock => "proposes an empty block",
        TimerKind::AskStatements => "asks the others for their views again",
        TimerKind::FetchBlocks => "asks for missing blocks again",
    };
    format!("; next it {what}, in {}", show::duration(Duration::from_millis(timer.in_ms)))
}

fn refused(peer: &RefusedPeer) -> String {
    let name = peer.name.as_deref().unwrap_or("a node");
    let (at, detail) = (&peer.address, &peer.detail);
    format!(
        "  refused  {name} at {at}, {}, {} times: {detail}",
        show::ago(peer.last_at),
        peer.times
    )
}

/// Pairs of nodes that both answer here, of which the one misses the other because nothing comes from it.
fn cuts(answers: &[&NodeWhy]) -> Vec<(String, String)> {
    let named = || answers.iter().filter_map(|why| Some((why.name.clone()?, *why)));
    let hears_nothing_of = |why: &NodeWhy, name: &str| {
        why.missing.iter().any(|member: &Attendance| {
            member.name == name && member.absence.is_some_and(|absence| absence.is_of_the_network())
        })
    };
    let pairs = named().flat_map(|(from, why)| {
        let others = named().map(|(to, _)| to).filter(|to| *to != from);
        let cut: Vec<_> = others.filter(|to| hears_nothing_of(why, to)).collect();
        cut.into_iter().map(move |to| (from.clone(), to))
    });
    pairs.collect()
}

/// The worst that is the case: a chain that stands still, then a node that is behind.
fn verdict(answers: &[&NodeWhy]) -> Exit {
    let effects = answers.iter().flat_map(|why| &why.troubles).map(|trouble| trouble.effect);
    match effects.min() {
        Some(Effect::Stalled) => Exit::Stalled,
        Some(Effect::Behind) => Exit::NotSynced,
        Some(Effect::Degraded) | None => Exit::Ok,
    }
}
