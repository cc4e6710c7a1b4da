//! `devnet up`: make or take up a devnet, start its processes, wait until all vote, watch.

use std::time::{Duration, Instant};

use logothete_genesis::{Spec, dev};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::create::{self, Wish};
use super::directory::{Directory, State};
use super::observe::Observation;
use super::ports::Ports;
use super::{lifecycle, start};
use crate::cli::output::{Exit, Failure, Outcome, Printer, Reply};
use crate::cli::show;

/// How long the nodes may take until all of them vote.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// How often the live line is renewed.
const LIVE_INTERVAL: Duration = Duration::from_millis(500);
/// How often a starting devnet is looked at.
const POLL: Duration = Duration::from_millis(20);
/// The port of the first node when nothing else is said.
pub const DEFAULT_PORT: u16 = 8080;
/// Validators when nothing else is said: the fewest that tolerate a fault.
pub const DEFAULT_NODES: u16 = 4;

/// What is wished of `up`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Validators; those of the directory, else four.
    pub nodes: Option<u16>,
    /// Seed of the validator keys; that of the directory, else 0.
    pub seed: Option<u64>,
    /// First port; that of the directory, else 8080; 0 leaves all to the system.
    pub base_port: Option<u16>,
    /// Forget everything at the end.
    pub ephemeral: bool,
    /// Forget everything at the start.
    pub reset: bool,
    /// Leave the nodes running and return.
    pub detach: bool,
    /// Put a fault proxy on every link.
    pub proxied: bool,
}

/// Starts, shows, and (in the foreground) watches until interrupted.
///
/// # Errors
/// A devnet runs already, its files do not fit the wish, or a node does not start.
pub async fn up(directory: Directory, options: &Options, printer: Printer) -> Outcome {
    let began = Instant::now();
    let moved = prepare(&directory, options)?;
    let state = lifecycle::load(&directory)?;
    let spec = Spec::load(&directory.genesis())?;
    if !printer.json {
        printer.line(&banner(&state, &spec, printer));
        for line in moved {
            printer.line(&format!("  moved    {line}"));
        }
    }
    // From the first process on, an interrupt must stop what was started.
    let mut ending = Ending::new()?;
    let ready = tokio::select! {
        ready = run_all(&directory) => ready,
        () = ending.wait() => Err(Failure::new("interrupted", "stopped before the devnet was ready")),
    };
    if let Err(failure) = ready {
        start::stop_all(&directory)?;
        forget(&directory, options)?;
        return Err(failure);
    }
    let state = lifecycle::load(&directory)?;
    let took = show::seconds(began.elapsed());
    if printer.json {
        printer.line(&ready_event(&state, &directory, began.elapsed()).to_string());
    } else {
        printer.line(&format!("  {} ready in {took}", printer.tick()));
    }
    if options.detach {
        let text = format!(
            "  running in the background; stop it with: logothete devnet down   files: {}",
            directory.path().display()
        );
        return Ok(Reply::new(json!({ "dir": directory.path(), "detached": true }), text));
    }
    let watched = watch(&directory, &mut ending, printer).await;
    printer.live("");
    printer.progress("stopping …");
    let killed = start::stop_all(&directory)?;
    forget(&directory, options)?;
    watched?;
    let text = if options.ephemeral {
        "stopped; nothing is kept"
    } else {
        "stopped; the next `devnet up` goes on from here"
    };
    Ok(Reply::new(json!({ "stopped": true, "killed": killed }), text))
}

/// Starts everything and returns when all vote; what was started is stopped when that fails.
///
/// # Errors
/// Those of [`up`].
pub async fn bring_up(directory: &Directory, options: &Options) -> Result<State, Failure> {
    prepare(directory, options)?;
    if let Err(failure) = run_all(directory).await {
        start::stop_all(directory)?;
        return Err(failure);
    }
    lifecycle::load(directory)
}

/// Makes or takes up the files, chooses ports and writes configurations; tells which ports were moved.
fn prepare(directory: &Directory, options: &Options) -> Result<Vec<String>, Failure> {
    let lock = directory.lock()?;
    let existing = directory.load()?;
    if let Some(state) = existing.as_ref().filter(|state| state.is_running()) {
        let message = format!(
            "a devnet runs already in {} ({})",
            directory.path().display(),
            state.chain_name
        );
        return Err(Failure::new("already_running", message)
            .with_exit(Exit::UnsafeRefused)
            .with_hint("look at it: logothete devnet status; stop it: logothete devnet down; or use another --dir"));
    }
    let mut state = match existing {
        Some(state) if !options.reset && !state.nodes.is_empty() => {
            check_fits(&state, options)?;
            state
        }
        _ => {
            directory.remove()?;
            let wish = Wish {
                nodes: options.nodes.unwrap_or(DEFAULT_NODES),
                seed: options.seed.unwrap_or(0),
            };
            create::create(directory, wish)?
        }
    };
    let mut ports = Ports::default();
    let base = options.base_port.unwrap_or(if state.base_port == 0 {
        DEFAULT_PORT
    } else {
        state.base_port
    });
    let moved = create::assign_ports(&mut state, &mut ports, base)?;
    state.proxied = options.proxied;
    state.ephemeral = options.ephemeral;
    state.down = false;
    create::configure(directory, &state, &mut ports)?;
    directory.save(&state)?;
    drop(lock);
    let describe = |(name, chosen): &(String, super::ports::Chosen)| {
        let wished = chosen.moved_from.unwrap_or_default();
        format!("{name} :{wished} was busy, now :{}", chosen.address.port())
    };
    Ok(moved.iter().map(describe).collect())
}

