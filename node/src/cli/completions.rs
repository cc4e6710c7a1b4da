//! `completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use super::output::Reply;

/// Completion scripts for shells.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  logothete completions bash > ~/.local/share/bash-completion/completions/logothete"
)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Generates the script from the command tree.
#[must_use]
pub fn perform(command: &Completions) -> Reply {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut super::Cli::command(), "logothete", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Reply::new(json!({ "shell": command.shell.to_string(), "script": script }), script)
}
