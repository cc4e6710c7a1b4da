//! What the documents tell users to type works, and prints what they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use logothete_tests::documents::{Terminal, read};
use logothete_tests::network::program;

/// Commands that other tests run, because of the time that they take.
const ELSEWHERE: [(&str, &str); 3] = [
    ("scripts/test", "it runs this test"),
    ("scripts/bench", "node/tests/bench.rs"),
    ("prometheus ", "tests/tests/monitoring.rs"),
];
/// Documents take turns: each runs a network.
static TURN: Mutex<()> = Mutex::new(());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(document: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(document)).with_context(|| document.to_owned())
}

/// Runs every command of a document, in one terminal.
fn follow(document: &str) -> anyhow::Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let steps = read(&text(document)?);
    ensure!(!steps.is_empty(), "{document} has no commands");
    let mut terminal = Terminal::open(&program()?)?;
    for step in steps {
        if !ELSEWHERE.iter().any(|(command, _)| step.command.starts_with(command)) {
            terminal.run(&step).with_context(|| document.to_owned())?;
        }
    }
    Ok(())
}

#[test]
fn the_readme_does_what_it_says() -> anyhow::Result<()> {
    follow("README.md")
}

#[test]
fn the_quickstart_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/quickstart.md")
}

#[test]
fn the_operators_guide_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/operators.md")
}

#[test]
fn troubleshooting_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/troubleshooting.md")
}

#[test]
fn the_page_on_the_chain_file_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/genesis.md")
}

#[test]
fn the_page_on_monitoring_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/monitoring.md")
}

#[test]
fn the_page_on_the_interface_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/rpc.md")
}

#[test]
fn the_page_on_the_command_line_does_what_it_says() -> anyhow::Result<()> {
    follow("docs/cli.md")
}

/// Who is woken by an alert finds it by its name.
#[test]
fn troubleshooting_names_every_alert() -> anyhow::Result<()> {
    let page = text("docs/troubleshooting.md")?;
    let rules = text("deploy/monitoring/alerts.yml")?;
    let alerts: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    ensure!(alerts.len() > 10, "only {} alerts were found", alerts.len());
    let unnamed: Vec<_> = alerts.iter().filter(|alert| !page.contains(**alert)).collect();
    ensure!(unnamed.is_empty(), "not in docs/troubleshooting.md: {unnamed:?}");
    Ok(())
}

/// Who reads `why` finds what it names.
#[test]
fn troubleshooting_names_every_obstacle() -> anyhow::Result<()> {
    let page = text("docs/troubleshooting.md")?;
    let table = text("docs/rpc.md")?;
    let (_, rows) = table.split_once("| `obstacle` |").context("rpc.md lists the obstacles")?;
    let rows = rows.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names: BTreeSet<&str> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split(','))
        .map(str::trim)
        .collect();
    ensure!(names.len() > 15, "only {} obstacles were found", names.len());
    let unnamed: Vec<_> = names.iter().filter(|name| !page.contains(**name)).collect();
    ensure!(unnamed.is_empty(), "not in docs/troubleshooting.md: {unnamed:?}");
    Ok(())
}

/// Commands stand in blocks that are run, not in blocks that only look so.
#[test]
fn commands_of_users_documents_stand_in_blocks_that_are_run() -> anyhow::Result<()> {
    let documents = [
        "README.md",
        "docs/quickstart.md",
        "docs/operators.md",
        "docs/troubleshooting.md",
        "docs/genesis.md",
        "docs/cli.md",
        "docs/explorer.md",
        "docs/monitoring.md",
        "docs/rpc.md",
    ];
    for document in documents {
        let text = text(document)?;
        let mut fence = None;
        for (index, line) in text.lines().enumerate() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                fence = fence.is_none().then(|| language.to_owned());
                ensure!(!matches!(language, "sh" | "bash" | "shell"), "{document}:{}", index + 1);
            } else if fence.as_deref().is_some_and(|language| language != "console") {
                ensure!(!line.starts_with("$ "), "{document}:{}: not run: {line}", index + 1);
            }
        }
    }
    Ok(())
}
