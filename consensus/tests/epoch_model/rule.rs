//! The conditions of R9, one by one, so that each can be removed.

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Votes, and what is made of them, name their epoch.
    VotesNameEpoch,
    /// So do timeouts.
    TimeoutsNameEpoch,
    /// An epoch begins when the block that ends the one before is final, not when it has a QC.
    BeginsWhenFinal,
    /// The first block of an epoch stands on the block that ends the one before, not on one that follows it.
    BeginsOnEnd,
    /// A CC for a block after the end makes the end final, and nothing after it.
    NothingAfterEnd,
    /// Only empty blocks follow the end.
    EmptyAfterEnd,
    /// What was signed in an epoch is no memory of the next.
    FreshMarks,
    /// Views begin at 1.
    ViewsFromOne,
    /// The marks name their epoch: those of an epoch are no memory of the one before.
    MarksNameEpoch,
    /// The end and its certificate are durable before anything is signed in the next epoch.
    EndIsDurable,
    /// Who has begun an epoch signs nothing in the one before.
    OldEpochIsOver,
}
