//! Starting and stopping the processes of a devnet.

use std::path::PathBuf;
use std::time::Duration;

use super::directory::{Directory, Node, State};
use super::lifecycle;
use super::process::{self, Process};
use crate::cli::output::Failure;

/// How long a node may take to stop in good order before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// The program that runs the nodes: this one.
///
/// # Errors
/// The system does not say where it is.
pub fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::new("io", format!("where am I? {error}")))
}

/// Starts one node that does not run, and records its process.
///
/// # Errors
/// It runs already, or cannot be started.
pub fn one(directory: &Directory, index: usize) -> Result<Node, Failure> {
    let program = program()?;
    directory
        .update(|state| {
            let Some(node) = state.nodes.get_mut(index) else {
                return Err(Failure::usage("there is no such node"));
            };
            if node.is_alive() {
                let message = format!(
                    "{} runs already (pid {})",
                    node.name,
                    node.process.map_or(0, |p| p.pid)
                );
                return Err(Failure::new("already_running", message));
            }
            let home = node.home.display().to_string();
            node.process = Some(Process::spawn(&program, &["run", "--home", &home], &node.log())?);
            Ok(node.clone())
        })
        .map_err(Failure::from)
        .flatten()
}

/// Starts the process of the fault proxies, and records it.
///
/// # Errors
/// It cannot be started.
pub fn proxies(directory: &Directory) -> Result<(), Failure> {
    let program = program()?;
    let path = directory.path().display().to_string();
    let arguments = ["devnet", "proxy", "--dir", &path];
    let process = Process::spawn(&program, &arguments, &directory.path().join("proxy.log"))?;
    Ok(directory.update(|state| state.proxy = Some(process))?)
}

/// A failure with the end of the log if a node's process is gone.
///
/// # Errors
/// It is gone.
pub fn check_alive(node: &Node) -> Result<(), Failure> {
    if node.is_alive() {
        return Ok(());
    }
    let log = node.log();
    let message = format!("{} ended:\n{}", node.name, process::last_lines(&log, 8));
    Err(Failure::new("node_ended", message).with_hint(format!("its whole log: {}", log.display())))
}

/// Stops every process in good order and records it; gives the names of those that had to be killed.
///
/// # Errors
/// The state file cannot be read or written.
pub fn stop_all(directory: &Directory) -> Result<Vec<String>, Failure> {
    let state = lifecycle::load(directory)?;
    for process in state.nodes.iter().filter_map(|node| node.process) {
        process.ask_to_stop();
    }
    let mut killed = Vec::new();
    for node in &state.nodes {
        if let Some(process) = node.process
            && !process.ended_within(STOP_PATIENCE)
        {
            process.kill();
            killed.push(node.name.clone());
        }
    }
    if let Some(proxy) = state.proxy {
        proxy.kill();
    }
    directory.update(|state: &mut State| {
        state.proxy = None;
        state.down = true;
        for node in &mut state.nodes {
            node.process = None;
            node.stopped_at = None;
        }
    })?;
    Ok(killed)
}
