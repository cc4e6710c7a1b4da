//! Says everything ten times, votes for views to come, and asks for statements all the time.

use logothete_consensus::{Message, PrepareVote, StatementRequest};

use super::{Adversary, Liar, Parcel};

#[derive(Default)]
pub(crate) struct Flooder(u64);

impl Adversary for Flooder {
    fn say(&mut self, liar: &mut Liar<'_>, parcel: Parcel) -> Vec<Parcel> {
        let mut parcels = vec![parcel; 10];
        if let Message::PrepareVote(vote) = &parcels[0].message {
            parcels.extend(votes_ahead(liar, &vote.clone()));
        }
        let nonce = liar.random.bytes();
        let request = StatementRequest { nonce, signer: liar.index };
        parcels.push(Parcel::to_all(Message::StatementRequest(request)));
        self.0 += parcels.len() as u64 - 1;
        parcels
    }

    fn misdeeds(&self) -> u64 {
        self.0
    }
}

fn votes_ahead(liar: &mut Liar<'_>, vote: &PrepareVote) -> Vec<Parcel> {
    let ahead = |views| {
        let block = liar.nothing();
        let vote = liar.prepare(vote, vote.view.plus(views), block);
        Parcel::to_all(Message::PrepareVote(vote))
    };
    [1, 1, 2, 2, 3, 4, 1000].map(ahead).into()
}
