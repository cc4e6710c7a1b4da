//! What was looked at and what was found.

use serde::Serialize;

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It works, and may not work for long or not well.
    Warning,
    /// The node does not run, or not safely, before this is mended.
    Fault,
    /// It could not be looked at.
    NotChecked,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
            Self::NotChecked => "not checked",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at: a stable word.
    pub name: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// What was found, for people.
    pub detail: String,
    /// What to do; nothing where all is well.
    pub advice: Option<String>,
}

impl Check {
    /// All is well.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, detail: detail.into(), advice: None }
    }

    /// It may not work for long or not well.
    pub fn warning(
        name: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(name, Verdict::Warning, detail.into(), advice.into())
    }

    /// It does not work.
    pub fn fault(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::with_advice(name, Verdict::Fault, detail.into(), advice.into())
    }

    /// It could not be looked at.
    pub fn not_checked(
        name: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(name, Verdict::NotChecked, detail.into(), advice.into())
    }

    fn with_advice(name: &'static str, verdict: Verdict, detail: String, advice: String) -> Self {
        Self { name, verdict, detail, advice: Some(advice) }
    }

    /// Whether it is a fault.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        self.verdict == Verdict::Fault
    }
}
