//! Partitions and slow links of a devnet that runs through fault proxies.

use super::directory::{Directory, State};
use super::lifecycle;
use super::proxy::control::{self, Answer, Request};
use super::proxy::{Link, Pair};
use crate::cli::output::Failure;

/// Freezes what lies between groups of nodes; nodes in no group form one more.
///
/// # Errors
/// The devnet has no proxies, a name is unknown or given twice.
pub fn partition(
    directory: &Directory,
    groups: &[Vec<String>],
) -> Result<Vec<Vec<String>>, Failure> {
    let state = proxied(directory)?;
    let mut indexes: Vec<Vec<usize>> =
        groups.iter().map(|group| lifecycle::indexes(&state, group)).collect::<Result<_, _>>()?;
    let mut named: Vec<usize> = indexes.iter().flatten().copied().collect();
    let count = named.len();
    named.sort_unstable();
    named.dedup();
    if named.len() != count {
        return Err(Failure::usage("a node is in two groups"));
    }
    let rest: Vec<usize> = (0..state.nodes.len()).filter(|index| !named.contains(index)).collect();
    if !rest.is_empty() {
        indexes.push(rest);
    }
    let names = |group: &Vec<usize>| {
        group
            .iter()
            .filter_map(|index| state.nodes.get(*index))
            .map(|node| node.name.clone())
            .collect()
    };
    let shown = indexes.iter().map(names).collect();
    ask(directory, &Request::Partition { groups: indexes })?;
    Ok(shown)
}

/// Changes every direction from and to some nodes.
///
/// # Errors
/// The devnet has no proxies, or a name is unknown.
pub fn set(directory: &Directory, names: &[String], link: Link) -> Result<Answer, Failure> {
    let state = proxied(directory)?;
    let chosen = lifecycle::indexes(&state, names)?;
    let all = 0..state.nodes.len();
    let pairs = all
        .clone()
        .flat_map(|from| all.clone().map(move |to| Pair { from, to }))
        .filter(|pair| {
            pair.from != pair.to && (chosen.contains(&pair.from) || chosen.contains(&pair.to))
        })
        .collect();
    ask(directory, &Request::Set { pairs, link })
}

/// Opens every link.
///
/// # Errors
/// The devnet has no proxies.
pub fn heal(directory: &Directory) -> Result<Answer, Failure> {
    proxied(directory)?;
    ask(directory, &Request::Heal)
}

/// The faults in force.
///
/// # Errors
/// The devnet has no proxies.
pub fn show(directory: &Directory) -> Result<Answer, Failure> {
    proxied(directory)?;
    ask(directory, &Request::Show)
}

fn proxied(directory: &Directory) -> Result<State, Failure> {
    let state = lifecycle::load(directory)?;
    if state.proxied {
        return Ok(state);
    }
    Err(Failure::new("not_proxied", "this devnet's links run directly from node to node")
        .with_hint("start it with fault proxies on every link: logothete devnet down; logothete devnet up --proxied"))
}

fn ask(directory: &Directory, request: &Request) -> Result<Answer, Failure> {
    control::ask(&directory.proxy_socket(), request).map_err(|error| {
        Failure::new("proxy_unreachable", format!("the fault proxies do not answer: {error}"))
            .with_hint("is the devnet running? logothete devnet status")
    })
}
