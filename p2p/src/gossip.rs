//! What gossip is, apart from who carries it: the topic of a chain and the id of a message.

use logothete_primitives::{
    domain::Domain,
    hash::{Digest, hash},
    identifiers::ChainId,
};

const GOSSIP: Domain = Domain::new("lgt/gossip");

/// The id of a gossiped message is its content: sent again, by whomever, it is a duplicate.
pub(crate) fn message_id(bytes: &[u8]) -> Digest {
    hash(GOSSIP, bytes)
}

/// The topic of a chain's transactions.
pub(crate) fn topic(chain: &ChainId) -> String {
    format!("logothete/{chain}/transactions")
}
