//! Merkle proofs over lists: what is there is proven, a changed proof proves nothing, and no bytes
//! prove what is not there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use logothete_fuzz::decode_canonical;
use logothete_primitives::codec::encode;
use logothete_primitives::{Digest, MerkleProof, merkle};

// The first byte is the length, three more say where and what to change, the rest is a claim.
fuzz_target!(|bytes: &[u8]| {
    let [count, index, place, flip, ref rest @ ..] = *bytes else { return };
    let leaves: Vec<Digest> = (0..count).map(|number| Digest::new([number; 32])).collect();
    let root = merkle::root(&leaves);
    let absent = Digest::new([255; 32]);
    if let Some(claim) = decode_canonical::<MerkleProof>(rest) {
        assert!(!claim.verify(&absent, &root), "255 is never among the leaves");
        let honest = usize::try_from(claim.index).ok().and_then(|at| merkle::prove(&leaves, at));
        if let Some(leaf) = leaves.get(usize::from(index)) {
            assert!(!claim.verify(leaf, &root) || honest == Some(claim), "another proof holds");
        }
    }
    let Some(proof) = merkle::prove(&leaves, usize::from(index)) else {
        assert!(index >= count);
        return;
    };
    let leaf = leaves[usize::from(index)];
    assert!(proof.verify(&leaf, &root));
    let mut changed = encode(&proof);
    let place = usize::from(place) % changed.len();
    changed[place] ^= flip;
    if let Some(claim) = decode_canonical::<MerkleProof>(&changed) {
        assert_eq!(claim.verify(&leaf, &root), claim == proof);
    }
});
