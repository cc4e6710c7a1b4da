//! The three lanes between two peers: what each is for and how much it may hold.

use std::fmt;

use logothete_primitives::limits;

/// A long-lived ordered stream between two peers. Lanes do not wait for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Proposals, votes, timeouts, certificates: small and urgent.
    Consensus,
    /// Batches of transactions and their acknowledgements.
    Batches,
    /// Requests for blocks, batches and state, and the answers to them.
    Sync,
}

impl Lane {
    /// All lanes, most urgent first.
    pub const ALL: [Self; 3] = [Self::Consensus, Self::Batches, Self::Sync];

    /// Position in [`Lane::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Consensus => 0,
            Self::Batches => 1,
            Self::Sync => 2,
        }
    }

    /// The longest frame body that may travel on this lane. Longer ones are refused before
    /// memory is allocated for them.
    pub const fn max_frame_bytes(self) -> usize {
        match self {
            Self::Consensus => limits::MAX_CONSENSUS_FRAME_BYTES,
            Self::Batches => limits::MAX_BATCHES_FRAME_BYTES,
            Self::Sync => limits::MAX_SYNC_FRAME_BYTES,
        }
    }

    /// The lane's name, as in logs, metrics and protocol ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Batches => "batches",
            Self::Sync => "sync",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
