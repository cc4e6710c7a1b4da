//! The rules of the house that a compiler does not check: arrows, purity, sizes, words.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use logothete_tests::documents::broken_links;

/// Who may depend on whom. `consensus`, `ledger` and `p2p` never see one another.
const ARROWS: &[(&str, &[&str])] = &[
    ("primitives", &[]),
    ("consensus", &["primitives"]),
    ("ledger", &["primitives"]),
    ("p2p", &["primitives"]),
    ("genesis", &["primitives", "ledger"]),
    ("client", &["primitives", "consensus", "ledger"]),
    ("node", &["primitives", "consensus", "ledger", "p2p", "genesis", "client"]),
    (
        "tests",
        &["primitives", "consensus", "ledger", "p2p", "genesis", "client", "node", "faulty-disk"],
    ),
    ("faulty-disk", &[]),
];

/// Crates with lints of their own: what stands in for the C library cannot be without `unsafe`.
const UNSAFE: &[&str] = &["faulty-disk"];

/// Crates in which the same input gives the same output, byte for byte.
const PURE: &[&str] = &["primitives", "consensus"];

/// What would make a pure crate depend on the hour, the machine or the moment.
const IMPURE: &[&str] = &[
    "std::time",
    "std::thread",
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::sync::mpsc",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "RandomState",
    "getrandom",
    "rand::",
    "tokio",
    "async fn",
    "f32",
    "f64",
    "static mut",
];

const LINES_MAX: usize = 600;

struct Source {
    /// Relative to the workspace.
    path: String,
    text: String,
}

impl Source {
    /// The lines that ship: without comments, and without a test module at the end.
    fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let opens_tests = |pair: &[&str]| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        };
        let end = lines.windows(2).position(opens_tests).unwrap_or(lines.len());
        let numbered = lines.into_iter().take(end).enumerate();
        numbered
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "benches" | "testing"))
    }

    fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|ending| ending.to_str()).unwrap_or("")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Metadata {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

/// All text of the repository, generated directories left out.
fn sources() -> Vec<Source> {
    fn walk(directory: &Path, root: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                let generated = ["target", ".git", "corpus", "artifacts", "devnet"];
                if !generated.contains(&name.as_str()) {
                    walk(&path, root, found);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    assert!(found.len() > 50, "the walk found next to nothing");
    found
}

fn rust() -> Vec<Source> {
    sources().into_iter().filter(|source| source.extension() == "rs").collect()
}

/// Source files of a crate, tests apart.
fn shipped_by(names: &[&str]) -> Vec<Source> {
    let of =
        |source: &Source| names.iter().any(|name| source.path.starts_with(&format!("{name}/src/")));
    rust().into_iter().filter(|source| of(source) && !source.is_test()).collect()
}

fn assert_none(faults: &[String], what: &str) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

/// Shipped lines that hold one of the words.
fn lines_with(sources: &[Source], words: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (number, line) in source.shipped() {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                faults.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    faults
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let short = |name: &str| name.strip_prefix("logothete-").map(str::to_owned);
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for package in metadata().workspace_packages() {
        let name = short(&package.name).expect("members are named logothete-*");
        let allowed = allowed.get(name.as_str()).expect("a new crate needs its arrows here");
        for dependency in package.dependencies.iter().filter_map(|found| short(&found.name)) {
            if !allowed.contains(&dependency.as_str()) {
                faults.push(format!("{name} -> {dependency}"));
            }
        }
        seen.insert(name);
    }
    assert_eq!(seen.len(), ARROWS.len(), "crates that the table names are missing");
    assert_none(&faults, "arrows that the design does not have");
}

#[test]
fn crates_take_versions_and_lints_from_the_workspace() {
    let mut faults = Vec::new();
    for package in metadata().workspace_packages() {
        let name = package.name.strip_prefix("logothete-").unwrap();
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        if !UNSAFE.contains(&name) && !manifest.contains("[lints]\nworkspace = true") {
            faults.push(format!("{name}: no workspace lints"));
        }
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
                faults.push(format!("{name}: {line}"));
            }
        }
    }
    assert_none(&faults, "manifests that leave the workspace");
}

#[test]
fn pure_crates_hold_nothing_impure() {
    for name in PURE {
        let lib = fs::read_to_string(root().join(name).join("src/lib.rs")).unwrap();
        assert!(lib.contains("no_std"), "{name} compiles without the standard library");
    }
    assert_none(&lines_with(&shipped_by(PURE), IMPURE), "impure words in pure crates");
}

#[test]
fn only_the_codec_names_its_library() {
    let mut sources = rust();
    sources.retain(|source| source.path != "primitives/src/codec.rs");
    let path = concat!("bincode", "::");
    let mut faults = Vec::new();
    for source in &sources {
        if source.text.contains(path) {
            faults.push(source.path.clone());
        }
    }
    assert_none(&faults, "files that name the codec's library");
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut faults = Vec::new();
    for source in rust() {
        let lines = source.text.lines().count();
        if lines >= LINES_MAX {
            faults.push(format!("{}: {lines} lines", source.path));
        }
        let head = source.text.lines().find(|line| !line.starts_with("#!")).unwrap_or("");
        if !source.is_test() && !head.starts_with("//!") {
            faults.push(format!("{}: does not begin with what it is for", source.path));
        }
    }
    assert_none(&faults, "files to mend");
}

#[test]
fn nothing_is_left_to_chance_or_to_do() {
    let names: Vec<&str> = ARROWS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !["tests", "faulty-disk"].contains(name))
        .collect();
    let words = [".unwrap()", "todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "XXX"];
    assert_none(&lines_with(&shipped_by(&names), &words), "unfinished lines");
}

/// What works on one machine only, or says whose it was.
#[test]
fn no_machine_is_named() {
    let mut paths: Vec<String> =
        ["main", "shared"].iter().map(|name| format!("/{}/{name}", "work")).collect();
    paths.push(format!("/{}/", "root"));
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if paths.iter().any(|path| line.contains(path)) {
                faults.push(format!("{}:{}: {line}", source.path, number + 1));
            }
        }
    }
    assert_none(&faults, "paths of one machine");
}

