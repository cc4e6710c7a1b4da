//! What can be wrong with a genesis file.

use std::fmt;

use logothete_ledger::params::ParamsFault;
use logothete_primitives::Amount;
use thiserror::Error;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, for example `validators[2].power`; empty for the file as a whole.
    pub place: String,
    /// The line in the file, when it was read from one.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: What,
}

impl Fault {
    /// A fault at a key.
    pub fn new(place: impl Into<String>, what: What) -> Self {
        Self { place: place.into(), line: None, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        self.what.fmt(f)
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum What {
    /// The text is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("unknown key{}", suggestion.map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    UnknownKey {
        /// The nearest key that would mean something, if one is near.
        suggestion: Option<&'static str>,
    },
    /// A key that must be there is not.
    #[error("is missing")]
    Missing,
    /// The value is of another type.
    #[error("is {got}; it must be {expected}")]
    WrongType {
        /// What is needed.
        expected: &'static str,
        /// What stands there.
        got: &'static str,
    },
    /// The number does not fit.
    #[error("{got} is out of range; it must be between {min} and {max}")]
    OutOfRange {
        /// Least value.
        min: u64,
        /// Greatest value.
        max: u64,
        /// What stands there.
        got: String,
    },
    /// The text is not an address, key or amount.
    #[error("{got:?} is not {expected}: {why}")]
    BadText {
        /// What is needed.
        expected: &'static str,
        /// What stands there.
        got: String,
        /// What the reader of such texts says.
        why: String,
    },
    /// A name that could not be shown or typed.
    #[error("{got:?} is not a name: 1 to {max} of a-z A-Z 0-9 . _ -")]
    BadName {
        /// Longest name.
        max: usize,
        /// What stands there.
        got: String,
    },
    /// Names must tell things apart.
    #[error("the name {name:?} is taken by {first}")]
    NameTaken {
        /// The name.
        name: String,
        /// Who has it.
        first: String,
    },
    /// A chain needs somebody who decides.
    #[error("there are no validators")]
    NoValidators,
    /// More of them than the protocol carries.
    #[error("{got} entries; at most {max} are allowed")]
    TooMany {
        /// The limit.
        max: usize,
        /// How many there are.
        got: usize,
    },
    /// A key is used twice.
    #[error("the same as {first}")]
    Duplicate {
        /// Where it was first.
        first: String,
    },
    /// The key is no point of the curve that could sign.
    #[error("is not a key that can sign")]
    UnusableKey,
    /// A validator without voting power.
    #[error("must be greater than zero")]
    Zero,
    /// The voting power together is too much for the arithmetic of quorums.
    #[error("the voting power together is more than {max}")]
    TotalPower {
        /// The limit.
        max: u64,
    },
    /// The balances together do not fit.
    #[error("the balances together are more than {max}")]
    Supply {
        /// The limit.
        max: Amount,
    },
    /// Not where a node could be reached.
    #[error("{got:?} is not an address such as /ip4/10.0.0.1/tcp/26600 or /dns/host/tcp/26600")]
    BadMultiaddr {
        /// What stands there.
        got: String,
    },
    /// A key that everybody knows, on a chain that matters.
    #[error("is the public development key of {name}; only a chain with `dev = true` may use it")]
    PublicKeyOfDev {
        /// Whose key.
        name: String,
    },
    /// A parameter that cannot be.
    #[error(transparent)]
    Params(#[from] ParamsFault),
}

/// Every fault that was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} {}", if count == 1 { "fault" } else { "faults" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
