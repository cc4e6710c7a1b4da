//! Signs a second vote for whatever block it has heard of, and a second timeout that hides its QC.

use std::collections::BTreeSet;

use logothete_consensus::Message;
use logothete_primitives::{BlockHash, View};

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct DoubleVoter {
    count: u64,
    heard: BTreeSet<BlockHash>,
}

impl Adversary for DoubleVoter {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let second = match &parcel.message {
            Message::PrepareVote(vote) => {
                let block = liar.nothing();
                Message::PrepareVote(liar.prepare(vote, vote.view, block))
            }
            Message::Timeout(timeout) if timeout.high_qc.view > View::ZERO => {
                Message::Timeout(Box::new(liar.ignorant_timeout(timeout)))
            }
            _ => return vec![parcel],
        };
        self.count += 1;
        // Whichever comes first takes the slot.
        vec![parcel, Parcel::to_all(second)]
    }

    /// Votes for every block that anybody votes for.
    fn hear(&mut self, liar: &mut Liar<'_>, message: &Message) -> Vec<Parcel> {
        let Message::PrepareVote(vote) = message else { return Vec::new() };
        // Once for each, or two of them would never end.
        if !self.heard.insert(vote.block) {
            return Vec::new();
        }
        self.count += 1;
        let vote = liar.prepare(vote, vote.view, vote.block);
        vec![Parcel::to_all(Message::PrepareVote(vote))]
    }

    fn misdeeds(&self) -> u64 {
        self.count
    }
}