/// A rule is found from its number: in the document, in the code that enforces it, in a test.
#[test]
fn rules_are_cited_by_code_and_tests() {
    let document = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let code: String = shipped_by(&["consensus"]).into_iter().map(|source| source.text).collect();
    let of_consensus = |source: &Source| source.path.starts_with("consensus/") && source.is_test();
    let tests: String = rust().into_iter().filter(of_consensus).map(|source| source.text).collect();
    let cites = |text: &str, rule: &str| {
        text.match_indices(rule).any(|(at, _)| {
            let next = text[at + rule.len()..].chars().next();
            !next.is_some_and(|next| next.is_ascii_digit())
        })
    };
    let mut faults = Vec::new();
    for number in 0..=10 {
        let rule = format!("R{number}");
        let places = [("docs/protocol.md", &document), ("code", &code), ("tests", &tests)];
        for (place, text) in places {
            // R9 comes with governance; only its place is left.
            let excused = number == 9 && place == "tests";
            if !excused && !cites(text, &rule) {
                faults.push(format!("{rule} in {place}"));
            }
        }
    }
    assert_none(&faults, "rules that are not cited");
}

/// The table of bug classes names each class of the protocol document, and tests that exist.
#[test]
fn bug_classes_name_tests_that_exist() {
    let table = fs::read_to_string(root().join("docs/testing-bug-classes.md")).unwrap();
    let code: String = rust().into_iter().map(|source| source.text).collect();
    let mut faults = Vec::new();
    for number in 1..=25 {
        let row = table.lines().find(|line| line.starts_with(&format!("| {number} ")));
        let names: Vec<&str> =
            row.into_iter().flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        if names.is_empty() {
            faults.push(format!("class {number} has no test"));
        }
        let missing = names.into_iter().filter(|name| !code.contains(&format!("fn {name}(")));
        faults.extend(missing.map(|name| format!("class {number}: {name}")));
    }
    assert_none(&faults, "bug classes without their tests");
}

/// Links between our documents and to their headings, and from them to files.
#[test]
fn links_of_documents_lead_somewhere() {
    let sources = sources();
    let documents = sources.iter().filter(|source| source.extension() == "md");
    let documents: Vec<PathBuf> = documents.map(|source| root().join(&source.path)).collect();
    assert!(documents.len() > 30, "only {} documents were found", documents.len());
    assert_none(&broken_links(&documents).unwrap(), "links that lead nowhere");
}

/// Every page is in the table of contents of the book.
#[test]
fn the_book_has_every_page() {
    let contents = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let pages = sources();
    let pages = pages.iter().filter_map(|source| source.path.strip_prefix("docs/"));
    let unlisted: Vec<String> = pages
        .filter(|page| page.ends_with(".md") && *page != "SUMMARY.md")
        .filter(|page| !contents.contains(&format!("({page})")))
        .map(str::to_owned)
        .collect();
    assert_none(&unlisted, "pages that docs/SUMMARY.md does not name");
}

/// The calls of a source that log at a level: where, and what follows the bracket.
fn logged<'a>(source: &'a Source, level: &str) -> Vec<(String, &'a str)> {
    let call = format!("{level}!(");
    let calls = source.text.match_indices(&call).map(|(at, call)| at + call.len());
    let place = |at| format!("{}:{}", source.path, source.text[..at].lines().count());
    calls.map(|at| (place(at), source.text[at..].trim_start())).collect()
}

/// The name of the event that a call logs.
fn event(call: &str) -> Option<&str> {
    let (name, _) = call.strip_prefix("event = \"")?.split_once('"')?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
    (name.contains('.') && name.chars().all(good)).then_some(name)
}

#[test]
fn every_line_of_the_log_has_the_name_of_an_event() {
    let mut nameless = Vec::new();
    for source in shipped_by(&["node", "p2p", "ledger", "client", "genesis"]) {
        for level in ["trace", "debug", "info", "warn", "error"] {
            let calls = logged(&source, level);
            let calls = calls.into_iter().filter(|(_, call)| event(call).is_none());
            nameless.extend(calls.map(|(place, _)| place));
        }
    }
    assert_none(&nameless, "lines of the log without `event = \"area.what\"` in front");
}

/// Whoever reads a warning finds what it means and what to do, and no page explains what nobody says.
#[test]
fn warnings_and_errors_of_the_log_are_explained() {
    let page = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    let (_, section) = page.split_once("\n## The log\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let mut explained = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let names = cells[0].split('`').skip(1).step_by(2);
        explained.extend(names.map(|name| (cells[1].to_lowercase(), name.to_owned())));
    }
    let mut said = BTreeSet::new();
    for source in shipped_by(&["node", "p2p", "ledger", "client", "genesis"]) {
        // What tells developers about their measurements is no line of a node.
        if source.path.starts_with("node/src/bench/") {
            continue;
        }
        for level in ["warn", "error"] {
            let calls = logged(&source, level);
            let names = calls.iter().filter_map(|(_, call)| event(call));
            said.extend(names.map(|name| (level.to_owned(), name.to_owned())));
        }
    }
    assert!(said.len() > 30, "only {} events were found", said.len());
    assert_eq!(explained, said, "docs/monitoring.md, left, and the code, right");
}
