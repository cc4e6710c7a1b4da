//! What a command answers: one envelope under `--json`, text otherwise, and the exit code.
//!
//! Data goes to standard output, progress and errors to standard error (under `--json` an error is
//! an envelope on standard output too, so that a script reads one place).

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

/// Version of the envelope's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// How a process ends; the numbers are part of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed.
    Failure = 1,
    /// Wrong use of the command line or a bad configuration.
    Usage = 2,
    /// The node is not synced.
    NotSynced = 3,
    /// The chain is stalled.
    Stalled = 4,
    /// The transaction was rejected, or executed and failed.
    Rejected = 5,
    /// The outcome is not known yet; the hash is printed.
    Unknown = 6,
    /// A proof or certificate does not verify.
    VerificationFailed = 7,
    /// Refused because it would be unsafe.
    UnsafeRefused = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A good answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// For `--json`.
    pub data: Value,
    /// For people.
    pub text: String,
    /// Usually [`Exit::Ok`]; an answer can also be "no".
    pub exit: Exit,
}

impl Reply {
    /// An answer in both forms.
    ///
    /// # Panics
    /// Never for our data types: their keys are strings and their numbers finite.
    pub fn new(data: impl Serialize, text: impl Into<String>) -> Self {
        let data =
            serde_json::to_value(data).expect("reply types have string keys and finite numbers");
        Self { data, text: text.into(), exit: Exit::Ok }
    }

    /// The same answer with another exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// A bad answer: what, why, and what to do next.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Stable word for programs.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The exit code.
    pub exit: Exit,
    /// What is known in spite of the failure, such as a transaction's hash.
    pub data: Value,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, hint: None, exit: Exit::Failure, data: Value::Null }
    }

    /// A wrong use of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", message).with_exit(Exit::Usage)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Adds what is known in spite of the failure.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::BrokenPipe { "closed" } else { "io" };
        Self::new(code, error.to_string())
    }
}

impl From<crate::config::Faults> for Failure {
    fn from(faults: crate::config::Faults) -> Self {
        let lines: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
        Self::new("bad_config", lines.join("\n"))
            .with_exit(Exit::Usage)
            .with_hint("`logothete config show` lists every key, its value and where it comes from")
    }
}

/// What every command returns.
pub type Outcome = Result<Reply, Failure>;

/// Where and how to print.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Envelopes instead of text.
    pub json: bool,
    colour: bool,
}

impl Printer {
    /// Colour only on a terminal that wants it.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let colour =
            !json && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour }
    }

    /// Prints the outcome and gives the exit code.
    pub fn finish(self, outcome: Outcome) -> ExitCode {
        match outcome {
            Ok(reply) => {
                if self.json {
                    self.line(&envelope(reply.exit == Exit::Ok, &reply.data, None).to_string());
                } else if !reply.text.is_empty() {
                    self.line(reply.text.trim_end());
                }
                reply.exit.into()
            }
            Err(failure) => {
                if self.json {
                    self.line(&envelope(false, &failure.data, Some(&failure)).to_string());
                } else {
                    eprintln!("{}", self.describe(&failure));
                }
                failure.exit.into()
            }
        }
    }

    /// One line (or block of lines) of data; a closed pipe is the reader's wish, not a fault.
    pub fn line(self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// One line of progress for people; nothing under `--json`.
    pub fn progress(self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// A line that replaces itself on a terminal.
    pub fn live(self, text: &str) {
        if !self.json && std::io::stdout().is_terminal() {
            let mut out = std::io::stdout();
            let _ = write!(out, "\r\x1b[2K{text}");
            let _ = out.flush();
        }
    }

    /// Marks success.
    #[must_use]
    pub fn tick(self) -> &'static str {
        if self.colour { "\x1b[32m✔\x1b[0m" } else { "✔" }
    }

    /// Text in bold.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Text of less weight.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        if self.colour { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn describe(self, failure: &Failure) -> String {
        let mut lines = failure.message.lines();
        let mut text = format!("error: {}", lines.next().unwrap_or("failed"));
        for line in lines {
            text.push_str("\n       ");
            text.push_str(line);
        }
        if let Some(hint) = &failure.hint {
            text.push_str("\n hint: ");
            text.push_str(hint);
        }
        text
    }
}

/// The envelope of every answer under `--json`.
#[must_use]
pub fn envelope(success: bool, data: &Value, failure: Option<&Failure>) -> Value {
    let errors: Vec<Value> = failure
        .iter()
        .map(|failure| json!({ "code": failure.code, "message": failure.message, "hint": failure.hint }))
        .collect();
    json!({ "schema_version": SCHEMA_VERSION, "success": success, "data": data, "errors": errors })
}

/// Rows under headings, columns as wide as needed.
#[must_use]
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A long hexadecimal text cut to `8f3c…21aa`.
#[must_use]
pub fn short(hex: &str) -> String {
    match (hex.get(..4), hex.len().checked_sub(4).and_then(|at| hex.get(at..))) {
        (Some(head), Some(tail)) if hex.len() > 12 => format!("{head}…{tail}"),
        _ => hex.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_the_same_four_fields_always() {
        let good = envelope(true, &json!({ "a": "1" }), None);
        assert_eq!(
            good,
            json!({ "schema_version": 1, "success": true, "data": { "a": "1" }, "errors": [] })
        );
        let failure = Failure::new("x", "y").with_hint("z");
        let bad = envelope(false, &Value::Null, Some(&failure));
        let errors = json!([{ "code": "x", "message": "y", "hint": "z" }]);
        assert_eq!(
            bad,
            json!({ "schema_version": 1, "success": false, "data": null, "errors": errors })
        );
    }

    #[test]
    fn columns_are_as_wide_as_needed() {
        let rows =
            [vec!["v0".to_owned(), "1".to_owned()], vec!["validator".to_owned(), "22".to_owned()]];
        assert_eq!(
            table(&["name", "power"], &rows),
            "name       power\nv0         1\nvalidator  22\n"
        );
    }

    #[test]
    fn a_hash_is_cut_in_the_middle() {
        assert_eq!(short("8f3c00000000000021aa"), "8f3c…21aa");
        assert_eq!(short("abc"), "abc");
    }
}
