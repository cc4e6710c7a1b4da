//! Stamps its blocks an hour off, at the edge of the drift, or not after the parent.

use logothete_consensus::Message;
use logothete_primitives::TimestampMs;

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct TimeStamper(u64);

impl Adversary for TimeStamper {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let Message::Proposal(proposal) = parcel.message else { return vec![parcel] };
        let mut block = proposal.block;
        let shifts = [-3_600_000, -4_900, -1_000, 4_000, 4_900, 3_600_000];
        let pick = usize::try_from(liar.random.below(shifts.len() as u64)).unwrap();
        let stamp = block.header.timestamp.get().saturating_add_signed(shifts[pick]);
        block.header.timestamp = TimestampMs::new(stamp);
        self.0 += 1;
        let proposal = liar.propose(block, proposal.qc, proposal.tc);
        vec![Parcel::to_all(Message::Proposal(Box::new(proposal)))]
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}
