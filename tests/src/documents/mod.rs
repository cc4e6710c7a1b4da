//! The commands of our documents, run as a reader would type them.
//!
//! A document's commands stand in fenced blocks called `console`: lines that begin with `$ `, each
//! followed by what it prints. [`read`] finds them, [`Terminal`] runs them, and [`shape`] says whether
//! what was printed has the form that the document shows. [`broken_links`] finds links that lead nowhere.

mod links;
mod shape;
mod terminal;

pub use links::broken as broken_links;
pub use shape::{Shape, missing};
pub use terminal::Terminal;

/// One command of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// Line of the document that it stands on, from 1.
    pub line: usize,
    /// What is typed.
    pub command: String,
    /// What the document shows below it.
    pub shown: Vec<String>,
}

/// The commands of a document, in its order.
pub fn read(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut continued) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            inside = !inside && fence == "console";
            continued = false;
            continue;
        }
        if !inside {
            continue;
        }
        let last = steps.last_mut();
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: index + 1, command: command.to_owned(), shown: Vec::new() });
        } else if let (true, Some(step)) = (continued, last) {
            step.command.push('\n');
            step.command.push_str(line);
        } else if let Some(step) = steps.last_mut() {
            if !line.trim().is_empty() {
                step.shown.push(line.to_owned());
            }
            continue;
        }
        continued = line.ends_with('\\');
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_with_what_they_print() {
        let text = "words\n```console\n$ one  # first\n  printed\n\n$ two \\\n    --flag\n```\n$ no\n```sh\n$ no\n```\n```console\n$ three\n```\n";
        let step = |line, command: &str, shown: &[&str]| Step {
            line,
            command: command.into(),
            shown: shown.iter().map(|line| (*line).to_owned()).collect(),
        };
        let found = read(text);
        assert_eq!(
            found,
            [
                step(3, "one  # first", &["  printed"]),
                step(6, "two \\\n    --flag", &[]),
                step(14, "three", &[])
            ]
        );
    }
}
