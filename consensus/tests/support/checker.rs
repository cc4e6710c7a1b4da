//! What must never happen, seen from outside: two final blocks at a height, two signatures for a
//! slot, a message that leaves before what it promises is on disk.

use std::collections::BTreeMap;

use logothete_consensus::{Block, Message, SafetyState, Said, Slot};
use logothete_primitives::{BlockHash, Height, ValidatorIndex, View};

use super::disk::Disk;

/// Watches all honest replicas, across restarts and wipes.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    chain: BTreeMap<Height, BlockHash>,
    said: BTreeMap<Slot, Said>,
    /// The highest view that each gave up, and the highest that each commit-voted for.
    given_up: BTreeMap<ValidatorIndex, View>,
    locked: BTreeMap<ValidatorIndex, View>,
    pub(crate) messages: u64,
}

impl Checker {
    /// Agreement: everybody has the same block at a height, and they form a chain.
    pub(crate) fn on_commit(&mut self, who: ValidatorIndex, blocks: &[Block]) {
        for block in blocks {
            let hash = block.hash();
            let known = self.chain.entry(block.header.height).or_insert(hash);
            assert_eq!(*known, hash, "{who:?} forks at height {}", block.header.height);
            if let Some(below) = block.header.height.prev().and_then(|h| self.chain.get(&h)) {
                assert_eq!(block.header.parent, *below, "{who:?} leaves the chain");
            }
        }
    }

    /// One message per slot, ever; and durable before sent.
    pub(crate) fn on_send(&mut self, who: ValidatorIndex, message: &Message, disk: &Disk) {
        self.messages += 1;
        let Some((slot, said)) = message.slot() else { return };
        assert_eq!(slot.signer, who, "{who:?} sends what another signed");
        match self.said.insert(slot, said) {
            None => self.on_new(who, slot.view, message),
            Some(known) => assert_eq!(known, said, "signed twice: {slot:?}"),
        }
        let state = disk.safety().expect("who signs has a safety state");
        assert_durable(message, state, disk);
    }

    /// R2, R3, R5 as they look from outside, across all restarts.
    fn on_new(&mut self, who: ValidatorIndex, view: View, message: &Message) {
        let given_up = self.given_up.entry(who).or_default();
        let locked = self.locked.entry(who).or_default();
        match message {
            Message::PrepareVote(_) => {
                assert!(view > *given_up, "{who:?} voted in view {view} after giving it up");
            }
            Message::CommitVote { .. } => {
                assert!(view > *given_up, "{who:?} voted in view {view} after giving it up");
                *locked = view.max(*locked);
            }
            Message::Timeout(timeout) => {
                let qc = timeout.high_qc.view;
                assert!(
                    qc >= *locked,
                    "{who:?} forgot in view {view} that it is locked on {locked}"
                );
                *given_up = view.max(*given_up);
            }
            _ => {}
        }
    }

    pub(crate) fn height(&self) -> Height {
        self.chain.keys().next_back().copied().unwrap_or_default()
    }
}

/// The promise of a message is on disk before the message leaves.
fn assert_durable(message: &Message, state: &SafetyState, disk: &Disk) {
    let qc_view = state.high_qc.as_ref().map_or(View::ZERO, |qc| qc.view);
    match message {
        Message::Proposal(p) => {
            assert!(state.proposed >= p.block.header.view, "proposal not durable");
            assert!(disk.is_synced(&p.block.hash()), "proposed block not durable");
        }
        Message::PrepareVote(vote) => {
            assert!(state.prepared >= vote.view, "prepare vote not durable");
        }
        Message::CommitVote { vote, .. } => {
            assert!(state.committed >= vote.view, "commit vote not durable");
            assert!(qc_view >= vote.view, "the QC of a commit vote not durable");
            assert!(disk.is_synced(&vote.block), "commit-voted block not durable");
        }
        Message::Timeout(timeout) => {
            assert!(state.timed_out >= timeout.view, "timeout not durable");
        }
        _ => {}
    }
}
