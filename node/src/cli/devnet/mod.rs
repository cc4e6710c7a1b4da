//! `devnet up|kill|start|wipe|partition|heal|slow|drill|status|logs|down`.

mod drill;
pub mod logs;

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::output::{Failure, Outcome, Printer, Reply, table};
use super::show;
use crate::devnet::directory::{Directory, Node, State};
use crate::devnet::lifecycle::{self, Healed};
use crate::devnet::observe::Observation;
use crate::devnet::proxy::{Flow, Link, control};
use crate::devnet::up::{self, Options};
use crate::devnet::{faults, start};

/// A whole network on this machine; without a verb: up.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  logothete devnet                       the same as `devnet up`\n  \
        logothete devnet kill v3               kill -9; the chain goes on\n  \
        logothete devnet start v3              back, and level again\n  \
        logothete devnet wipe v2               lose everything; heal from the others\n\n\
        The directory is $XDG_STATE_HOME/logothete/devnet (or ~/.local/state/…), or --dir."
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    up: Up,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start the devnet (a new one the first time) and watch it until interrupted.
    #[command(
        after_help = "Examples:\n  logothete devnet up -n 7\n  logothete devnet up --ephemeral --base-port 0 --detach --json"
    )]
    Up(Up),
    /// Kill nodes at once, as a power failure would.
    #[command(after_help = "Example:\n  logothete devnet kill v3")]
    Kill(Named),
    /// Start nodes that do not run and wait until they are level.
    #[command(after_help = "Example:\n  logothete devnet start v3")]
    Start(Healing),
    /// Kill nodes, remove their data, start them and wait until they are level, agree and vote.
    #[command(after_help = "Example:\n  logothete devnet wipe v2")]
    Wipe(Healing),
    /// Freeze the links between groups of nodes (needs `up --proxied`).
    #[command(after_help = "Example:\n  logothete devnet partition v0,v1 v2,v3")]
    Partition(Partition),
    /// Open every link again.
    #[command(after_help = "Example:\n  logothete devnet heal")]
    Heal,
    /// Delay or limit every link of some nodes, or cut them (needs `up --proxied`).
    #[command(
        after_help = "Examples:\n  logothete devnet slow v3 --delay-ms 200\n  logothete devnet slow v3 --bytes-per-second 100000\n  logothete devnet slow v3 --cut"
    )]
    Slow(Slow),
    /// Kill one node, wipe another and cut off a third, one after the other: the chain must go on, and each must come back.
    #[command(
        after_help = "Examples:\n  logothete devnet drill\n  logothete devnet drill --timeout 60\n\n\
        Needs four running nodes or more; the cut needs `up --proxied` and is left out otherwise.\n\
        Exit code 1 when something did not heal."
    )]
    Drill(drill::Drill),
    /// Every node: process, height, view, vote.
    #[command(after_help = "Example:\n  logothete devnet status")]
    Status,
    /// The nodes' logs.
    #[command(
        after_help = "Examples:\n  logothete devnet logs v2 -n 100\n  logothete devnet logs --follow"
    )]
    Logs(logs::Logs),
    /// Stop everything.
    #[command(after_help = "Examples:\n  logothete devnet down\n  logothete devnet down --remove")]
    Down(Down),
    /// The process of the fault proxies; started by `up --proxied`.
    #[command(hide = true)]
    Proxy,
}

#[derive(Args, Clone, Debug, Default)]
struct Up {
    /// Number of validators (of a new devnet).
    #[arg(short = 'n', long = "validators", value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: Option<u16>,
    /// Seed of the validator keys (of a new devnet).
    #[arg(long)]
    seed: Option<u64>,
    /// Port of the first node's JSON-RPC, the others follow; 0 leaves all ports to the system.
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// In a temporary directory, removed at the end.
    #[arg(long)]
    ephemeral: bool,
    /// Remove the devnet that is there and begin a new chain.
    #[arg(long)]
    reset: bool,
    /// Leave the nodes running and return when they are ready.
    #[arg(long)]
    detach: bool,
    /// Put a fault proxy on every link, for `partition` and `slow`.
    #[arg(long)]
    proxied: bool,
}

#[derive(Args, Debug)]
struct Named {
    /// Names, such as v3.
    #[arg(required = true)]
    nodes: Vec<String>,
}

#[derive(Args, Debug)]
struct Healing {
    /// Names, such as v3.
    #[arg(required = true)]
    nodes: Vec<String>,
    /// Seconds to wait until a node is level and votes.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    timeout: u64,
}

