//! Proposes two blocks in a view: one to each half, or both to all.

use logothete_consensus::Message;

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct EquivocatingLeader(u64);

impl Adversary for EquivocatingLeader {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let Message::Proposal(proposal) = &parcel.message else { return vec![parcel] };
        self.0 += 1;
        let other = Message::Proposal(Box::new(liar.other_proposal(proposal)));
        if liar.random.chance(300) {
            return vec![parcel, Parcel::to_all(other)];
        }
        let cut = liar.random.below(liar.others().len() as u64 + 1);
        let half = |(place, to)| {
            let message = if place < cut { parcel.message.clone() } else { other.clone() };
            Parcel { to: Some(to), message }
        };
        (0..).zip(liar.others()).map(half).collect()
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}
