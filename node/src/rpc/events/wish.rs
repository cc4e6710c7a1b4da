//! From the parameters of a subscription to where its feed begins.

use logothete_client::rpc::RpcError;
use logothete_client::rpc::types::{EventKind, Subscribe};
use logothete_ledger::store::TxLocation;
use logothete_primitives::{Address, Height};

/// What of the chain a feed tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Blocks,
    Txs,
    Account(Address),
    Validators,
}

/// What is wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The chain, from the first transaction of a block, or from one in the middle of it.
    Chain(Subject, TxLocation),
    /// The present state of consensus.
    Consensus,
}

impl Wish {
    pub(super) fn new(params: &Subscribe, head: Height) -> Result<Self, RpcError> {
        if params.address.is_some() && params.kind != EventKind::Account {
            return Err(senseless("address is for the kind account only"));
        }
        let subject = match params.kind {
            EventKind::Blocks => Subject::Blocks,
            EventKind::Txs => Subject::Txs,
            EventKind::Validators => Subject::Validators,
            EventKind::Account => {
                let address = params.address.ok_or_else(|| senseless("address is missing"))?;
                Subject::Account(address)
            }
            EventKind::Consensus if params.from_height.is_some() || params.after.is_some() => {
                return Err(senseless("the kind consensus tells the present only"));
            }
            EventKind::Consensus => return Ok(Self::Consensus),
        };
        Ok(Self::Chain(subject, start(params, head)?))
    }
}

/// The first place that is still to be told.
fn start(params: &Subscribe, head: Height) -> Result<TxLocation, RpcError> {
    let (height, index) = match (params.from_height, params.after) {
        (None, None) => (head.next(), 0),
        (Some(height), None) => (height, 0),
        (None, Some(position)) => match position.index {
            None if position.height.get() == u64::MAX => {
                return Err(senseless("after is the end of numbers"));
            }
            None => (position.height.next(), 0),
            Some(index) => (position.height, index.saturating_add(1)),
        },
        (Some(_), Some(_)) => return Err(senseless("both from_height and after are given")),
    };
    Ok(TxLocation { height, index })
}

fn senseless(why: &str) -> RpcError {
    RpcError::invalid_params(why, "docs/rpc.md has an example of each kind")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use logothete_client::rpc::ErrorCode;
    use logothete_client::rpc::types::Position;

    use super::*;

    const HEAD: Height = Height::new(52);

    fn begins(params: &Subscribe) -> (u64, u32) {
        match Wish::new(params, HEAD).unwrap() {
            Wish::Chain(Subject::Txs, place) => (place.height.get(), place.index),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_feed_begins_after_what_was_seen() {
        let txs = Subscribe::to(EventKind::Txs);
        assert_eq!(begins(&txs), (53, 0), "from now on");
        assert_eq!(begins(&Subscribe::from(EventKind::Txs, Height::ZERO)), (0, 0));
        let after = |text: &str| Subscribe { after: Some(text.parse().unwrap()), ..txs };
        assert_eq!(begins(&after("17")), (18, 0));
        assert_eq!(begins(&after("17.4")), (17, 5));
    }

    #[test]
    fn a_wish_that_makes_no_sense_is_refused() {
        let address = Some(logothete_primitives::SecretKey::from_seed([7; 32]).public().into());
        let (height, after) = (Some(HEAD), Some(Position::all_of(HEAD)));
        let end = Some(Position::all_of(Height::new(u64::MAX)));
        for wish in [
            Subscribe { address, ..Subscribe::to(EventKind::Blocks) },
            Subscribe::to(EventKind::Account),
            Subscribe { from_height: height, after, ..Subscribe::to(EventKind::Blocks) },
            Subscribe { after: end, ..Subscribe::to(EventKind::Blocks) },
            Subscribe::from(EventKind::Consensus, HEAD),
            Subscribe { after, ..Subscribe::to(EventKind::Consensus) },
        ] {
            let error = Wish::new(&wish, HEAD).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams, "{wish:?}");
        }
    }
}
