//! How far long work is, told while it goes on.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Blocks.
    Blocks,
    /// Entries of the state.
    Entries,
}

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The work, for people.
    pub work: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// How much is done.
    pub done: u64,
    /// How much there is; `None` where nobody knows before the end.
    pub total: Option<u64>,
}

/// Told of every step; what it does with it must not take long.
pub type Watch<'a> = dyn FnMut(Step) + 'a;
