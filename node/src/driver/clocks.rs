//! What the proposals of the others say about their clocks.

use std::collections::VecDeque;

use logothete_consensus::BlockHeader;
use logothete_primitives::{BlockHash, TimestampMs, ValidatorIndex};

/// Proposals whose time is remembered, to be looked up by those that build on them.
const PARENTS_MAX: usize = 64;
/// Readings that count of each validator.
const READINGS: usize = 4;

/// The times of recent proposals, and what they say of each clock.
pub(super) struct Clocks {
    parents: VecDeque<(BlockHash, TimestampMs)>,
    /// By validator: by how many milliseconds its clock was ahead of ours, the newest last.
    readings: Vec<VecDeque<i64>>,
}

impl Clocks {
    pub(super) fn new(validators: usize) -> Self {
        Self { parents: VecDeque::new(), readings: vec![VecDeque::new(); validators] }
    }

    /// Takes a proposal that came from its proposer itself; gives by how many milliseconds that one's clock is ahead, as far as
    /// its last proposals say, if this one says anything about it.
    ///
    /// A proposer whose clock is behind takes the next millisecond after the parent instead (R2), as everybody does
    /// after a block of somebody whose clock is ahead. Such a time is nobody's clock. Neither is that of a proposal which
    /// came before: a leader repeats its own as long as the view lasts (R5).
    pub(super) fn read(&mut self, header: &BlockHeader, now_ms: u64) -> Option<i64> {
        let hash = header.hash();
        if self.parents.iter().any(|(known, _)| *known == hash) {
            return None;
        }
        let parent = self.parents.iter().rev().find(|(hash, _)| *hash == header.parent);
        let own_time = parent.is_some_and(|(_, parent)| header.timestamp > parent.next());
        self.remember(header);
        let readings = self.readings.get_mut(header.proposer.as_usize()).filter(|_| own_time)?;
        if readings.len() == READINGS {
            readings.pop_front();
        }
        let ahead = signed(header.timestamp.get()).saturating_sub(signed(now_ms));
        readings.push_back(ahead);
        self.ahead(header.proposer)
    }

    /// Remembers the time of a proposal, our own ones too.
    pub(super) fn remember(&mut self, header: &BlockHeader) {
        if self.parents.len() == PARENTS_MAX {
            self.parents.pop_front();
        }
        self.parents.push_back((header.hash(), header.timestamp));
    }

    /// By how much the clock of a validator is ahead. The way of a proposal makes every reading too small, so the
    /// largest is the nearest.
    pub(super) fn ahead(&self, index: ValidatorIndex) -> Option<i64> {
        self.readings.get(index.as_usize())?.iter().max().copied()
    }

    /// It was started again, or reached again: its clock may have been set.
    pub(super) fn forget(&mut self, index: ValidatorIndex) {
        if let Some(readings) = self.readings.get_mut(index.as_usize()) {
            readings.clear();
        }
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use logothete_consensus::Executed;
    use logothete_primitives::{Digest, Epoch, Height, PayloadHash, ReceiptsRoot, StateRoot, View};

    use super::*;

    fn header(proposer: u16, parent: BlockHash, timestamp: u64) -> BlockHeader {
        BlockHeader {
            epoch: Epoch::ZERO,
            view: View::new(7),
            height: Height::new(5),
            parent,
            parent_view: View::new(6),
            timestamp: TimestampMs::new(timestamp),
            proposer: ValidatorIndex::new(proposer),
            payload: PayloadHash::new(Digest::ZERO),
            executed: Executed {
                height: Height::ZERO,
                state_root: StateRoot::new(Digest::ZERO),
                receipts_root: ReceiptsRoot::new(Digest::ZERO),
            },
            next_set: None,
        }
    }

    #[test]
    fn a_time_taken_over_from_the_parent_is_nobodys_clock() {
        let mut clocks = Clocks::new(2);
        let (first, second) = (ValidatorIndex::new(0), ValidatorIndex::new(1));
        let ahead = header(0, BlockHash::ZERO, 69_000);
        assert_eq!(clocks.read(&ahead, 60_000), None, "nobody knows its parent");
        let after = header(1, ahead.hash(), 69_001);
        assert_eq!(clocks.read(&after, 60_100), None, "it had to be later than its parent");
        let again = header(0, after.hash(), 69_200);
        assert_eq!(clocks.read(&again, 60_200), Some(9_000));
        assert_eq!((clocks.ahead(first), clocks.ahead(second)), (Some(9_000), None));
    }

    #[test]
    fn a_proposal_that_is_repeated_counts_once() {
        let mut clocks = Clocks::new(1);
        let first = header(0, BlockHash::ZERO, 1_000);
        let second = header(0, first.hash(), 2_000);
        assert_eq!(clocks.read(&first, 1_000), None);
        assert_eq!(clocks.read(&second, 2_005), Some(-5));
        for late in 1..=30 {
            assert_eq!(clocks.read(&second, 2_000 + 500 * late), None, "{late}");
        }
        assert_eq!(clocks.ahead(ValidatorIndex::new(0)), Some(-5));
    }

    #[test]
    fn a_late_proposal_does_not_make_its_clock_slow() {
        let mut clocks = Clocks::new(1);
        let index = ValidatorIndex::new(0);
        let mut parent = BlockHash::ZERO;
        for (stamped, arrived) in [(1_000, 1_000), (2_000, 2_010), (3_000, 8_000)] {
            let header = header(0, parent, stamped);
            parent = header.hash();
            let _ = clocks.read(&header, arrived);
        }
        assert_eq!(clocks.ahead(index), Some(-10));
        clocks.forget(index);
        assert_eq!(clocks.ahead(index), None);
    }
}
