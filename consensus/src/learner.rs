//! R10: a validator without its safety state follows, and asks the others where they are.

use alloc::collections::BTreeMap;
use core::time::Duration;

use logothete_primitives::{SignerSet, ValidatorIndex, ValidatorSet, View};

use crate::message::{Statement, StatementRequest};

/// What a validator with amnesia has learnt.
#[derive(Clone, Debug)]
pub(crate) struct Learner {
    own: ValidatorIndex,
    nonce: [u8; 32],
    /// The view stated by each of the others, over the own nonce.
    views: BTreeMap<ValidatorIndex, View>,
    /// m + 1, once a quorum of the others has answered.
    above: Option<View>,
    /// When the question is sent again.
    ask_at: Duration,
}

impl Learner {
    pub(crate) const fn new(own: ValidatorIndex, nonce: [u8; 32]) -> Self {
        Self { own, nonce, views: BTreeMap::new(), above: None, ask_at: Duration::ZERO }
    }

    /// The question, if it is time to ask (again).
    pub(crate) fn ask(&mut self, now: Duration, every: Duration) -> Option<StatementRequest> {
        if self.above.is_some() || now < self.ask_at {
            return None;
        }
        self.ask_at = now.saturating_add(every);
        Some(StatementRequest { nonce: self.nonce, signer: self.own })
    }

    /// When to ask again, unless the answers are complete.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.above.is_none().then_some(self.ask_at)
    }

    /// Takes a verified answer; false if it is to another question.
    ///
    /// The quorum is of members other than this one, so it meets an honest signer of every
    /// certificate this one can have acted on.
    pub(crate) fn on_statement(
        &mut self,
        statement: &Statement,
        validators: &ValidatorSet,
    ) -> bool {
        if statement.nonce != self.nonce || statement.signer == self.own {
            return false;
        }
        if self.above.is_none() {
            self.views.entry(statement.signer).or_insert(statement.view);
            let power: u64 = self.views.keys().map(|index| validators.power(*index)).sum();
            if power >= validators.quorum() {
                self.above = self.views.values().max().map(|m| m.next());
            }
        }
        true
    }

    /// The view above which a CC must be seen, once it is known.
    pub(crate) const fn above(&self) -> Option<View> {
        self.above
    }

    pub(crate) fn statements(&self, size: usize) -> SignerSet {
        let mut set = SignerSet::new(size);
        for index in self.views.keys() {
            set.insert(*index);
        }
        set
    }
}
