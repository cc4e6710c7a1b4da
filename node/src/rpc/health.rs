//! `/livez` and `/readyz`: what a supervisor and a load balancer ask.

use std::fmt::Write as _;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, for people.
    pub detail: String,
}

impl Check {
    /// A check with its finding.
    pub fn new(name: &'static str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name, ok, detail: detail.into() }
    }
}

/// What a node can say of its own health.
pub trait Health {
    /// Whether every stage makes progress; when not, the process should be restarted.
    fn live(&self) -> Vec<Check>;
    /// Whether reads are fresh and writes are taken; when not, clients should go elsewhere.
    fn ready(&self) -> Vec<Check>;
}

/// The text of a probe: one word, or one line for each check.
pub(super) fn report(checks: &[Check], verbose: bool) -> String {
    let ok = checks.iter().all(|check| check.ok);
    let mut text = String::new();
    for check in checks.iter().filter(|check| verbose || !check.ok) {
        let sign = if check.ok { "[+]" } else { "[-]" };
        let _ = writeln!(text, "{sign} {}: {}", check.name, check.detail);
    }
    text.push_str(if ok { "ok\n" } else { "failing\n" });
    text
}
