//! What the documents tell users to type works, and prints what they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Every document in the repository, by its path from the root.
fn documents() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for directory in ["", "docs", "docs/adr"] {
        for entry in fs::read_dir(root().join(directory))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                found.push(format!("{directory}/{name}").trim_start_matches('/').to_owned());
            }
        }
    }
    ensure!(found.len() > 30, "only {} documents were found", found.len());
    Ok(found)
}

/// What a text is made of: words, with the marks that names of files and options hold.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-./".contains(c))
        .map(|word| word.trim_end_matches(['.', '/', '-']))
}

/// What is typed of a line in a console block.
fn typed(line: &str) -> Option<&str> {
    let line = line.strip_prefix("$ ")?;
    Some(line.split(" #").next().unwrap_or(line).trim_end())
}

/// Named, and made by those who read: the first by running the fuzzer, the last by following the page.
const MADE_LATER: [&str; 3] =
    ["fuzz/corpus", "fuzz/artifacts/TARGET", "ledger/src/modules/notary.rs"];

/// A document names no file, test or script that is not there.
#[test]
fn what_documents_name_is_there() -> anyhow::Result<()> {
    const HOUSES: [&str; 12] = [
        "primitives/",
        "consensus/",
        "ledger/",
        "p2p/",
        "genesis/",
        "client/",
        "node/",
        "tests/",
        "scripts/",
        "deploy/",
        "fuzz/",
        "docs/",
    ];
    let mut missing = Vec::new();
    for document in documents()? {
        // What was there once is named by the history.
        if document == "CHANGELOG.md" || document.starts_with("docs/adr") {
            continue;
        }
        let text = text(&document)?;
        let files = words(&text).filter(|word| HOUSES.iter().any(|house| word.starts_with(house)));
        let files = files.filter(|file| !MADE_LATER.contains(file) && !root().join(file).exists());
        missing.extend(files.map(|file| format!("{document}: {file}")));
        let is_test = |name: &&str| {
            let places = [format!("{name}.rs"), format!("{name}/main.rs")];
            let tests = HOUSES.iter().map(|house| root().join(house).join("tests"));
            tests
                .flat_map(|tests| places.each_ref().map(|place| tests.join(place)))
                .any(|file| file.exists())
        };
        let tests = text.split("--test ").skip(1).filter_map(|rest| words(rest).next());
        let tests = tests.filter(|name| !is_test(name));
        missing.extend(tests.map(|name| format!("{document}: --test {name}")));
    }
    ensure!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
    Ok(())
}

/// Long work that documents for developers tell to type has the options they name.
#[test]
fn long_work_in_documents_can_be_typed() -> anyhow::Result<()> {
    let program = program()?;
    let mut seen = 0;
    for document in documents()? {
        for command in
            text(&document)?.lines().filter_map(typed).flat_map(|line| line.split(" && "))
        {
            let bench =
                command.strip_prefix("scripts/bench ").filter(|rest| !rest.starts_with("micro"));
            let arguments = match (command.strip_prefix("logothete "), bench) {
                (Some(arguments), _) => arguments.to_owned(),
                (None, Some(arguments)) => format!("bench {arguments}"),
                (None, None) => continue,
            };
            // Users' documents are followed to the letter, with all that a shell does.
            if arguments.contains(['\\', '>', '|', '$', '"', '\'', '&']) {
                continue;
            }
            seen += 1;
            let asked = arguments.split_whitespace().chain(["--help"]);
            let answer = Command::new(&program).args(asked).output()?;
            let said = String::from_utf8_lossy(&answer.stderr);
            ensure!(answer.status.success(), "{document}: {command}: {said}");
        }
    }
    ensure!(seen > 60, "only {seen} commands were found");
    Ok(())
}
