//! The search for batches that are named but not held.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use logothete_ledger::batch::BatchRef;
use logothete_primitives::{BatchHash, ValidatorIndex};

/// Batches that somebody named, and who is asked for them.
#[derive(Debug)]
pub struct Search {
    /// What is still missing.
    pub missing: BTreeSet<BatchHash>,
    authors: BTreeMap<BatchHash, ValidatorIndex>,
    proposer: ValidatorIndex,
    ask_at: Duration,
    attempts: u32,
}

impl Search {
    /// A search that asks for the first time at `ask_at`.
    pub fn new(
        ask_at: Duration,
        proposer: ValidatorIndex,
        references: &[BatchRef],
        missing: BTreeSet<BatchHash>,
    ) -> Self {
        let authors = references
            .iter()
            .filter(|reference| missing.contains(&reference.hash))
            .map(|reference| (reference.hash, reference.author))
            .collect();
        Self { missing, authors, proposer, ask_at, attempts: 0 }
    }

    /// When to ask next; `None` when nothing is missing.
    pub fn next_deadline(&self) -> Option<Duration> {
        (!self.missing.is_empty()).then_some(self.ask_at)
    }

    /// What to ask of whom, if it is time: first proposer and authors, then everybody in turn. What `is_here` already, and
    /// only waits for its check, is not asked for.
    pub fn due(
        &mut self,
        now: Duration,
        (pause, validators): (Duration, u16),
        is_here: impl Fn(&BatchHash) -> bool,
    ) -> Option<(Vec<BatchHash>, BTreeSet<ValidatorIndex>)> {
        if self.next_deadline()? > now {
            return None;
        }
        self.ask_at = now + pause;
        let wanted: Vec<BatchHash> =
            self.missing.iter().filter(|hash| !is_here(hash)).copied().collect();
        if wanted.is_empty() {
            return None;
        }
        let mut targets = BTreeSet::new();
        if self.attempts == 0 {
            targets.insert(self.proposer);
            targets.extend(wanted.iter().filter_map(|hash| self.authors.get(hash)));
        } else {
            let start = u32::from(self.proposer.get()) + self.attempts;
            let turn = |k: u32| u16::try_from((start + k) % u32::from(validators)).unwrap_or(0);
            targets.extend((0..2).map(|k| ValidatorIndex::new(turn(k))));
        }
        targets.retain(|target| target.get() < validators);
        self.attempts = self.attempts.wrapping_add(1) & 0xffff;
        Some((wanted, targets))
    }
}
