//! How far long work is, for people: what is done, how fast, and how long the rest takes at that rate.
//!
//! On a terminal it is one line that is rewritten, otherwise a line every few seconds; nothing under `--json`. It goes to
//! standard error, so the answer stays alone on standard output.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use logothete_ledger::progress::{Step, Unit};

use super::output::Printer;
use super::show;

/// Between two drawings of the line on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Between two lines elsewhere.
const LINES: Duration = Duration::from_secs(5);
/// Before this nobody can say how long the rest takes.
const MEASURED: Duration = Duration::from_secs(2);

/// Shows how far the work is.
#[derive(Debug)]
pub struct Meter {
    printer: Printer,
    terminal: bool,
    /// The work that goes on, when it began and where.
    stage: Option<(&'static str, Instant, u64)>,
    told: Instant,
    drawn: bool,
}

impl Meter {
    /// A meter that has shown nothing yet.
    #[must_use]
    pub fn new(printer: Printer) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { printer, terminal, stage: None, told: Instant::now(), drawn: false }
    }

    /// Takes note of a step, and shows it when it is time to.
    pub fn at(&mut self, step: Step) {
        let now = Instant::now();
        let (began, first) = match self.stage {
            Some((work, began, first)) if work == step.work => (began, first),
            _ => {
                self.stage = Some((step.work, now, step.done));
                (now, step.done)
            }
        };
        let pause = if self.terminal { REDRAW } else { LINES };
        if self.printer.json || now.duration_since(self.told) < pause {
            return;
        }
        self.told = now;
        let text = describe(step, first, now.duration_since(began));
        if self.terminal {
            self.drawn = true;
            let mut out = std::io::stderr();
            let _ = write!(out, "\r\x1b[2K{text}");
            let _ = out.flush();
        } else {
            self.printer.progress(&text);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.drawn {
            // What follows has the line for itself.
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

/// One line: `blocks 1,200 of 5,000 · 24% · 600 a second · 6.3 s left`.
fn describe(step: Step, first: u64, took: Duration) -> String {
    let mut text = format!("{} {}", step.work, amount(step.unit, step.done));
    if let Some(total) = step.total {
        let percent = (step.done * 100).checked_div(total).unwrap_or(100);
        text.push_str(&format!(" of {} · {percent}%", amount(step.unit, total)));
    }
    let done = step.done.saturating_sub(first);
    if took < MEASURED || done == 0 {
        return text;
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = done as f64 / took.as_secs_f64();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people"
    )]
    text.push_str(&format!(" · {} a second", amount(step.unit, rate as u64)));
    if let Some(left) = step.total.map(|total| total.saturating_sub(step.done)) {
        #[allow(clippy::cast_precision_loss, reason = "a time for people")]
        let left = Duration::try_from_secs_f64(left as f64 / rate).unwrap_or(Duration::MAX);
        text.push_str(&format!(" · {} left at this rate", show::duration(left)));
    }
    text
}

/// An amount in its unit: bytes as megabytes, the others counted.
fn amount(unit: Unit, count: u64) -> String {
    match unit {
        Unit::Bytes => format!("{}.{} MB", show::grouped(count / 1_000_000), count / 100_000 % 10),
        Unit::Blocks | Unit::Entries => show::grouped(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_rest_are_told_only_when_they_are_known() {
        let step = Step { work: "blocks", unit: Unit::Blocks, done: 1_200, total: Some(5_000) };
        assert_eq!(describe(step, 0, Duration::ZERO), "blocks 1,200 of 5,000 · 24%");
        assert_eq!(
            describe(step, 200, Duration::from_secs(4)),
            "blocks 1,200 of 5,000 · 24% · 250 a second · 15.2 s left at this rate"
        );
        let open = Step { work: "state", unit: Unit::Entries, done: 8_000, total: None };
        assert_eq!(describe(open, 0, Duration::from_secs(2)), "state 8,000 · 4,000 a second");
        let bytes = Step { work: "files", unit: Unit::Bytes, done: 0, total: Some(0) };
        assert_eq!(describe(bytes, 0, Duration::ZERO), "files 0.0 MB of 0.0 MB · 100%");
    }
}