#[derive(Args, Debug)]
struct Partition {
    /// Groups of names; nodes in no group form one more.
    #[arg(required = true, value_name = "NAMES,…")]
    groups: Vec<String>,
}

#[derive(Args, Debug)]
struct Slow {
    /// Names, such as v3.
    #[arg(required = true)]
    nodes: Vec<String>,
    /// Time on the way, each direction.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    delay_ms: u64,
    /// Most bytes a second, each direction.
    #[arg(long, value_name = "BYTES")]
    bytes_per_second: Option<u64>,
    /// Break connections instead.
    #[arg(long)]
    cut: bool,
}

#[derive(Args, Debug)]
struct Down {
    /// Remove the directory too.
    #[arg(long)]
    remove: bool,
}

/// Performs a verb; up without one.
///
/// # Errors
/// Those of the verb.
pub async fn perform(context: &Context, arguments: Arguments) -> Outcome {
    let directory = context.directory();
    let printer = context.printer;
    match arguments.verb.unwrap_or(Verb::Up(arguments.up)) {
        Verb::Up(wish) => Box::pin(up_in_place(context, &wish)).await,
        Verb::Kill(named) => kill(&directory, &named.nodes, printer).await,
        Verb::Start(healing) => heal_each(&directory, &healing, printer, false).await,
        Verb::Wipe(healing) => heal_each(&directory, &healing, printer, true).await,
        Verb::Partition(partition) => divide(&directory, &partition, printer),
        Verb::Heal => {
            faults::heal(&directory)?;
            Ok(Reply::new(
                json!({ "faults": [] }),
                format!("{} every link is open", printer.tick()),
            ))
        }
        Verb::Slow(slow) => slow_down(&directory, &slow, printer),
        Verb::Drill(wish) => drill::perform(&directory, &wish, printer).await,
        Verb::Status => status(&directory).await,
        Verb::Logs(logs) => logs::show(&directory, &logs, printer).await,
        Verb::Down(down) => stop(&directory, &down, printer),
        Verb::Proxy => serve_proxies(&directory).await,
    }
}

async fn up_in_place(context: &Context, wish: &Up) -> Outcome {
    let directory = match (wish.ephemeral, context.named_directory()) {
        (true, None) => Directory::ephemeral()?,
        (_, Some(path)) => Directory::at(path.to_path_buf()),
        (false, None) => Directory::default_place(),
    };
    let options = Options {
        nodes: wish.nodes,
        seed: wish.seed,
        base_port: wish.base_port,
        ephemeral: wish.ephemeral,
        reset: wish.reset,
        detach: wish.detach,
        proxied: wish.proxied,
    };
    up::up(directory, &options, context.printer).await
}

async fn kill(directory: &Directory, names: &[String], printer: Printer) -> Outcome {
    let state = lifecycle::load(directory)?;
    let indexes = lifecycle::indexes(&state, names)?;
    if let Some(idle) =
        indexes.iter().filter_map(|index| state.nodes.get(*index)).find(|node| !node.is_alive())
    {
        return Err(Failure::new("not_running", format!("{} does not run", idle.name))
            .with_hint(format!("start it: logothete devnet start {}", idle.name)));
    }
    let standing = lifecycle::kill(directory, &indexes).await?;
    let text = format!("{} {} stopped. {}", printer.tick(), names.join(" "), standing.describe());
    Ok(Reply::new(json!({ "stopped": names, "standing": standing }), text))
}

async fn heal_each(
    directory: &Directory,
    healing: &Healing,
    printer: Printer,
    wipe: bool,
) -> Outcome {
    let indexes = lifecycle::indexes(&lifecycle::load(directory)?, &healing.nodes)?;
    let patience = Duration::from_secs(healing.timeout);
    let (mut data, mut lines) = (Vec::new(), Vec::new());
    for index in indexes {
        let healed = if wipe {
            lifecycle::wipe(directory, index, patience).await?
        } else {
            lifecycle::start(directory, index, patience).await?
        };
        lines.push(format!("{} {}", printer.tick(), describe(&healed)));
        data.push(healed);
    }
    Ok(Reply::new(data, lines.join("\n")))
}

/// How a node came back, in words.
fn describe(healed: &Healed) -> String {
    let took = show::seconds(Duration::from_secs_f64(healed.seconds));
    let blocks = show::grouped(healed.blocks);
    let voting = format!("{}/{} voting", healed.voting, healed.nodes);
    match healed.state_root_matches {
        Some((matching, asked)) => {
            let votes = if healed.votes { "voting again".to_owned() } else { voting };
            format!(
                "wiped; resync {blocks} blocks {took} · state root matches {matching}/{asked} peers · {votes}"
            )
        }
        None => format!("{} back · caught up {blocks} blocks in {took} · {voting}", healed.node),
    }
}

