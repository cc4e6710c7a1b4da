//! `man --out DIR`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use serde_json::json;

use super::output::{Failure, Outcome, Reply};

/// Manual pages, one for each command.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  logothete man --out ~/.local/share/man/man1 && man logothete-tx-send\n  logothete man --out ./man1"
)]
pub struct Man {
    /// Directory for the pages; made if it is missing. Pages of these names are written over.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// A directory or a file that cannot be written.
pub fn perform(command: &Man) -> Outcome {
    let dir = &command.out;
    let failed = |error: std::io::Error| {
        Failure::new("io", format!("cannot write into {}: {error}", dir.display()))
            .with_hint("choose another directory with --out")
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let mut names = Vec::new();
    for page in pages() {
        page.generate_to(dir).map_err(failed)?;
        names.push(page.get_filename());
    }
    let text = format!(
        "{} pages in {}; `man {}` shows the first",
        names.len(),
        dir.display(),
        dir.join("logothete.1").display()
    );
    Ok(Reply::new(json!({ "dir": dir, "pages": names }), text))
}

/// A page for every command that is not hidden, the whole first.
fn pages() -> Vec<Page> {
    fn visit(command: &clap::Command, pages: &mut Vec<Page>) {
        pages.push(Page::new(command.clone()));
        let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        inner.for_each(|inner| visit(inner, pages));
    }
    // `help` would have a page of its own for each command once more.
    let mut command = super::Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    visit(&command, &mut pages);
    pages
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cli::tests::paths;

    #[test]
    fn every_command_has_a_page_with_its_example() {
        let pages = pages();
        let names: Vec<String> = pages.iter().map(Page::get_filename).collect();
        let expected: Vec<String> =
            paths().iter().map(|path| format!("{}.1", path.replace(' ', "-"))).collect();
        assert_eq!(names, expected);
        for page in pages {
            let mut text = Vec::new();
            page.render(&mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("Example"), "no example in {}", page.get_filename());
        }
    }
}
