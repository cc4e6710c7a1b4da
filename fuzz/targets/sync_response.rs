//! Answers of the sync lane: the largest things that a stranger can make a node decode.

#![no_main]

#[allow(dead_code)]
#[path = "../../node/src/sync/message.rs"]
mod message;

use libfuzzer_sys::fuzz_target;
use logothete_consensus::{verify_commit, verify_quorum};
use logothete_fuzz::{AnySignature, CONTEXT, decode_canonical};
use message::{SyncBlock, SyncResponse};

fuzz_target!(|bytes: &[u8]| {
    match decode_canonical::<SyncResponse>(bytes) {
        Some(SyncResponse::Tip(tip)) => {
            let _ = tip.header.hash();
            tip.cc.into_iter().for_each(|cc| _ = verify_commit(&CONTEXT, &AnySignature, cc));
        }
        Some(SyncResponse::Block(entry)) => check(*entry),
        Some(SyncResponse::Blocks(range)) => range.blocks.into_inner().into_iter().for_each(check),
        Some(SyncResponse::Batches(_) | SyncResponse::NotFound) | None => {}
    }
});

fn check(entry: SyncBlock) {
    let _ = entry.block.body_matches();
    let _ = verify_quorum(&CONTEXT, &AnySignature, entry.qc);
}
