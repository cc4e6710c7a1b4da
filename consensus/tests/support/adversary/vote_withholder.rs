//! Gives its votes to nobody, or to one.

use logothete_consensus::Message;

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct VoteWithholder(u64);

impl Adversary for VoteWithholder {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        if !matches!(parcel.message, Message::PrepareVote(_) | Message::CommitVote { .. }) {
            return vec![parcel];
        }
        self.0 += 1;
        let others = liar.others();
        if others.is_empty() || liar.random.chance(700) {
            return Vec::new();
        }
        let one = liar.random.below(others.len() as u64);
        let to = others.get(usize::try_from(one).unwrap()).copied();
        vec![Parcel { to, message: parcel.message }]
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}
