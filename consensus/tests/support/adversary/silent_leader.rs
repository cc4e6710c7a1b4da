//! Never proposes, but votes like everybody.

use logothete_consensus::Message;

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct SilentLeader(u64);

impl Adversary for SilentLeader {
    fn say(&mut self, _: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        if matches!(parcel.message, Message::Proposal(_)) {
            self.0 += 1;
            return Vec::new();
        }
        vec![parcel]
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}
