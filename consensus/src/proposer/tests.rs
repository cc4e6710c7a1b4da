use logothete_primitives::{ChainId, Digest, Height, ReceiptsRoot, StateRoot, TimestampMs, View};

use super::check_on_parent;
use crate::block::{BlockHeader, Executed};
use crate::rejection::Rejection;

fn header(height: u64, timestamp: u64, executed: u64, state_root: u8) -> BlockHeader {
    let executed = Executed {
        height: Height::new(executed),
        state_root: StateRoot::new(Digest::new([state_root; 32])),
        receipts_root: ReceiptsRoot::ZERO,
    };
    let (chain, timestamp) = (ChainId::new(Digest::ZERO), TimestampMs::new(timestamp));
    let genesis = BlockHeader::genesis(chain, timestamp, executed);
    BlockHeader { view: View::new(height), height: Height::new(height), ..genesis }
}

/// R2, around each boundary: a parent of height 7 at 100 ms that attested height 5.
#[test]
fn a_header_follows_its_parents() {
    let parent = header(7, 100, 5, 1);
    let (at, height) = (TimestampMs::new, Height::new);
    let late = |got| Err(Rejection::TimestampNotAfterParent { got: at(got), parent: at(100) });
    //           timestamp, height executed, state root, verdict
    let table = [
        (101, 5, 1, Ok(())),
        (101, 6, 2, Ok(())),
        (101, 7, 2, Ok(())),
        (99, 5, 1, late(99)),
        (100, 5, 1, late(100)),
        (101, 8, 2, Err(Rejection::ExecutedAhead { got: height(8), parent: height(7) })),
        (101, 4, 1, Err(Rejection::ExecutedBehind { got: height(4), parent: height(5) })),
        (101, 5, 2, Err(Rejection::ExecutedContradicts { height: height(5) })),
    ];
    for (timestamp, executed, state_root, verdict) in table {
        let child = header(8, timestamp, executed, state_root);
        let case = (timestamp, executed, state_root);
        assert_eq!(check_on_parent(&child, &parent), verdict, "{case:?}");
    }
}