fn divide(directory: &Directory, partition: &Partition, printer: Printer) -> Outcome {
    let split = |group: &String| group.split(',').map(str::to_owned).collect::<Vec<_>>();
    let groups: Vec<Vec<String>> = partition.groups.iter().map(split).collect();
    let groups = faults::partition(directory, &groups)?;
    let shown: Vec<String> = groups.iter().map(|group| group.join(" ")).collect();
    let text = format!(
        "{} partitioned: {}. Open it again: logothete devnet heal",
        printer.tick(),
        shown.join(" | ")
    );
    Ok(Reply::new(json!({ "groups": groups }), text))
}

fn slow_down(directory: &Directory, slow: &Slow, printer: Printer) -> Outcome {
    let flow = if slow.cut { Flow::Cut } else { Flow::Open };
    let link = Link { flow, delay_ms: slow.delay_ms, bytes_per_second: slow.bytes_per_second };
    let answer = faults::set(directory, &slow.nodes, link)?;
    let text = format!(
        "{} {} directions changed. Open them again: logothete devnet heal",
        printer.tick(),
        answer.faults.len()
    );
    Ok(Reply::new(json!({ "faults": answer.faults }), text))
}

async fn status(directory: &Directory) -> Outcome {
    let state = lifecycle::load(directory)?;
    let look = Observation::take(&state).await;
    let rows: Vec<Vec<String>> =
        state.nodes.iter().enumerate().map(|(index, node)| row(&look, index, node)).collect();
    let headings = ["node", "pid", "rpc", "height", "view", "peers", "votes", "says"];
    let (voting, nodes) = (look.voting(), state.nodes.len());
    let text = format!(
        "{} in {}\n{}height {} · view {} · {voting}/{nodes} voting",
        state.chain_name,
        directory.path().display(),
        table(&headings, &rows),
        look.height(),
        look.view(),
    );
    let data = json!({
        "dir": directory.path(), "chain_id": state.chain_id, "chain_name": state.chain_name,
        "height": look.height().to_string(), "view": look.view().to_string(),
        "voting": voting, "nodes": nodes, "faults": proxy_faults(directory, &state),
        "items": state.nodes.iter().enumerate().map(|(index, node)| json!({
            "name": node.name, "key": node.key, "rpc": node.url(), "log": node.log(),
            "running": node.is_alive(), "pid": node.process.map(|process| process.pid),
            "voting": look.is_voting(index), "status": look.node(index),
        })).collect::<Vec<_>>(),
    });
    Ok(Reply::new(data, text))
}

fn row(look: &Observation, index: usize, node: &Node) -> Vec<String> {
    let pid = node.process.filter(|process| process.is_alive());
    let pid = pid.map_or("down".to_owned(), |process| process.pid.to_string());
    let mut row = vec![node.name.clone(), pid, format!(":{}", node.rpc.port())];
    match look.node(index) {
        Some(status) => row.extend([
            status.height.to_string(),
            status.view.to_string(),
            status.peers.to_string(),
            if look.is_voting(index) { "yes" } else { "no" }.to_owned(),
            status.summary.clone(),
        ]),
        None => row.extend(["-", "-", "-", "no", "does not answer"].map(str::to_owned)),
    }
    row
}

fn proxy_faults(directory: &Directory, state: &State) -> serde_json::Value {
    let shown = state.proxied.then(|| faults::show(directory).ok()).flatten();
    json!(shown.map(|answer| answer.faults))
}

fn stop(directory: &Directory, down: &Down, printer: Printer) -> Outcome {
    let state = lifecycle::load(directory)?;
    let killed = start::stop_all(directory)?;
    let removed = down.remove || state.ephemeral;
    if removed {
        directory.remove()?;
        directory.forget();
    }
    let kept = if removed { "nothing is kept" } else { "the next `devnet up` goes on from here" };
    let text = format!("{} stopped; {kept}", printer.tick());
    Ok(Reply::new(json!({ "stopped": true, "killed": killed, "removed": removed }), text))
}

async fn serve_proxies(directory: &Directory) -> Outcome {
    let state = lifecycle::load(directory)?;
    let text = std::fs::read_to_string(directory.proxy_ports())?;
    let ports: Vec<_> = serde_json::from_str(&text).map_err(|error| {
        Failure::new("io", format!("the proxies' ports are unreadable: {error}"))
    })?;
    control::run(state.nodes.len(), &ports, &directory.proxy_socket()).await?;
    Ok(Reply::new(json!(null), ""))
}
