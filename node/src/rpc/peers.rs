//! The peers of a node, for `node_peers` and for its administrator.

use logothete_client::rpc::types::{AdminPeers, BanView, PeerView, Role};
use logothete_p2p as p2p;

use super::node::millis;
use super::views;
use crate::service::Service;

/// Where the node listens, who is connected and who is kept out.
pub fn all(service: &Service) -> AdminPeers {
    let banned = |ban: p2p::Ban| BanView {
        key: ban.key,
        fault: ban.fault.to_string(),
        remaining_ms: millis(ban.remaining),
    };
    AdminPeers {
        listening: service.network.listening().iter().map(ToString::to_string).collect(),
        connected: connected(service),
        banned: service.network.banned().into_iter().map(banned).collect(),
    }
}

/// Who is connected.
pub(super) fn connected(service: &Service) -> Vec<PeerView> {
    let set = &service.chain.genesis().validators;
    let view = |peer: p2p::PeerInfo| PeerView {
        key: peer.key,
        name: set.index_of(&peer.key).map(|index| views::validator_ref(set, index).name),
        role: match peer.role {
            p2p::Role::Validator => Role::Validator,
            p2p::Role::Follower => Role::Follower,
        },
        addresses: peer.addresses.iter().map(ToString::to_string).collect(),
        version: peer.agent,
        connected_ms: millis(peer.connected_for),
        round_trip_us: peer.rtt.map(|rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX)),
        height: Some(peer.height.get()),
    };
    service.network.peers().into_iter().map(view).collect()
}
