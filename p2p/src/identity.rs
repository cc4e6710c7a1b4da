//! A node is known by one ed25519 key: to the protocol as [`PublicKey`], to libp2p as [`PeerId`].
//!
//! A peer id of an ed25519 key holds the key itself, so each is computed from the other and no
//! table can be wrong about it.

use libp2p::{
    PeerId,
    identity::{Keypair, PublicKey as TransportKey, ed25519},
};
use logothete_primitives::keys::{PublicKey, SecretKey};

/// Multihash code of "the digest is the data".
const IDENTITY_HASH: u64 = 0;

/// The transport's pair of the node's key.
pub(crate) fn keypair(secret: &SecretKey) -> Keypair {
    let mut seed = secret.seed();
    Keypair::ed25519_from_bytes(seed.as_mut_slice()).expect("a seed of 32 bytes is an ed25519 key")
}

/// The peer id of a key; `None` for bytes that are not a point of the curve.
pub fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(key.as_bytes()).ok()?;
    Some(TransportKey::from(key).to_peer_id())
}

/// The key of a peer id; `None` for keys of another kind.
pub fn public_key(peer: &PeerId) -> Option<PublicKey> {
    let hash = peer.as_ref();
    if hash.code() != IDENTITY_HASH {
        return None;
    }
    let key = TransportKey::try_decode_protobuf(hash.digest()).ok()?;
    Some(PublicKey::from_bytes(key.try_into_ed25519().ok()?.to_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_key_and_the_peer_id_name_the_same_node() {
        let secret = SecretKey::from_seed([7; 32]);
        let peer = keypair(&secret).public().to_peer_id();
        assert_eq!(public_key(&peer), Some(secret.public()));
        assert_eq!(peer_id(&secret.public()), Some(peer));
    }

    #[test]
    fn other_bytes_name_nobody() {
        assert_eq!(public_key(&PeerId::random()), None);
        let off_the_curve = PublicKey::from_bytes([2; 32]);
        assert_eq!(peer_id(&off_the_curve), None);
    }
}
