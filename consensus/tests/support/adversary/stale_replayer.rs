//! Keeps what it hears and says it again much later: certificates, votes, timeouts, statements.

use logothete_consensus::Message;

use super::{Adversary, Liar, Parcel};

/// How many messages it keeps.
const KEPT: usize = 64;

#[derive(Default)]
pub(crate) struct StaleReplayer {
    count: u64,
    kept: Vec<Message>,
}

impl Adversary for StaleReplayer {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let mut parcels = vec![parcel];
        for _ in 0..2 {
            if self.kept.is_empty() {
                break;
            }
            let pick = liar.random.below(self.kept.len() as u64);
            let message = self.kept[usize::try_from(pick).unwrap()].clone();
            self.count += 1;
            parcels.push(Parcel::to_all(message));
        }
        parcels
    }

    fn hear(&mut self, liar: &mut Liar<'_>, message: &Message) -> Vec<Parcel> {
        if self.kept.len() < KEPT {
            self.kept.push(message.clone());
        } else if liar.random.chance(20) {
            let pick = liar.random.below(KEPT as u64);
            self.kept[usize::try_from(pick).unwrap()] = message.clone();
        }
        Vec::new()
    }

    fn misdeeds(&self) -> u64 {
        self.count
    }
}
