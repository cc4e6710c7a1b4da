#![allow(clippy::unwrap_used)]

use alloc::sync::Arc;

use logothete_primitives::{
    ChainId, Digest, Epoch, Height, ReceiptsRoot, SignerSet, StateRoot, TimestampMs,
    ValidatorIndex, View,
};

use super::{BLOCKS_MAX, BlockTree, Link, PayloadCheck};
use crate::block::{Block, BlockHeader, Executed, payload_hash};
use crate::certificate::{QuorumCert, Signatures};

fn genesis() -> BlockHeader {
    let executed = Executed {
        height: Height::ZERO,
        state_root: StateRoot::ZERO,
        receipts_root: ReceiptsRoot::ZERO,
    };
    BlockHeader::genesis(ChainId::new(Digest::ZERO), TimestampMs::ZERO, executed)
}

fn child(parent: &BlockHeader, view: u64) -> BlockHeader {
    BlockHeader {
        view: View::new(view),
        height: parent.height.next(),
        parent: parent.hash(),
        parent_view: parent.view,
        payload: payload_hash(b""),
        proposer: ValidatorIndex::new(0),
        ..genesis()
    }
}

fn qc(header: &BlockHeader) -> QuorumCert {
    QuorumCert {
        epoch: Epoch::ZERO,
        view: header.view,
        block: header.hash(),
        height: header.height,
        parent_view: header.parent_view,
        signers: SignerSet::new(4),
        signatures: Signatures::default(),
    }
}

fn insert(tree: &mut BlockTree, parent: &BlockHeader, header: &BlockHeader) {
    let block = Block { header: header.clone(), payload: Vec::new().try_into().unwrap() };
    tree.insert(Arc::new(block), qc(parent), PayloadCheck::Good);
}

/// ```text
/// g <- a(1) <- b(2) <- d(4)
///           <- c(3)
/// ```
#[test]
fn advancing_drops_what_cannot_follow() {
    let g = genesis();
    let (a, mut tree) = (child(&g, 1), BlockTree::new(g.clone()));
    let (b, c) = (child(&a, 2), child(&a, 3));
    let d = child(&b, 4);
    let e = child(&c, 5);
    for (parent, header) in [(&g, &a), (&a, &b), (&a, &c), (&b, &d), (&c, &e)] {
        insert(&mut tree, parent, header);
    }
    assert_eq!(tree.chain(&d.hash()).unwrap().len(), 3);
    tree.advance(b.clone());
    assert_eq!(tree.len(), 1, "d alone is above b");
    assert_eq!(tree.link(&qc(&d)), Link::Connected);
    assert_eq!(tree.link(&qc(&e)), Link::Missing((&qc(&e)).into()));
    assert_eq!(tree.link(&qc(&c)), Link::Conflicting, "of the height of the root");
    assert_eq!(tree.chain(&b.hash()).unwrap().len(), 0);
    // What is not above the root is not taken any more.
    insert(&mut tree, &a, &c);
    assert_eq!(tree.len(), 1);
}

#[test]
fn names_the_first_block_missing_from_above() {
    let g = genesis();
    let (a, mut tree) = (child(&g, 1), BlockTree::new(g.clone()));
    let (b, c) = (child(&a, 2), child(&child(&a, 2), 3));
    insert(&mut tree, &b, &c);
    let Link::Missing(missing) = tree.link(&qc(&c)) else { panic!("b and a are missing") };
    assert_eq!((missing.block, missing.height), (b.hash(), Height::new(2)));
    assert!(tree.chain(&c.hash()).is_none());
    insert(&mut tree, &a, &b);
    insert(&mut tree, &g, &a);
    assert_eq!(tree.link(&qc(&c)), Link::Connected);
}

/// R8: leaders whose blocks come to nothing cannot fill the memory.
#[test]
fn trims_what_was_given_up() {
    let g = genesis();
    let mut tree = BlockTree::new(g.clone());
    let tip = child(&g, 1);
    insert(&mut tree, &g, &tip);
    for view in 2..=u64::try_from(BLOCKS_MAX).unwrap() + 5 {
        let abandoned = BlockHeader { view: View::new(view), ..child(&g, view) };
        insert(&mut tree, &g, &abandoned);
    }
    tree.trim(&QuorumCert { view: View::new(10_000), ..qc(&tip) });
    assert_eq!(tree.len(), 1);
    assert!(tree.get(&tip.hash()).is_some());
}

/// R8: nothing goes below the limit; above it, what is newer than the tip may still be certified.
///
/// ```text
/// g <- a(1) <- tip(3), beside(3), newer(4)
///   <- abandoned (2)
/// ```
#[test]
fn trims_only_beyond_the_limit_and_spares_what_is_newer() {
    let g = genesis();
    let (a, mut tree) = (child(&g, 1), BlockTree::new(g.clone()));
    assert!(tree.is_empty());
    let (tip, newer) = (child(&a, 3), child(&a, 4));
    let beside = BlockHeader { proposer: ValidatorIndex::new(1), ..child(&a, 3) };
    for (parent, header) in [(&g, &a), (&a, &tip), (&a, &beside), (&a, &newer)] {
        insert(&mut tree, parent, header);
    }
    assert!(!tree.is_empty());
    let abandoned = |number: usize| BlockHeader {
        timestamp: TimestampMs::new(number.try_into().unwrap()),
        ..child(&g, 2)
    };
    for number in tree.len()..BLOCKS_MAX {
        insert(&mut tree, &g, &abandoned(number));
    }
    tree.trim(&qc(&tip));
    assert_eq!(tree.len(), BLOCKS_MAX, "at the limit");
    insert(&mut tree, &g, &abandoned(BLOCKS_MAX));
    tree.trim(&qc(&tip));
    let left: Vec<bool> =
        [&a, &tip, &beside, &newer].map(|header| tree.get(&header.hash()).is_some()).to_vec();
    assert_eq!((left, tree.len()), (vec![true, true, false, true], 3));
}
