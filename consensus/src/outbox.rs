//! The actions of one step, brought into the order "durable before sent".

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use logothete_primitives::{ValidatorIndex, View};

use crate::action::Action;
use crate::block::Block;
use crate::certificate::QuorumCert;
use crate::message::Message;
use crate::rejection::Rejection;
use crate::safety_state::SafetyState;

/// Collects what a step wants done.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    stores: Vec<Action>,
    rest: Vec<Action>,
}

impl Outbox {
    pub(crate) fn store(&mut self, block: Arc<Block>, qc: QuorumCert) {
        self.stores.push(Action::StoreBlock { block, qc });
    }

    pub(crate) fn push(&mut self, action: Action) {
        self.rest.push(action);
    }

    pub(crate) fn broadcast(&mut self, message: Message) {
        self.push(Action::Broadcast(message));
    }

    pub(crate) fn send(&mut self, to: ValidatorIndex, message: Message) {
        self.push(Action::Send { to, message });
    }

    pub(crate) fn reject(&mut self, from: Option<ValidatorIndex>, rejection: Rejection) {
        self.push(Action::Rejected { from, rejection });
    }

    /// R8: of the view just over, messages come late as a matter of course; older ones are named.
    pub(crate) fn stale(&mut self, from: Option<ValidatorIndex>, view: View, current: View) {
        if view.next() < current {
            self.reject(from, Rejection::Stale { view, current });
        }
    }

    /// Blocks, then the safety state, then all that relies on them.
    pub(crate) fn finish(self, safety: Option<SafetyState>) -> Vec<Action> {
        let persist = safety.map(|state| Action::PersistSafety(Box::new(state)));
        self.stores.into_iter().chain(persist).chain(self.rest).collect()
    }
}