fn check_fits(state: &State, options: &Options) -> Result<(), Failure> {
    let nodes = state.nodes.len();
    let other_nodes = options.nodes.is_some_and(|wished| usize::from(wished) != nodes);
    let other_seed = options.seed.is_some_and(|wished| wished != state.seed);
    if other_nodes || other_seed {
        let message = format!("the devnet here has {nodes} validators and seed {}", state.seed);
        return Err(Failure::new("other_devnet", message)
            .with_exit(Exit::UnsafeRefused)
            .with_hint("begin a new chain with --reset, or use another --dir"));
    }
    Ok(())
}

/// Starts everything and waits until all validators vote.
async fn run_all(directory: &Directory) -> Result<(), Failure> {
    let state = lifecycle::load(directory)?;
    if state.proxied {
        start::proxies(directory)?;
    }
    for index in 0..state.nodes.len() {
        start::one(directory, index)?;
    }
    let state = lifecycle::load(directory)?;
    let began = Instant::now();
    loop {
        for node in &state.nodes {
            start::check_alive(node)?;
        }
        let look = Observation::take(&state).await;
        if look.voting() == state.nodes.len() && look.height() > 0 {
            return Ok(());
        }
        if began.elapsed() > READY_PATIENCE {
            let said = state.nodes.iter().enumerate().map(|(index, node)| {
                let summary = look.node(index).map_or("does not answer", |status| &status.summary);
                format!("{}: {summary}", node.name)
            });
            let message = format!(
                "not all validators vote after {}:\n{}",
                show::seconds(READY_PATIENCE),
                said.collect::<Vec<_>>().join("\n")
            );
            return Err(Failure::new("not_ready", message)
                .with_exit(Exit::Stalled)
                .with_hint("read the logs: logothete devnet logs"));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Renews the live line until interrupted, or until another command stopped the devnet.
async fn watch(
    directory: &Directory,
    ending: &mut Ending,
    printer: Printer,
) -> Result<(), Failure> {
    let mut interval = tokio::time::interval(LIVE_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = ending.wait() => return Ok(()),
            _ = interval.tick() => {}
        }
        let Some(state) = directory.load()? else { return Ok(()) };
        if state.down {
            return Ok(());
        }
        let look = tokio::select! {
            () = ending.wait() => return Ok(()),
            look = Observation::take(&state) => look,
        };
        printer.live(&live_line(&state, &look));
    }
}

fn live_line(state: &State, look: &Observation) -> String {
    let finality =
        look.finality_p50().map_or(String::new(), |p50| format!(" · p50 finality {p50} ms"));
    let (voting, nodes) = (look.voting(), state.nodes.len());
    let down: Vec<&str> =
        state.nodes.iter().filter(|node| !node.is_alive()).map(|node| node.name.as_str()).collect();
    let down =
        if down.is_empty() { String::new() } else { format!(" · down: {}", down.join(" ")) };
    format!(
        "  height {} · view {} · {voting}/{nodes} voting{finality}{down}",
        look.height(),
        look.view()
    )
}

fn banner(state: &State, spec: &Spec, printer: Printer) -> String {
    let first = state.nodes.first().map(super::directory::Node::url).unwrap_or_default();
    let set = spec.validator_set();
    let faulty = set.max_faulty();
    let nodes: Vec<String> =
        state.nodes.iter().map(|node| format!("{} :{}", node.name, node.rpc.port())).collect();
    let accounts: Vec<String> = ["alice", "bob"]
        .iter()
        .filter_map(|name| dev::account(name).zip(spec.account_named(name)))
        .map(|(account, entry)| {
            format!(
                "{} {} {}",
                printer.strong(account.name),
                account.address.short(),
                entry.balance
            )
        })
        .collect();
    [
        format!(
            "  {} {}     {} validators · tolerates {faulty} fault{} · chain {}{}",
            printer.strong("logothete"),
            env!("CARGO_PKG_VERSION"),
            state.nodes.len(),
            if faulty == 1 { "" } else { "s" },
            spec.chain_name,
            if state.proxied { " · fault proxies on every link" } else { "" },
        ),
        format!(
            "  explorer {}      JSON-RPC …/rpc   health …/readyz?verbose   metrics …/metrics",
            printer.strong(&first)
        ),
        format!("  nodes    {}", nodes.join("  ")),
        "  DEV ACCOUNTS (public keys, never reuse)".to_owned(),
        format!("  {}", accounts.join("    ")),
        "  try  logothete tx send alice bob 10   break it  logothete devnet kill v3   wipe it  logothete devnet wipe v2"
            .to_owned(),
    ]
    .join("\n")
}

fn ready_event(state: &State, directory: &Directory, took: Duration) -> serde_json::Value {
    let nodes: Vec<_> = state
        .nodes
        .iter()
        .map(|node| {
            json!({
                "name": node.name, "rpc": node.url(), "p2p": create::multiaddress(node.p2p),
                "key": node.key, "pid": node.process.map(|process| process.pid), "log": node.log(),
            })
        })
        .collect();
    let explorer = state.nodes.first().map(super::directory::Node::url);
    json!({
        "event": "ready", "explorer": explorer, "chain_id": state.chain_id, "chain_name": state.chain_name,
        "dir": directory.path(), "genesis": directory.genesis(), "seconds": took.as_secs_f64(), "nodes": nodes,
    })
}

fn forget(directory: &Directory, options: &Options) -> Result<(), Failure> {
    if options.ephemeral {
        directory.remove()?;
        directory.forget();
    }
    Ok(())
}

/// The signals that end a foreground devnet.
struct Ending {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Ending {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
