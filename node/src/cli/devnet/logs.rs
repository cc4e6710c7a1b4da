//! `devnet logs`.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::output::{Outcome, Printer, Reply};
use crate::devnet::directory::{Directory, Node};
use crate::devnet::{lifecycle, process};

/// Arguments of `devnet logs`.
#[derive(Args, Debug)]
pub struct Logs {
    /// Names; all without one.
    nodes: Vec<String>,
    /// Lines from the end.
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: usize,
    /// Go on with what is added.
    #[arg(short, long)]
    follow: bool,
}

/// Prints the ends of logs, and goes on with what is added.
///
/// # Errors
/// There is no devnet, or no such node.
pub async fn show(directory: &Directory, logs: &Logs, printer: Printer) -> Outcome {
    let state = lifecycle::load(directory)?;
    let indexes = if logs.nodes.is_empty() {
        (0..state.nodes.len()).collect()
    } else {
        lifecycle::indexes(&state, &logs.nodes)?
    };
    let nodes: Vec<&Node> = indexes.iter().filter_map(|index| state.nodes.get(*index)).collect();
    let prefix = |node: &Node, line: &str| {
        if nodes.len() > 1 { format!("{} | {line}", node.name) } else { line.to_owned() }
    };
    let mut data = Vec::new();
    for node in &nodes {
        let lines = process::last_lines(&node.log(), logs.lines);
        for line in lines.lines().filter(|_| !printer.json) {
            printer.line(&prefix(node, line));
        }
        data.push(json!({ "name": node.name, "log": node.log(), "lines": lines.lines().collect::<Vec<_>>() }));
    }
    if logs.follow && !printer.json {
        let mut tails: Vec<Tail> = nodes.iter().map(|node| Tail::at_end(node.log())).collect();
        loop {
            for (node, tail) in nodes.iter().zip(&mut tails) {
                for line in tail.added() {
                    printer.line(&prefix(node, &line));
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(Reply::new(data, ""))
}

/// The growing end of a file.
struct Tail {
    path: PathBuf,
    at: u64,
}

impl Tail {
    fn at_end(path: PathBuf) -> Self {
        let at = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self { path, at }
    }

    /// Whole lines added since the last call; a file that became shorter is read from its start.
    fn added(&mut self) -> Vec<String> {
        let Ok(mut file) = std::fs::File::open(&self.path) else { return Vec::new() };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        if length < self.at {
            self.at = 0;
        }
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(self.at)).and_then(|_| file.read_to_end(&mut bytes));
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if read.is_err() || whole == 0 {
            return Vec::new();
        }
        self.at += u64::try_from(whole).unwrap_or(0);
        bytes.truncate(whole);
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}
