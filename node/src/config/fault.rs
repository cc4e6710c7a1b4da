//! What can be wrong with a configuration.

use thiserror::Error;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Fault {
    /// A name that is not in the table.
    #[error("unknown key `{name}` in {origin}{}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    UnknownKey {
        /// The name as written.
        name: String,
        /// Where it was written.
        origin: String,
        /// The nearest known name, if one is near.
        suggestion: Option<String>,
    },
    /// A value of the wrong shape.
    #[error("`{name}` in {origin}: {got} is not {expected}")]
    BadValue {
        /// The key.
        name: &'static str,
        /// Where the value was written.
        origin: String,
        /// What is allowed.
        expected: String,
        /// What was written.
        got: String,
    },
    /// A value that needs another one.
    #[error("`{name}` in {origin} needs `{needs}`: {advice}")]
    Incomplete {
        /// The key.
        name: &'static str,
        /// Where it was written.
        origin: String,
        /// The key that is missing.
        needs: &'static str,
        /// Where its value comes from.
        advice: &'static str,
    },
    /// The file is not TOML.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {message}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        message: String,
    },
}

/// Every fault that was found; never empty.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(pub Vec<Fault>);
